using System.Globalization;

namespace TiKvActors.Host.Check;

public enum FaultKind
{
    /// <summary>SIGKILL of one store, sometimes of all, and a new start.</summary>
    Kill,

    /// <summary>SIGSTOP for longer than a leader's lease, mostly of a leader, and SIGCONT.</summary>
    Pause,

    /// <summary>An orderly stop and a new start.</summary>
    Stop,

    /// <summary>Bytes between stores no longer arrive, in both directions or in one; now and then everybody is alone.</summary>
    Partition,

    /// <summary>Bytes between clients and a store no longer arrive, in both directions or in one.</summary>
    ClientPartition,

    /// <summary>SIGKILL of a client process in the middle of its calls, and another one in its place.</summary>
    ClientKill,

    /// <summary>A region's leadership is moved.</summary>
    Transfer,

    /// <summary>A region is split.</summary>
    Split,
}

public enum CutDirection
{
    Both,

    /// <summary>What others send to the store is held.</summary>
    In,

    /// <summary>What the store sends to others is held.</summary>
    Out,
}

/// <summary>One fault as the seed decided it. What the cluster is doing then, it does not decide.</summary>
/// <param name="Number">From 1.</param>
/// <param name="At">Since the faults began; later if earlier ones had to wait.</param>
/// <param name="Length">How long a store or client is away, or a link cut. Zero: the fault is a moment.</param>
/// <param name="Store">The first of the stores that it is about, from 1; if another fault has it, the next one that is free.</param>
public sealed record PlannedFault(int Number, FaultKind Kind, TimeSpan At, TimeSpan Length, int Store)
{
    /// <summary>A store that leads a region then is meant, if PD knows one; <see cref="Store"/> otherwise.</summary>
    public bool MeansLeader { get; init; }

    /// <summary>
    /// It does not wait until those who were away have come back and serve: with another one it may leave less than a majority.
    /// </summary>
    public bool MayTakeMajority { get; init; }

    /// <summary>All stores are meant.</summary>
    public bool MeansAll { get; init; }

    /// <summary>Of a partition: the only other end; 0 for all of them.</summary>
    public int Other { get; init; }

    public CutDirection Direction { get; init; }

    /// <summary>Connections are reset and refused; otherwise they stay, and what is sent arrives when the cut has ended.</summary>
    public bool Resets { get; init; }

    /// <summary>A number to choose among regions or keys with.</summary>
    public int Choice { get; init; }

    /// <summary>How many stores cannot take part in a majority meanwhile.</summary>
    public int StoresAway(int stores) => Kind switch
    {
        FaultKind.Kill or FaultKind.Pause or FaultKind.Stop => MeansAll ? stores : 1,
        FaultKind.Partition => MeansAll ? stores : Other == 0 ? 1 : 0,
        _ => 0,
    };

    /// <summary>While it lasts, some clients may wait.</summary>
    public bool MayStopService =>
        Kind is FaultKind.Kill or FaultKind.Pause or FaultKind.Stop or FaultKind.Partition or FaultKind.ClientPartition;

    public bool IsOneWay => Kind is FaultKind.Partition or FaultKind.ClientPartition && Direction != CutDirection.Both;

    public static string NameOf(FaultKind kind) => kind switch
    {
        FaultKind.ClientPartition => "client-partition",
        FaultKind.ClientKill => "client-kill",
        _ => kind.ToString().ToLowerInvariant(),
    };

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"fault {Number}, planned at {At.TotalSeconds:0.0} s: {NameOf(Kind)}{About}{HowLong}");

    private string HowLong =>
        Length > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $" for {Length.TotalSeconds:0.0} s") : "";

    private string About => Kind switch
    {
        FaultKind.Kill or FaultKind.Pause or FaultKind.Stop => $" of {Victim}",
        FaultKind.Partition when MeansAll => $" of all stores{How}",
        FaultKind.Partition => $" between {Victim} and {(Other == 0 ? "the others" : $"store {Other}")}{How}",
        FaultKind.ClientPartition => $" between {(Other == 0 ? "all clients" : $"client process {Other}")} and {Victim}{How}",
        FaultKind.ClientKill => $" of client process {Other}",
        _ => "",
    };

    private string Victim => MeansAll ? "all stores" : MeansLeader ? "a leader's store" : $"store {Store}";

    private string How => Direction switch
    {
        CutDirection.In => ", only towards it",
        CutDirection.Out => ", only from it",
        _ => Resets ? ", by resets" : "",
    };
}
