using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Regions;

/// <summary>Where a region's entries are applied to: one batch, written as a whole or not at all.</summary>
internal interface IRegionBatch
{
    /// <param name="cf">Empty stands for <c>default</c>.</param>
    /// <param name="key">Without the engine's <c>z</c> prefix.</param>
    void Put(string cf, ByteString key, ByteString value);

    void Delete(string cf, ByteString key);

    void DeleteRange(string cf, ByteString startKey, ByteString endKey);

    /// <summary>The region's rows, in all of its column families.</summary>
    void DeleteData(Region region);

    void PutRegionState(RegionLocalState state);

    void PutApplyState(ulong regionId, RaftApplyState state);

    /// <returns>Null if this store has never heard of the region. Sees what this batch put.</returns>
    RegionLocalState? ReadRegionState(ulong regionId);

    /// <summary>Rows of the meta group.</summary>
    IMetaRows Meta { get; }
}

/// <summary>What an entry did beyond writing data; the peer acts on it once the batch is written.</summary>
internal abstract record ApplyEffect(ulong Index)
{
    /// <summary>The command was refused by every replica alike; nothing was written.</summary>
    internal sealed record Refused(ulong Index, Error Error) : ApplyEffect(Index);

    /// <param name="RemovedSelf">This peer is no longer a member: its tombstone is in the batch, nothing more is applied.</param>
    internal sealed record PeersChanged(ulong Index, ConfChangeV2 Change, Region Region, bool RemovedSelf) : ApplyEffect(Index);

    /// <param name="Regions">All that came out, in key order.</param>
    /// <param name="Created">Those whose initial state this application wrote here: their peers start now.</param>
    internal sealed record Split(ulong Index, Region Derived, IReadOnlyList<Region> Regions, IReadOnlyList<Region> Created)
        : ApplyEffect(Index);

    /// <param name="Result">What the meta group's state machine made of its command.</param>
    internal sealed record Executed(ulong Index, MetaResult Result) : ApplyEffect(Index);

    internal sealed record LogCompacted(ulong Index, ulong CompactIndex, ulong CompactTerm) : ApplyEffect(Index);
}

/// <summary>
/// The replicated state machine of one region: entries in index order in, mutations out. Pure and deterministic (invariant 8): no
/// clock, no random number, nothing but the entry and the region decides.
/// </summary>
internal sealed class RegionApplier(Region region, ulong peerId, ulong storeId, ulong appliedIndex, RaftTruncatedState truncated)
{
    private RaftTruncatedState _truncated = truncated;

    public Region Region { get; private set; } = region;

    public ulong PeerId => peerId;

    public ulong AppliedIndex { get; private set; } = appliedIndex;

    /// <summary>True once this peer's own removal was applied.</summary>
    public bool IsRemoved { get; private set; }

    public ulong WrittenKeys { get; private set; }

    public ulong WrittenBytes { get; private set; }

    /// <summary>Applies the entries; the caller then calls <see cref="WriteApplied"/> into the same batch.</summary>
    /// <param name="effects">Effects are added here, in order.</param>
    public void Apply(IReadOnlyList<Entry> entries, IRegionBatch batch, List<ApplyEffect> effects)
    {
        foreach (var entry in entries)
        {
            if (IsRemoved)
                return;
            Invariant.Check(entry.Index == AppliedIndex + 1,
                $"region {Region.Id}, peer {peerId}: entry {entry.Index} comes after applied {AppliedIndex}: "
                    + $"was an incarnation restarted before its appliers had settled?");
            Apply(entry, batch, effects);
            AppliedIndex = entry.Index;
        }
    }

    /// <summary>The applied index goes into the same batch as what was applied (invariant 3).</summary>
    public void WriteApplied(IRegionBatch batch) =>
        batch.PutApplyState(Region.Id, new RaftApplyState { AppliedIndex = AppliedIndex, TruncatedState = _truncated });

    private void Apply(Entry entry, IRegionBatch batch, List<ApplyEffect> effects)
    {
        if (entry.EntryType == EntryType.EntryNormal)
        {
            if (entry.Data.IsEmpty)
                return;
            var command = RaftCommandCodec.Decode(entry.Data.Span);
            if (command.AdminRequest is not null)
                ApplyAdmin(entry, command, batch, effects);
            else if (command.MetaCommand is not null)
                ApplyMeta(entry.Index, command.MetaCommand, batch, effects);
            else
                ApplyMutations(entry.Index, command, batch, effects);
            return;
        }

        Invariant.Check(
            entry.EntryType == EntryType.EntryConfChangeV2,
            $"region {Region.Id}, entry {entry.Index}: entry type {entry.EntryType} is not one that this program writes");
        if (entry.Context.IsEmpty)
        {
            // Raft's own: an automatic leave of a joint configuration. Our joint changes are left explicitly, so there is none.
            effects.Add(new ApplyEffect.Refused(
                entry.Index, RegionErrors.Other($"region {Region.Id}, entry {entry.Index}: a configuration change without a command")));
            return;
        }

        ApplyConfChange(entry, RaftCommandCodec.Decode(entry.Context.Span), batch, effects);
    }

    private void ApplyMeta(ulong index, MetaCommand command, IRegionBatch batch, List<ApplyEffect> effects)
    {
        Invariant.Check(Region.Id == MetaRegion.Id, $"region {Region.Id}, entry {index}: a command of the meta group");
        effects.Add(new ApplyEffect.Executed(index, MetaStateMachine.Execute(command, batch.Meta)));
    }

