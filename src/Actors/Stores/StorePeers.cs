using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// What a store's table of peers has done by others. No call calls back; what comes of it comes later, as the call that is named with it.
/// </summary>
/// <typeparam name="TPeer">A handle of one incarnation.</typeparam>
internal interface IStoreHost<TPeer>
{
    TimeSpan Now { get; }

    ILoggingAdapter Log { get; }

    /// <summary>Starts an incarnation. When it has stopped, for whatever reason: <see cref="StorePeers{TPeer}.Stopped"/>.</summary>
    TPeer Start(PeerStart start);

    /// <summary>Tells the peer to stop.</summary>
    void Stop(TPeer peer);

    void Deliver(TPeer peer, RaftMessage message);

    /// <summary>
    /// Then <see cref="StorePeers{TPeer}.Unregistered"/>, when the appliers have settled or dropped everything of the region.
    /// </summary>
    void UnregisterApplier(ulong regionId);

    /// <summary>
    /// <see cref="PeerStates.OfFailed"/> where the disk may be read, then <see cref="StorePeers{TPeer}.StateRead"/>.
    /// If it fails, so does the store.
    /// </summary>
    /// <param name="known">Regions that have a peer, or will have one again.</param>
    void ReadStateOfFailed(ulong regionId, IReadOnlySet<ulong> known);

    /// <summary>Then <see cref="StorePeers{TPeer}.Restart"/>. A later call for the same region replaces this one.</summary>
    void RestartLater(PeerStart start, TimeSpan backoff);
}

