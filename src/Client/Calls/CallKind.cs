namespace TiKvActors.Client.Calls;

/// <summary>What trying again after a lost answer may do.</summary>
internal enum CallKind
{
    /// <summary>Nothing: try again.</summary>
    Read,

    /// <summary>The same once more: try again, and if no try is answered the outcome is unknown.</summary>
    IdempotentWrite,

    /// <summary>Something else (the first try may have changed what the second compares with): the outcome is unknown at once.</summary>
    ConditionalWrite,
}