    private void ApplyMutations(ulong index, RaftCmdRequest command, IRegionBatch batch, List<ApplyEffect> effects)
    {
        Invariant.Check(Region.Id != MetaRegion.Id, $"region {Region.Id}, entry {index}: the meta group takes none but its own commands");
        // The range may have changed between proposal and application (invariant 4).
        if (command.Header.RegionEpoch.Version != Region.RegionEpoch.Version)
        {
            effects.Add(new ApplyEffect.Refused(index, RegionErrors.EpochNotMatch(command.Header.RegionEpoch, [Region])));
            return;
        }

        foreach (var request in command.Requests)
        {
            switch (request.CmdType)
            {
                case CmdType.Put:
                    batch.Put(request.Put.Cf, request.Put.Key, request.Put.Value);
                    WrittenBytes += (ulong)(request.Put.Key.Length + request.Put.Value.Length);
                    break;
                case CmdType.Delete:
                    batch.Delete(request.Delete.Cf, request.Delete.Key);
                    WrittenBytes += (ulong)request.Delete.Key.Length;
                    break;
                case CmdType.DeleteRange:
                    // An end of +inf is the region's own end, which is fixed by the epoch checked above.
                    batch.DeleteRange(request.DeleteRange.Cf, request.DeleteRange.StartKey, request.DeleteRange.EndKey);
                    break;
                default:
                    throw new InvariantViolationException(
                        $"region {Region.Id}, entry {index}: request type {request.CmdType} is unknown: "
                            + "was it written by a newer program?");
            }
        }

        WrittenKeys += (ulong)command.Requests.Count;
    }

    private void ApplyAdmin(Entry entry, RaftCmdRequest command, IRegionBatch batch, List<ApplyEffect> effects)
    {
        switch (command.AdminRequest.CmdType)
        {
            case AdminCmdType.CompactLog:
                var compact = command.AdminRequest.CompactLog;
                // A retried or late one; compaction only moves forward.
                if (compact.CompactIndex <= _truncated.Index || compact.CompactIndex > AppliedIndex)
                    return;
                _truncated = new RaftTruncatedState { Index = compact.CompactIndex, Term = compact.CompactTerm };
                effects.Add(new ApplyEffect.LogCompacted(entry.Index, compact.CompactIndex, compact.CompactTerm));
                return;
            case AdminCmdType.BatchSplit when Region.Id != MetaRegion.Id:
                ApplySplit(entry.Index, command, batch, effects);
                return;
            default:
                throw new InvariantViolationException(
                    $"region {Region.Id}, entry {entry.Index}: admin command {command.AdminRequest.CmdType} is unknown: "
                        + "was it written by a newer program?");
        }
    }

    private void ApplySplit(ulong index, RaftCmdRequest command, IRegionBatch batch, List<ApplyEffect> effects)
    {
        if (!command.Header.RegionEpoch.Equals(Region.RegionEpoch))
        {
            effects.Add(new ApplyEffect.Refused(index, RegionErrors.EpochNotMatch(command.Header.RegionEpoch, [Region])));
            return;
        }

        var (error, regions, derivedAt) = RegionState.Split(Region, command.AdminRequest.Splits);
        if (error is not null)
        {
            effects.Add(new ApplyEffect.Refused(index, RegionErrors.Other(error)));
            return;
        }

        var created = new List<Region>();
        foreach (var part in regions.Where((_, i) => i != derivedAt))
        {
            // The new region may have been here already, by a snapshot, and gone again (invariant 6): a late snapshot has brought its rows
            // with the parent's, and nobody would ever delete them.
            var earlier = batch.ReadRegionState(part.Id);
            if (earlier is { State: PeerState.Tombstone })
                batch.DeleteData(part);
            if (earlier is not null || part.Peers.All(p => p.StoreId != storeId))
                continue;
            batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = part });
            batch.PutApplyState(part.Id, RegionState.InitialApplyState());
            created.Add(part);
        }

        Region = regions[derivedAt];
        batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = Region });
        effects.Add(new ApplyEffect.Split(index, Region, regions, created));
    }

    private void ApplyConfChange(Entry entry, RaftCmdRequest command, IRegionBatch batch, List<ApplyEffect> effects)
    {
        if (!command.Header.RegionEpoch.Equals(Region.RegionEpoch))
        {
            effects.Add(new ApplyEffect.Refused(entry.Index, RegionErrors.EpochNotMatch(command.Header.RegionEpoch, [Region])));
            return;
        }

        var (error, next) = RegionState.ChangePeers(Region, command.AdminRequest.ChangePeerV2);
        if (error is not null)
        {
            effects.Add(new ApplyEffect.Refused(entry.Index, RegionErrors.Other(error)));
            return;
        }

        Region = next;
        IsRemoved = RegionState.FindPeer(next, peerId) is null;
        batch.PutRegionState(IsRemoved
            ? RegionState.Tombstone(next, new MetaPeer { Id = peerId, StoreId = storeId })
            : new RegionLocalState { State = PeerState.Normal, Region = next });
        effects.Add(new ApplyEffect.PeersChanged(entry.Index, ConfChangeV2.Parser.ParseFrom(entry.Data), next, IsRemoved));
    }
}