/// <summary>
/// Which peers live on a store: found on disk, made by bootstrap, by splits and by messages; restarted after failures; gone with their
/// tombstone. Single-threaded, deterministic; what it decides is done by the host.
/// </summary>
internal sealed class StorePeers<TPeer>(
    IStoreHost<TPeer> host, IDataEngine engine, RegionRanges ranges, StoreSettings settings, ulong storeId)
    where TPeer : class
{
    private sealed class Entry(TPeer peer, MetaPeer self)
    {
        public TPeer Peer => peer;

        public MetaPeer Self => self;

        /// <summary>It destroyed itself: no new incarnation follows.</summary>
        public bool IsDestroyed { get; set; }

        /// <summary>Starts when this one has stopped.</summary>
        public PeerStart? Successor { get; set; }
    }

    private readonly SortedDictionary<ulong, Entry> _peers = [];

    /// <summary>Regions whose peer was removed from this store, as they were then.</summary>
    private readonly Dictionary<ulong, Region> _tombstones = [];
    private readonly Dictionary<ulong, (TimeSpan Backoff, TimeSpan At)> _backoffs = [];

    /// <summary>Regions whose peer has stopped and whose next incarnation is not started yet: no message makes another one.</summary>
    private readonly HashSet<ulong> _failed = [];

    public int Count => _peers.Count;

    public IEnumerable<TPeer> Peers => _peers.Values.Select(e => e.Peer);

    public bool Has(ulong regionId) => _peers.ContainsKey(regionId);

    public TPeer? Find(ulong regionId) => _peers.GetValueOrDefault(regionId)?.Peer;

    /// <summary>What was found on disk when the store was opened.</summary>
    public void Load(StoreStates states)
    {
        foreach (var (id, region) in states.Tombstones)
            _tombstones[id] = region;
        foreach (var start in states.Peers)
            Start(start);
    }

    public void Start(PeerStart start)
    {
        engine.FailPoints.Hit(StoreFailPoints.BeforePeerStart);
        // A tombstone that starts is a destruction to be finished: until then its range is taken.
        if (start.State is { } state)
            ranges.Own(state.Region);
        var peer = host.Start(start);
        _failed.Remove(start.RegionId);
        _peers[start.RegionId] = new Entry(peer, start.Self);
    }

    /// <summary>The next incarnation after a failure, once the back-off has passed.</summary>
    public void Restart(PeerStart start)
    {
        // A split may have made its peer meanwhile.
        if (!_failed.Contains(start.RegionId))
            return;
        engine.FailPoints.Hit(StoreFailPoints.PeerRestarts);
        Start(start);
    }

    /// <summary>A split was applied here: these regions' peers start now. A peer that a message made before gives way.</summary>
    public void StartCreated(IReadOnlyList<Region> regions, bool campaign)
    {
        foreach (var region in regions)
        {
            engine.FailPoints.Hit(StoreFailPoints.BeforePartStart);
            var self = region.Peers.First(p => p.StoreId == storeId);
            var start = new PeerStart(
                region.Id, self, new RegionLocalState { State = PeerState.Normal, Region = region }, RegionState.InitialApplyState(),
                Campaign: campaign);
            if (!_peers.TryGetValue(region.Id, out var earlier))
            {
                Start(start);
                continue;
            }

            engine.FailPoints.Hit(StoreFailPoints.PartReplacesPeer);
            earlier.Successor = start;
            host.Stop(earlier.Peer);
        }
    }

    public void Deliver(RaftMessage message)
    {
        if (_peers.TryGetValue(message.RegionId, out var entry))
            host.Deliver(entry.Peer, message);
        else
            MaybeCreatePeer(message);
    }

    /// <summary>
    /// A message for a region that has no peer here. A peer is made only if the message may make one, if the region is not one that
    /// was removed from here, and if its range is not held by another region: then this store waits for its own split.
    /// </summary>
    private void MaybeCreatePeer(RaftMessage message)
    {
        if (_failed.Contains(message.RegionId) || message.IsTombstone || message.ToPeer?.StoreId != storeId || message.Message is null
            || !Peer.MayCreatePeer(message.Message))
            return;
        if (_tombstones.TryGetValue(message.RegionId, out var removed)
            && (message.RegionEpoch is null || message.RegionEpoch.ConfVer <= removed.RegionEpoch.ConfVer
                || removed.Peers.Any(p => p.Id == message.ToPeer.Id && p.StoreId == storeId)))
        {
            engine.FailPoints.Hit(StoreFailPoints.RemovedPeerCalled);
            return;
        }

        if (message.RegionEpoch is null || ranges.FindOverlapping(message.RegionId, message.StartKey, message.EndKey) is not null)
        {
            engine.FailPoints.Hit(StoreFailPoints.PeerWaitsForRange);
            return;
        }

        engine.FailPoints.Hit(StoreFailPoints.BeforePeerCreation);
        Start(new PeerStart(message.RegionId, message.ToPeer));
        host.Deliver(_peers[message.RegionId].Peer, message);
    }

    /// <summary>The peer has destroyed itself, and is about to stop.</summary>
    public void Destroyed(ulong regionId, ulong peerId, Region region)
    {
        engine.FailPoints.Hit(StoreFailPoints.PeerDestroyed);
        if (region.RegionEpoch is not null)
            _tombstones[regionId] = region;
        if (_peers.TryGetValue(regionId, out var entry) && entry.Self.Id == peerId)
            entry.IsDestroyed = true;
    }

    /// <returns>False if it is no peer of the table.</returns>
    public bool Stopped(TPeer peer)
    {
        var (regionId, entry) = _peers.FirstOrDefault(p => p.Value.Peer.Equals(peer));
        if (entry is null)
            return false;
        _peers.Remove(regionId);
        if (entry.Successor is { } successor)
        {
            engine.FailPoints.Hit(StoreFailPoints.SuccessorStarts);
            Start(successor);
        }
        else if (!entry.IsDestroyed)
        {
            engine.FailPoints.Hit(StoreFailPoints.PeerFailed);
            // The appliers settle or drop everything of this incarnation before another one starts.
            _failed.Add(regionId);
            host.UnregisterApplier(regionId);
        }

        return true;
    }

    /// <summary>The appliers have let go of a region whose peer has failed.</summary>
    public void Unregistered(ulong regionId)
    {
        engine.FailPoints.Hit(StoreFailPoints.FailedPeerSettled);
        host.ReadStateOfFailed(regionId, _peers.Keys.Concat(_failed).ToHashSet());
    }

    public void StateRead(FailedPeerState read)
    {
        engine.FailPoints.Hit(StoreFailPoints.FailedPeerRead);
        // Its peer may have come, and even gone, since the disk was read.
        var parts = read.Unstarted
            .Where(p => !_peers.ContainsKey(p.RegionId) && !_failed.Contains(p.RegionId) && !_tombstones.ContainsKey(p.RegionId))
            .ToDictionary(p => p.RegionId);
        // The parent has what the split left to it before its parts have theirs. The parts of another parent, which failed
        // as well or is about to hear of its split, wait for that one.
        var parent = parts.Count > 0 && _failed.Contains(read.RegionId) ? read.Start?.State?.Region : null;
        foreach (var part in ranges.OwnFree(parent, parts.Values.Select(p => p.State!.Region)))
        {
            engine.FailPoints.Hit(StoreFailPoints.UnstartedPartFound);
            Start(parts[part.Id]);
        }

        if (read.Start is { } next)
        {
            host.RestartLater(next, NextBackoff(next));
            return;
        }

        // A split may have made its peer meanwhile.
        if (!_failed.Remove(read.RegionId))
            return;
        if (read.Tombstone is { } removed)
        {
            _tombstones[read.RegionId] = removed;
            ranges.Release(read.RegionId);
        }
        else
        {
            // An uninitialised peer: it comes back when somebody sends it a message. What it was pulling has nobody to install it.
            ranges.CancelReservation(read.RegionId);
        }
    }

    private TimeSpan NextBackoff(PeerStart start)
    {
        var (now, max) = (host.Now, settings.PeerRestartBackoffMax);
        // A peer that ran for a while has recovered from whatever it was.
        var backoff = _backoffs.TryGetValue(start.RegionId, out var last) && now - last.At < 2 * max
            ? last.Backoff * 2 : settings.PeerRestartBackoff;
        if (backoff > max)
            backoff = max;
        _backoffs[start.RegionId] = (backoff, now);
        host.Log.PeerRestarts(start.RegionId, start.Self.Id, backoff);
        return backoff;
    }
}

