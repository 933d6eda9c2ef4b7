using System.Text;
using TiKvActors.Actors;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Raw;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Simulation.Stores;

/// <summary>Knows the whole truth about a run, and compares every store with it after every step.</summary>
internal sealed class StoreChecker(StoreCluster cluster)
{
    private readonly Dictionary<(ulong Region, ulong Term), ulong> _leaders = [];
    private readonly Dictionary<(ulong Region, ulong Index), (ulong Term, ulong Hash)> _committed = [];
    private readonly Dictionary<(ulong Region, ulong Index), (ulong Hash, string By)> _applied = [];
    private readonly HashSet<(ulong Region, ulong Peer)> _destroyed = [];

    // What clients were told, by the unique values that they write.
    private readonly HashSet<string> _refused = [];
    private readonly HashSet<string> _effective = [];

    public void Check(bool holds, Func<string> message)
    {
        if (holds) return;
        var violation = message();
        cluster.Violation ??= violation;
        throw new ViolationException(violation);
    }

    // ---- Raft

    public void Observe(SimPeer peer)
    {
        if (peer.Shell.Peer is not { } state) return;
        if (state.IsLeader)
        {
            if (_leaders.TryAdd((peer.RegionId, state.Term), state.Self.Id)) ObserveElected(peer, state.Term);
            var known = _leaders[(peer.RegionId, state.Term)];
            Check(
                known == state.Self.Id,
                () => $"election safety: peers {known} and {state.Self.Id} of region {peer.RegionId} both lead term {state.Term}");
        }

        Check(
            !state.IsAsleep || (state.AppliedIndex == state.LastIndex && state is { PendingReads: 0, PendingWrites: 0 }),
            () => $"hibernation: {peer.Name} sleeps with {state.AppliedIndex} of {state.LastIndex} applied, {state.PendingReads} reads and "
                + $"{state.PendingWrites} writes waiting");
        Check(!peer.Shell.IsDamaged, () => $"{peer.Name} takes itself for damaged");
    }

    /// <summary>A leader sleeps when everybody has everything: there is nothing that it would have to send, or that a next leader could lack.</summary>
    public void ObserveSlept(SimPeer leader)
    {
        var peer = leader.Shell.Peer!;
        foreach (var member in peer.Region.Peers)
        {
            var log = cluster.Store(member.StoreId).JournalDisk.Find(PeerShell.PersistenceIdOf(leader.RegionId, member.Id));
            Check(
                Math.Max(log?.LastIndex ?? 0, log?.Snapshot?.Index ?? 0) >= peer.LastIndex || peer.LastIndex == RegionState.InitialLogIndex,
                () => $"hibernation: {leader.Name} sleeps at {peer.LastIndex}, and the journal of peer {member.Id} ends at {log?.LastIndex}");
        }
    }

    /// <summary>Nobody is elected under a lease of an earlier term.</summary>
    private void ObserveElected(SimPeer elected, ulong term)
    {
        foreach (var store in cluster.Live)
        {
            if (store.PeerOf(elected.RegionId) is not { IsStopped: false, Shell.Peer: { } other } holder || other.Term >= term) continue;
            Check(
                !other.HasLease(store.Now),
                () => $"lease: {elected.Name} is elected in term {term} while {holder.Name} reads by its lease of term {other.Term}");
        }
    }

    /// <summary>Committed entries are the same everywhere, and durable where they are applied.</summary>
    public void ObserveHandedOut(SimPeer peer, IReadOnlyList<Entry> entries)
    {
        foreach (var entry in entries)
        {
            var facts = (entry.Term, Fingerprint.Of(entry, 0));
            if (!_committed.TryAdd((peer.RegionId, entry.Index), facts))
            {
                var known = _committed[(peer.RegionId, entry.Index)];
                Check(known == facts, () => $"committed entries: {peer.Name} applies another entry {entry.Index} (term {entry.Term}) than "
                    + $"an earlier peer (term {known.Term})");
            }

            Check(
                peer.DurableLog?.Holds(entry.Index, entry.Term) == true,
                () => $"durability: {peer.Name} applies entry {entry.Index} of term {entry.Term}, which its own journal does not hold");
        }
    }

