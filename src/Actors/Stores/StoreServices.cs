using System.Collections.Concurrent;
using Akka.Actor;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Stores;

/// <summary>What the peers of a store share.</summary>
internal sealed record StoreServices
{
    public required ulong StoreId { get; init; }

    public required ulong ClusterId { get; init; }

    public required APIVersion ApiVersion { get; init; }

    public required TikvSettings Settings { get; init; }

    public required PeerConfig PeerConfig { get; init; }

    public required StoreEngines Engines { get; init; }

    public required StorageExtension Storage { get; init; }

    public required OpenSnapshots Snapshots { get; init; }

    public required MonotonicClock Clock { get; init; }

    public required PeerRouter Router { get; init; }

    public required RegionRanges Ranges { get; init; }

    public required StoreCounters Counters { get; init; }

    public required StoreQueues Queues { get; init; }

    public required IReadOnlyList<IActorRef> Appliers { get; init; }

    public required ReaderPool Readers { get; init; }

    /// <summary>Syncs the data engine; nothing else waits there.</summary>
    public required IActorRef Syncer { get; init; }

    /// <summary>Installations and destructions.</summary>
    public required IActorRef SlowWorker { get; init; }

    /// <summary>Makes and serves snapshots of regions.</summary>
    public required IActorRef SnapshotSource { get; init; }

    public required ICanTell Pd { get; init; }

    public required IActorRef Store { get; init; }

    /// <summary>The name of <see cref="Store"/> below <c>/user/tikv</c>; other nodes have it under the same.</summary>
    public required string Door { get; init; }

    /// <summary>Links by store id. A peer that finds none tells the store, and its message is lost, which is normal.</summary>
    public ConcurrentDictionary<ulong, IActorRef> Links { get; } = new();

    /// <summary>host:port of the other stores, by store id.</summary>
    public ConcurrentDictionary<ulong, string> Addresses { get; } = new();

    public IActorRef ApplierOf(ulong regionId) => Appliers[(int)(regionId % (ulong)Appliers.Count)];
}

/// <summary>What a store has done since it was opened.</summary>
public sealed class StoreCounters
{
    private long _acknowledgedWrites;
    private long _receivedSnapshotChunks;
    private int _leaders;
    private int _hibernated;

    /// <summary>Keys whose write was acknowledged.</summary>
    public long AcknowledgedWrites => Volatile.Read(ref _acknowledgedWrites);

    /// <summary>Chunks of snapshots that were pulled from other stores and staged here.</summary>
    public long ReceivedSnapshotChunks => Volatile.Read(ref _receivedSnapshotChunks);

    /// <summary>Regions whose leader is here now.</summary>
    public int Leaders => Volatile.Read(ref _leaders);

    /// <summary>Regions whose peer here hibernates now.</summary>
    public int Hibernated
    {
        get => Volatile.Read(ref _hibernated);
        internal set => Volatile.Write(ref _hibernated, value);
    }

    internal void AddLeaders(int difference) => Interlocked.Add(ref _leaders, difference);

    internal void AddAcknowledgedWrites(int count) => Interlocked.Add(ref _acknowledgedWrites, count);

    internal void AddReceivedSnapshotChunk() => Interlocked.Increment(ref _receivedSnapshotChunks);
}
