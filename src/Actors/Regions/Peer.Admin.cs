using TiKvActors.Protocol;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>Splits, membership, leader transfer, log compaction.</summary>
internal sealed partial class Peer
{
    private ulong _proposedCompactIndex;
    private int _ticksSinceIdleCompaction;

    /// <summary>Splits that wait for PD.</summary>
    private int _splitsWithoutIds;

    // The truncation that is being carried out, and the newest one that was asked for meanwhile.
    private (ulong Index, ulong Term)? _truncating;
    private (ulong Index, ulong Term)? _wantedTruncation;

    // Of the sync that the truncation waits for.
    private long _syncNumber;

    /// <summary>PD's answer to <see cref="PeerOutput.SplitIdsWanted"/>.</summary>
    /// <param name="ids">Null if PD did not give any, for the reason <paramref name="refusal"/>.</param>
    public void ProposeSplit(SplitRequest request, IReadOnlyList<SplitID>? ids, string refusal = "")
    {
        _splitsWithoutIds--;
        if (ids is null)
        {
            Reply(request, RegionErrors.Other($"region {Region.Id} cannot be split: {refusal}"));
            return;
        }

        if (Check(request) is { } error)
        {
            Reply(request, error);
            return;
        }

        var splits = new BatchSplitRequest { RightDerive = true };
        for (var i = 0; i < request.SplitKeys.Count; i++)
        {
            splits.Requests.Add(new Protocol.RaftCmdpb.SplitRequest
            {
                SplitKey = request.SplitKeys[i],
                NewRegionId = ids[i].NewRegionId,
                NewPeerIds = { ids[i].NewPeerIds },
            });
        }

        if (RegionState.Split(Region, splits).Error is { } invalid)
        {
            Reply(request, RegionErrors.Other(invalid));
            return;
        }

        // Writes before the split in the log keep the epoch under which they were accepted.
        ProposeOpenBatch();
        var command = new RaftCmdRequest
        {
            Header = Header(),
            AdminRequest = new AdminRequest { CmdType = AdminCmdType.BatchSplit, Splits = splits }
        };
        Propose([request], RaftCommandCodec.Encode(command), 0, requiredTerm: 0);
    }

    private void ProposeChangePeers(ChangePeersRequest? request, ChangePeerV2Request changes)
    {
        var nowhere = changes.Changes.FirstOrDefault(c => c.Peer is null or { Id: 0 } or { StoreId: 0 });
        var error = nowhere is null
            ? RegionState.ChangePeers(Region, changes).Error
            : $"a change of region {Region.Id} names no peer and store: {nowhere}";
        if (error is { } invalid)
        {
            if (request is not null)
                Reply(request, RegionErrors.Other(invalid));
            return;
        }

        var command = new RaftCmdRequest
        {
            Header = Header(),
            AdminRequest = new AdminRequest { CmdType = AdminCmdType.ChangePeerV2, ChangePeerV2 = changes }
        };
        var result = _raft.ProposeConfChange(RegionState.ToConfChange(changes), 0, RaftCommandCodec.Encode(command));
        Track(result, request is null ? [] : [request], 0);
    }

    /// <summary>Who enters a joint configuration leaves it: the leader sees to it, also a new one.</summary>
    private void LeaveJointConfiguration()
    {
        if (Region.Peers.Any(p => p.Role is Protocol.Metapb.PeerRole.IncomingVoter or Protocol.Metapb.PeerRole.DemotingVoter))
            ProposeChangePeers(null, new ChangePeerV2Request());
    }

    private void TransferLeader(TransferLeaderRequest request, TimeSpan now)
    {
        var refusal = _raft.TransferLeader(request.To.Id);
        Reply(request, refusal == Refusal.None ? null : Refused(refusal, 0));
    }

    /// <summary>
    /// Bounds the log in bytes: what everybody has goes as soon as it is worth a command; beyond the limit, half of it goes even if a
    /// follower still needs it.
    /// </summary>
    /// <param name="isIdle">Whether a small log is worth it too.</param>
    private void ProposeCompaction(bool isIdle)
    {
        var bytes = _segments.TotalBytes;
        if (isIdle)
            _ticksSinceIdleCompaction = 0;
        if (bytes < _config.LogCompactionThresholdBytes && !isIdle)
            return;

        var replicated = AppliedIndex;
        foreach (var follower in _raft.Followers)
            replicated = Math.Min(replicated, follower.MatchIndex);
        var target = bytes > _config.LogLimitBytes
            ? Math.Max(replicated, Math.Min(AppliedIndex, _segments.IndexKeeping(_config.LogLimitBytes / 2)))
            : replicated;
        var gain = target > _raft.TruncatedIndex ? target - _raft.TruncatedIndex : 0;
        if (gain <= (bytes < _config.LogCompactionThresholdBytes ? _config.IdleLogEntries : 0) || target <= _proposedCompactIndex)
            return;
        if (_raft.TermAt(target) is not { } term)
            return;

        var compact = new CompactLogRequest { CompactIndex = target, CompactTerm = term };
        var command = new RaftCmdRequest
        {
            Header = Header(),
            AdminRequest = new AdminRequest { CmdType = AdminCmdType.CompactLog, CompactLog = compact }
        };
        var result = _raft.Propose(RaftCommandCodec.Encode(command));
        if (result.Accepted)
            _proposedCompactIndex = target;
    }

    /// <summary>
    /// Carries out a compaction on this replica (architecture, section 5): sync the data engine up to what is applied, forget the entries,
    /// save a snapshot under the number before the first event kept, delete the events up to it.
    /// </summary>
    private void WantTruncation(ulong index, ulong term)
    {
        _wantedTruncation = (index, term);
        if (_truncating is null)
            BeginTruncation();
    }

    private void BeginTruncation()
    {
        _truncating = _wantedTruncation;
        _wantedTruncation = null;
        if (_truncating is not null)
            Out.SyncData = ++_syncNumber;
    }

    /// <summary>Everything that was applied when <see cref="PeerOutput.SyncData"/> was taken out is synced.</summary>
    /// <param name="number">That of the output. A sync that was asked for earlier says nothing about what was applied since.</param>
    public void DataSynced(long number)
    {
        if (number != _syncNumber || _truncating is not { } target)
            return;
        if (target.Index <= _raft.TruncatedIndex || State != Protocol.RaftServerpb.PeerState.Normal)
        {
            _truncating = null;
            BeginTruncation();
            return;
        }

        var sequenceNr = _segments.DeletableTo(target.Index, _durableSequenceNr);
        _raft.Compact(target.Index);
        _segments.TruncateTo(target.Index);
        var snapshot = new RaftTruncated { HardState = _durableHardState, Index = target.Index, Term = target.Term };
        Out.Truncate = new TruncateTask(snapshot, sequenceNr);
    }

    /// <summary>
    /// A snapshot has replaced the log: there is nothing left to truncate, and answers that are on their way mean nothing.
    /// </summary>
    private void ForgetTruncations()
    {
        _truncating = null;
        _wantedTruncation = null;
        _syncNumber++;
    }

    /// <summary>The journal has carried out <see cref="PeerOutput.Truncate"/>.</summary>
    public void Truncated()
    {
        _truncating = null;
        BeginTruncation();
    }
}
