namespace TiKvActors.Host.Terminal;

/// <summary>Exit statuses of every <c>tkv</c> command; scripts rely on them.</summary>
public static class ExitCode
{
    public const int Done = 0;

    /// <summary>The operation failed; the message says why and what to do.</summary>
    public const int Failed = 1;

    public const int BadUsage = 2;

    /// <summary>The key asked for is absent, or a compare-and-swap did not match.</summary>
    public const int NotFound = 3;

    /// <summary>A write may or may not have happened.</summary>
    public const int Undetermined = 4;
}
