namespace TiKvActors.Simulation.Stores;

/// <summary>What kind of trouble a run makes. Probabilities are per message; weights are relative.</summary>
internal sealed record StoreProfile
{
    public required string Name { get; init; }
    public double Drop { get; init; } = 0.01;
    public double Duplicate { get; init; } = 0.01;
    public double Straggle { get; init; } = 0.01;

    /// <summary>Mean time between two faults, in election timeouts.</summary>
    public double FaultInterval { get; init; } = 0.8;
    public double CrashWeight { get; init; } = 3;
    public double PointWeight { get; init; } = 6;
    public double PauseWeight { get; init; } = 1;
    public double PartitionWeight { get; init; } = 2;
    public double LeaseWeight { get; init; } = 1;
    public double TransferWeight { get; init; } = 1;
    public double SplitWeight { get; init; } = 2;
    public double MembershipWeight { get; init; } = 3;
    public double DiskWeight { get; init; } = 1;
    public double QuietWeight { get; init; } = 1;
    public double GetShare { get; init; } = 0.35;

    /// <summary>Mean pause between two operations of a client, in election timeouts.</summary>
    public double ThinkTime { get; init; } = 0.4;

    public static readonly IReadOnlyList<StoreProfile> All =
    [
        new() { Name = "stores" },
        new()
        {
            Name = "stores-leases",
            GetShare = 0.5,
            LeaseWeight = 6,
            PauseWeight = 4,
            TransferWeight = 4,
            SplitWeight = 0.5,
            MembershipWeight = 0.5,
            PointWeight = 1,
            ThinkTime = 0.2
        },
        new() { Name = "stores-hibernation", QuietWeight = 6, FaultInterval = 2, MembershipWeight = 1, PointWeight = 2, TransferWeight = 2 },
        new() { Name = "stores-splits", SplitWeight = 8, MembershipWeight = 2, FaultInterval = 0.6 },
        new() { Name = "stores-snapshots", PartitionWeight = 5, MembershipWeight = 6, FaultInterval = 0.6, SplitWeight = 3 },
        new() { Name = "stores-points", PointWeight = 20, FaultInterval = 0.5, MembershipWeight = 6, SplitWeight = 3 },
    ];

    /// <summary>Without a name every seed takes the next profile, so that a range of seeds covers them all.</summary>
    public static StoreProfile For(int seed, string? name) =>
        name is null ? All[(int)((uint)seed % (uint)All.Count)] : All.First(p => p.Name == name);
}