/// <summary>Between the steps of a store's work with its peers.</summary>
internal static class StoreFailPoints
{
    /// <summary>The states are read from the disk; no peer runs yet.</summary>
    public const string Loaded = "store-loaded";

    /// <summary>The first region's state is written, unsynced.</summary>
    public const string FirstRegionWritten = "first-region-written";

    /// <summary>Before an incarnation starts and its range is taken.</summary>
    public const string BeforePeerStart = "before-peer-start";

    /// <summary>Before a peer is made because a message asks for it.</summary>
    public const string BeforePeerCreation = "before-peer-creation";

    /// <summary>Before a part of a split starts.</summary>
    public const string BeforePartStart = "before-part-start";

    /// <summary>A part of a split has a peer already, which a message made.</summary>
    public const string PartReplacesPeer = "part-replaces-peer";

    /// <summary>That one has stopped.</summary>
    public const string SuccessorStarts = "successor-starts";

    /// <summary>A message would bring a removed peer back.</summary>
    public const string RemovedPeerCalled = "removed-peer-called";

    /// <summary>A message would make a peer in a range that is taken.</summary>
    public const string PeerWaitsForRange = "peer-waits-for-range";

    /// <summary>A peer has destroyed itself; the store has not noted it.</summary>
    public const string PeerDestroyed = "peer-destroyed";

    /// <summary>A peer has failed or given up; the appliers still have its region.</summary>
    public const string PeerFailed = "peer-failed";

    /// <summary>They have let go.</summary>
    public const string FailedPeerSettled = "failed-peer-settled";

    /// <summary>Its state is read from the disk.</summary>
    public const string FailedPeerRead = "failed-peer-read";

    /// <summary>A part of a split has no peer, because the parent's failed before it could tell.</summary>
    public const string UnstartedPartFound = "unstarted-part-found";

    /// <summary>The back-off has passed.</summary>
    public const string PeerRestarts = "peer-restarts";

    /// <summary>Before committed entries are put into the applier's batch.</summary>
    public const string BeforeApplication = "before-application";

    /// <summary>Before the applier writes its batch.</summary>
    public const string BeforeApplierWrite = "before-applier-write";

    /// <summary>The batch is written; no peer knows yet.</summary>
    public const string ApplierWritten = "applier-written";

    /// <summary>A chunk of a snapshot is read for another store, and not sent.</summary>
    public const string ChunkRead = "chunk-read";

    /// <summary>A snapshot is dropped; its peer does not know yet.</summary>
    public const string SnapshotDropped = "snapshot-dropped";
}
