using System.Diagnostics;
using Akka.Actor;
using TiKvActors.Actors.Gateway;
using TiKvActors.Actors.Stores;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Nodes;

/// <summary>What the actors of a node share for as long as its engines are open.</summary>
internal sealed class NodeState(
    StoreEngines engines, OpenSnapshots snapshots, StoresFile storesFile, MonotonicClock clock, StoreCounters counters, DiskState disk)
{
    private volatile StoreServices? _services;

    public StoreEngines Engines => engines;

    public OpenSnapshots Snapshots => snapshots;

    public StoresFile StoresFile => storesFile;

    public MonotonicClock Clock => clock;

    public StoreCounters Counters => counters;

    public DiskState Disk => disk;

    /// <summary>Accepted by the gateway and not answered.</summary>
    public required Admission Requests { get; init; }

    /// <summary>Those among them that the gateway routes.</summary>
    public required Admission RoutedRequests { get; init; }

    /// <summary>The store has been removed from the cluster, and says so once. Any thread.</summary>
    public required Action<string> ReportRemoval { get; init; }

    /// <summary>Null on a node without a member of it.</summary>
    public IActorRef? MetaGroup { get; set; }

    /// <summary>Null until the store serves, and when it has been removed.</summary>
    public StoreServices? Services
    {
        get => _services;
        set => _services = value;
    }

    public (ulong Id, ulong CpuMicros, ulong MemoryBytes) ReadProcess()
    {
        using var process = Process.GetCurrentProcess();
        return ((ulong)process.Id, (ulong)process.TotalProcessorTime.TotalMicroseconds, (ulong)process.WorkingSet64);
    }
}