    /// <summary>Term, vote and entries are durable before any message leaves that depends on them.</summary>
    public void ObserveSent(SimPeer peer, RaftMessage envelope)
    {
        if (envelope.Message is not { } message
            || message.MsgType is MessageType.MsgRequestPreVote or MessageType.MsgRequestPreVoteResponse)
            return;
        var log = peer.DurableLog;
        // A peer that never wrote has the term that its region began with.
        var hardState = log?.HardState ?? new HardState { Term = peer.Start.State is null ? 0 : RegionState.InitialLogTerm };
        Check(
            message.Term <= hardState.Term,
            () => $"durability: {peer.Name} sends {message.MsgType} of term {message.Term}, and its journal knows term {hardState.Term}");
        if (message.Reject || message.Term != hardState.Term) return;
        var vote = message.MsgType == MessageType.MsgRequestVote
            ? message.From : message.MsgType == MessageType.MsgRequestVoteResponse ? message.To : 0;
        Check(
            vote == 0 || hardState.Vote == vote,
            () => $"durability: {peer.Name} votes for {vote} in term {message.Term}, and its journal knows a vote for {hardState.Vote}");
        var last = Math.Max(log?.LastIndex ?? 0, Math.Max(log?.Snapshot?.Index ?? 0, RegionState.InitialLogIndex));
        Check(
            message.MsgType != MessageType.MsgAppendResponse || message.Index <= last,
            () => $"durability: {peer.Name} acknowledges {message.Index}, and its journal ends at {last}");
    }

    /// <summary>One vote a term, for ever.</summary>
    public void ObservePersisted(SimPeer peer, JournalDisk.Log log, RaftAdvanced advanced)
    {
        if (log.HardState is not { } before) return;
        var now = advanced.HardState;
        Check(now.Term >= before.Term, () => $"{peer.Name} forgets term {before.Term} for {now.Term}");
        Check(
            now.Term > before.Term || before.Vote == 0 || before.Vote == now.Vote,
            () => $"{peer.Name} votes for {before.Vote} and {now.Vote} in term {now.Term}");
    }

    /// <summary>Invariant 3: the log never loses what the data engine could lose.</summary>
    public void ObserveTruncation(SimPeer peer, RaftTruncated truncated)
    {
        var synced = peer.Store.Data.Synced;
        if (synced.Regions.GetValueOrDefault(peer.RegionId) is not { } state || state.State == PeerState.Tombstone) return;
        var index = state.State == PeerState.Applying
            ? synced.Applying.GetValueOrDefault(peer.RegionId)?.Snapshot.Index ?? 0
            : synced.Applied.GetValueOrDefault(peer.RegionId)?.AppliedIndex ?? 0;
        Check(truncated.Index <= index, () => $"truncation: {peer.Name} drops its log up to {truncated.Index}, "
            + $"and only {index} is synced in the data engine ({state.State})");
    }

    // ---- replicas

    /// <summary>A batch with these regions' states was written: bytes are equal at equal applied index, and no ranges overlap.</summary>
    public void ObserveWritten(SimStore store, IReadOnlyList<ulong> regions, IReadOnlyList<byte[]> rows)
    {
        foreach (var row in rows) ObserveEffect(Encoding.ASCII.GetString(RawValue.Decode(cluster.Mode, [], row).UserValue));
        var state = store.Data.State;
        foreach (var id in regions)
        {
            if (state.Regions.GetValueOrDefault(id) is not { State: PeerState.Normal } local
                || state.Applied.GetValueOrDefault(id) is not { } applied)
                continue;
            var facts = (state.HashOf(local.Region), $"store {store.Id}");
            if (_applied.TryAdd((id, applied.AppliedIndex), facts)) continue;
            var known = _applied[(id, applied.AppliedIndex)];
            Check(known.Hash == facts.Item1, () => $"state machine safety: region {id} at {applied.AppliedIndex} on store {store.Id} "
                + $"differs from {known.By}: {local.Region}, "
                + string.Join(" ", Storage.ColumnFamilies.OfData.SelectMany(
                    f => state[f].In(local.Region.StartKey.Span, local.Region.EndKey.Span).ToArray().Select(r => r.Key.ToStringUtf8()))));
        }

        if (regions.Count > 0) CheckRanges(store, state);
    }

