namespace TiKvActors.Host.Check;

public enum RegisterAction
{
    /// <summary>Found <see cref="RegisterOperation.Found"/>.</summary>
    Read,

    /// <summary>Made <see cref="RegisterOperation.Value"/> the value, whatever it was.</summary>
    Write,

    /// <summary>
    /// Found <see cref="RegisterOperation.Found"/> and made <see cref="RegisterOperation.Value"/> the value, as one step.
    /// </summary>
    Swap,
}

/// <summary>
/// One effect on one register (a key), or one look at it. Null stands for an absent key. Times are of one clock, in any unit; an effect
/// takes
/// place at one moment from <see cref="Invoked"/> to <see cref="Completed"/>, both included.
/// </summary>
public sealed record RegisterOperation
{
    /// <summary>The time of what is never completed.</summary>
    public const long Never = long.MaxValue;

    /// <summary>For people: who did it.</summary>
    public string Name { get; init; } = "";

    public required RegisterAction Action { get; init; }

    public required long Invoked { get; init; }

    public long Completed { get; init; } = Never;

    /// <summary>False: it may have taken place, or not at all. Always true of a read.</summary>
    public bool IsCertain { get; init; } = true;

    public string? Found { get; init; }

    public string? Value { get; init; }

    public static RegisterOperation Read(string? found, long invoked, long completed, string name = "") =>
        new() { Action = RegisterAction.Read, Found = found, Invoked = invoked, Completed = completed, Name = name };

    public static RegisterOperation Write(string? value, long invoked, long completed, string name = "", bool isCertain = true) =>
        new()
        {
            Action = RegisterAction.Write,
            Value = value,
            Invoked = invoked,
            Completed = completed,
            Name = name,
            IsCertain = isCertain
        };

    public static RegisterOperation Swap(
        string? found, string? value, long invoked, long completed, string name = "", bool isCertain = true) =>
        new()
        {
            Action = RegisterAction.Swap,
            Found = found,
            Value = value,
            Invoked = invoked,
            Completed = completed,
            Name = name,
            IsCertain = isCertain
        };

    /// <summary>Whether it can tell <paramref name="value"/> from others.</summary>
    public bool Observes(string? value) => Action != RegisterAction.Write && Found == value;
}
