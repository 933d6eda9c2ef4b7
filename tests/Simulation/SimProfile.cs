namespace TiKvActors.Simulation;

/// <summary>What kind of trouble a run makes. Probabilities are per message; weights are relative.</summary>
internal sealed record SimProfile
{
    public required string Name { get; init; }
    public int MinNodes { get; init; } = 3;
    public int MaxNodes { get; init; } = 7;
    public double Drop { get; init; } = 0.02;
    public double Duplicate { get; init; } = 0.02;

    /// <summary>Messages that take up to two election timeouts, and so arrive out of order and out of date.</summary>
    public double Straggle { get; init; } = 0.01;

    /// <summary>Mean time between two faults, in election timeouts.</summary>
    public double FaultInterval { get; init; } = 1.5;

    public double CrashWeight { get; init; } = 3;
    public double ChurnWeight { get; init; } = 0.2;
    public double PauseWeight { get; init; } = 2;
    public double PartitionWeight { get; init; } = 3;
    public double LeaseAttackWeight { get; init; } = 1;
    public double MembershipWeight { get; init; } = 3;
    public double TransferWeight { get; init; } = 2;
    public double DiskWeight { get; init; } = 1;

    /// <summary>Chance that a peer compacts its log, per election timeout.</summary>
    public double Compaction { get; init; } = 0.5;

    /// <summary>One entry a message, so that entries are acknowledged one by one.</summary>
    public bool SmallMessages { get; init; }

    public double ReadShare { get; init; } = 0.5;
    public double LeaseReadShare { get; init; } = 0.6;

    public static readonly IReadOnlyList<SimProfile> All =
    [
        new() { Name = "mixed" },
        new()
        {
            Name = "leases",
            MaxNodes = 5,
            CrashWeight = 4,
            LeaseAttackWeight = 5,
            TransferWeight = 3,
            MembershipWeight = 1,
            ReadShare = 0.7,
            LeaseReadShare = 0.9
        },
        new() { Name = "membership", MinNodes = 1, MembershipWeight = 10, FaultInterval = 0.8 },
        new() { Name = "snapshots", Compaction = 3, Drop = 0.05, MembershipWeight = 4 },
        new() { Name = "elections", MaxNodes = 5, SmallMessages = true, ChurnWeight = 20, MembershipWeight = 1, ReadShare = 0.2 },
        new() { Name = "lossy", Drop = 0.15, Duplicate = 0.1, Straggle = 0.08, FaultInterval = 0.8 },
    ];

    /// <summary>Without a name every seed takes the next profile, so that a range of seeds covers them all.</summary>
    public static SimProfile For(int seed, string? name) =>
        name is null ? All[(int)((uint)seed % (uint)All.Count)] : All.First(p => p.Name == name);
}