    private void CheckRanges(SimStore store, DataState state)
    {
        CheckDisjoint(store, "data engine", [.. state.Regions.Values.Where(s => IsTaking(state, s)).Select(s => s.Region)]);
        CheckDisjoint(store, "range table", store.Ranges.Owned);
        CheckNoStrayRows(store, state);
    }

    /// <summary>Nothing is left of what was removed, split off or replaced.</summary>
    private void CheckNoStrayRows(SimStore store, DataState state)
    {
        var regions = state.Regions.Values.Where(s => s.Region.RegionEpoch is not null && IsTaking(state, s))
            .Select(s => s.Region).ToList();
        foreach (var family in Storage.ColumnFamilies.OfData)
        {
            foreach (var (key, _) in state[family].All)
            {
                Check(
                    regions.Exists(r => KeyRange.Contains(r, key)),
                    () => $"store {store.Id} has a row of {family} at {key.ToStringUtf8()}, which is in none of its regions");
            }
        }
    }

    private static bool IsTaking(DataState state, RegionLocalState local) =>
        local.Region.Peers.Count > 0 && (local.State != PeerState.Tombstone || state.Applied.ContainsKey(local.Region.Id));

    private void CheckDisjoint(SimStore store, string where, IReadOnlyList<Region> regions)
    {
        for (var i = 0; i < regions.Count; i++)
        {
            for (var j = i + 1; j < regions.Count; j++)
            {
                var (a, b) = (regions[i], regions[j]);
                // An uninitialised peer's destruction has an empty region, which takes nothing.
                if (a.RegionEpoch is null || b.RegionEpoch is null) continue;
                Check(
                    !KeyRange.Overlaps(a.StartKey, a.EndKey, b.StartKey, b.EndKey),
                    () => $"ranges overlap in the {where} of store {store.Id}: {a} and {b}");
            }
        }
    }

    // ---- life

    public void ObserveStart(SimStore store, PeerStart start)
    {
        CheckRanges(store, store.Data.State);
        Check(
            start.State?.State == PeerState.Tombstone || !_destroyed.Contains((start.RegionId, start.Self.Id)),
            () => $"peer {start.Self.Id} of region {start.RegionId} comes back on store {store.Id} after its destruction was acknowledged");
    }

    public void ObserveDestroyed(SimPeer peer, Region tombstone)
    {
        cluster.World.Coverage.Count("peers destroyed");
        if (tombstone.RegionEpoch is null) return;
        _destroyed.Add((peer.RegionId, peer.Start.Self.Id));
        var synced = peer.Store.Data.Synced;
        Check(
            synced.Regions.GetValueOrDefault(peer.RegionId)?.State == PeerState.Tombstone,
            () => $"{peer.Name} acknowledges its destruction before its tombstone is durable");
    }

    /// <summary>Without its journal a peer that came back would have forgotten its votes.</summary>
    public void ObservePurge(SimPeer peer)
    {
        var state = peer.Store.Data.Synced.Regions.GetValueOrDefault(peer.RegionId)?.State;
        Check(
            state is null or PeerState.Tombstone,
            () => $"{peer.Name} deletes its journal, and the data engine could still come back with state {state}");
    }

    public void ObserveFailure(SimPeer peer, Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
            if (cause is SimulatedFaultException) return;
        Check(false, () => $"{peer.Name} fails by itself: {e}");
    }

    public void ObserveCrash(SimStore store)
    {
        var state = store.Data.State;
        CheckDisjoint(store, "data engine after a crash", [.. state.Regions.Values.Where(s => IsTaking(state, s)).Select(s => s.Region)]);
        CheckNoStrayRows(store, state);
    }

    // ---- clients

    /// <summary>A client was told that this value was not written and never will be.</summary>
    public void ObserveRefused(string value)
    {
        _refused.Add(value);
        Check(!_effective.Contains(value), () => $"the write of {value} was refused, and has taken effect");
    }

    private void ObserveEffect(string value)
    {
        if (!_effective.Add(value)) return;
        Check(!_refused.Contains(value), () => $"the write of {value} was refused, and takes effect");
    }
}
