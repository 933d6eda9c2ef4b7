using Google.Protobuf;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>Client requests: checks in TiKV's order, batching of writes into entries, and what becomes of proposals.</summary>
internal sealed partial class Peer
{
    /// <summary>Entries of ours in the log, ascending by index.</summary>
    private readonly LinkedList<Proposal> _proposals = [];

    // Writes that will share the next entry.
    private readonly List<WriteRequest> _openBatch = [];
    private int _openBatchBytes;
    private int _pendingWrites;
    private long _pendingWriteBytes;
    private int _ticksSinceStepDown;

    /// <summary>Invariant: at most <see cref="PeerConfig.MaxPendingRequests"/>.</summary>
    public int PendingWrites => _pendingWrites;

    /// <summary>Invariant: at most <see cref="PeerConfig.MaxPendingBytes"/>, unless a single write is larger.</summary>
    public long PendingWriteBytes => _pendingWriteBytes;

    /// <summary>Invariant: at most <see cref="PeerConfig.MaxPendingRequests"/>.</summary>
    public int PendingReads => _pendingReads;

    /// <summary>Why the store takes no more data; null if it does.</summary>
    public string? DiskFull { get; set; }

    /// <summary>An entry that this peer appended while it led, and the requests that wait for it.</summary>
    private sealed record Proposal(ulong Index, ulong Term, IReadOnlyList<RegionRequest> Requests, long Bytes);

    public void Submit(RegionRequest request, TimeSpan now)
    {
        Stir(now);
        if (request.Deadline <= now)
        {
            Reply(request, RegionErrors.DeadlineExceeded());
            return;
        }

        if (Check(request) is { } error)
        {
            Reply(request, error);
            return;
        }

        switch (request)
        {
            case ReadRequest:
                if (_pendingReads >= _config.MaxPendingRequests)
                {
                    Reply(request, Busy($"{_pendingReads} reads of region {Region.Id} wait"));
                    return;
                }

                _pendingReads++;
                _newReads.Add(request);
                break;
            case WriteRequest write:
                if (Admit(write.Bytes) is { } busy)
                    Reply(request, busy);
                else if (WaitsForLatch(write))
                    _pendingWriteBytes += write.Bytes;
                else
                    AddToBatch(write);
                break;
            case CompareAndSwapRequest swap:
                if (Admit(swap.Key.Length) is { } full)
                    Reply(request, full);
                else
                    BeginSwap(swap);
                break;
            case MetaWriteRequest meta:
                if (Admit(meta.Bytes) is { } many)
                    Reply(request, many);
                else
                    Propose(meta);
                break;
            case SplitRequest split:
                _splitsWithoutIds++;
                Out.SplitIdsWanted.Add(split);
                break;
            case ChangePeersRequest change:
                ProposeChangePeers(change, change.Changes);
                break;
            case TransferLeaderRequest transfer:
                TransferLeader(transfer, now);
                break;
            default:
                throw new InvalidOperationException($"{request.GetType().Name} is no request of a region");
        }
    }

    /// <summary>Store, peer, leader, term, epoch, key range, sizes: clients rely on this order.</summary>
    private Error? Check(RegionRequest request)
    {
        var context = request.Context;
        if (context.Peer is not { } peer || peer.StoreId != _config.StoreId)
            return RegionErrors.StoreNotMatch(context.Peer?.StoreId ?? 0, _config.StoreId);
        if (peer.Id != Self.Id)
            return RegionErrors.MismatchPeerId(peer.Id, Self.Id);
        if (!IsInitialized || State != Protocol.RaftServerpb.PeerState.Normal)
            return RegionErrors.RegionNotInitialized(Region.Id);
        if (!IsLeader)
            return NotLeader();
        if (context.Term != 0 && _raft.Term > context.Term + 1)
            return RegionErrors.StaleCommand($"the request is of term {context.Term}, the leader in term {_raft.Term}");
        if (EpochMismatch(request) is { } epoch)
            return epoch;
        if (request.CheckKeys(Region) is { } keys)
            return keys;
        if (BytesOf(request) is var bytes && bytes > _config.MaxEntryBytes)
            return RegionErrors.RaftEntryTooLarge(Region.Id, (ulong)bytes, (ulong)_config.MaxEntryBytes);
        return DiskFull is { } why && AddsData(request) ? RegionErrors.DiskFull(_config.StoreId, why) : null;
    }

    private static int BytesOf(RegionRequest request) => request switch
    {
        WriteRequest write => write.Bytes,
        MetaWriteRequest meta => meta.Bytes,
        _ => 0,
    };

    /// <summary>Deletions make room in the end, so they are let through.</summary>
    private static bool AddsData(RegionRequest request) => request switch
    {
        WriteRequest write => write.Mutations.Any(m => m.Put is not null),
        MetaWriteRequest { Command: { AppendEvents: not null } or { SaveSnapshot: not null } or { PutRecord: not null } } => true,
        CompareAndSwapRequest or SplitRequest => true,
        _ => false,
    };

    /// <summary>A command on keys needs the current range; one that changes range or membership needs the whole epoch.</summary>
    private Error? EpochMismatch(RegionRequest request)
    {
        var epoch = request.Context.RegionEpoch;
        var matches = epoch is not null && epoch.Version == Region.RegionEpoch.Version
            && (request is not (SplitRequest or ChangePeersRequest) || epoch.ConfVer == Region.RegionEpoch.ConfVer);
        return matches ? null : RegionErrors.EpochNotMatch(epoch, [Region]);
    }

    /// <summary>Bounds what waits here, in number and in bytes.</summary>
    private Error? Admit(int bytes)
    {
        if (_pendingWrites >= _config.MaxPendingRequests)
            return Busy($"{_pendingWrites} writes of region {Region.Id} wait");
        // One entry of the greatest size is let through an otherwise empty queue.
        if (_pendingWrites > 0 && _pendingWriteBytes + bytes > _config.MaxPendingBytes)
            return Busy($"{_pendingWriteBytes} bytes of writes of region {Region.Id} wait");
        _pendingWrites++;
        return null;
    }

    private Error Busy(string reason) => RegionErrors.ServerIsBusy(reason, _config.BusyBackoff);

    private void AddToBatch(WriteRequest write)
    {
        if (_openBatch.Count > 0 && _openBatchBytes + write.Bytes > _config.MaxProposalBytes)
            ProposeOpenBatch();
        _openBatch.Add(write);
        _openBatchBytes += write.Bytes;
        _pendingWriteBytes += write.Bytes;
    }

    private void ProposeOpenBatch()
    {
        if (_openBatch.Count == 0)
            return;
        var batch = _openBatch.ToArray();
        long bytes = _openBatchBytes;
        _openBatch.Clear();
        _openBatchBytes = 0;
        var command = new RaftCmdRequest { Header = Header() };
        foreach (var write in batch)
            command.Requests.AddRange(write.Mutations);
        Propose(batch, RaftCommandCodec.Encode(command), bytes, requiredTerm: 0);
    }

    private void Propose(MetaWriteRequest request)
    {
        _pendingWriteBytes += request.Bytes;
        var command = new RaftCmdRequest { Header = Header(), MetaCommand = request.Command };
        Propose([request], RaftCommandCodec.Encode(command), request.Bytes, requiredTerm: 0);
    }

    private RaftRequestHeader Header() => new() { RegionId = Region.Id, Peer = Self, RegionEpoch = Region.RegionEpoch, Term = _raft.Term };

    private void Propose(IReadOnlyList<RegionRequest> requests, ByteString data, long bytes, ulong requiredTerm) =>
        Track(_raft.Propose(data, requiredTerm), requests, bytes);

    private void Track(ProposeResult result, IReadOnlyList<RegionRequest> requests, long bytes)
    {
        if (!result.Accepted)
        {
            foreach (var request in requests)
                Settle(request, Refused(result.Refusal, bytes));
            return;
        }

        ReportProposalsGoneFromLog(result.Index);
        _proposals.AddLast(new Proposal(result.Index, result.Term, requests, bytes));
    }

    /// <summary>
    /// What this peer had proposed in an earlier term from <paramref name="firstIndex"/> on is no longer in its log. Another replica may
    /// still hold it, be elected and commit it: only another entry applied at its index proves that it never will (invariant 11).
    /// </summary>
    private void ReportProposalsGoneFromLog(ulong firstIndex)
    {
        while (_proposals.Last is { } last && last.Value.Index >= firstIndex)
        {
            _proposals.RemoveLast();
            var error = RegionErrors.UndeterminedResult(
                $"entry {last.Value.Index} of term {last.Value.Term} in region {Region.Id} is gone from the log of peer {Self.Id}");
            foreach (var request in last.Value.Requests)
                Settle(request, error);
        }
    }

    /// <summary>Nothing was appended: these errors promise that the command had no effect.</summary>
    private Error Refused(Refusal refusal, long bytes) => refusal switch
    {
        Refusal.NoLeader or Refusal.NotLeader => NotLeader(),
        Refusal.TooMuchInFlight => Busy($"too many bytes of region {Region.Id} are proposed and not applied"),
        Refusal.Transferring => Busy($"the leadership of region {Region.Id} is being transferred"),
        Refusal.ConfChangePending => Busy($"an earlier membership change of region {Region.Id} is not finished"),
        Refusal.EntryTooLarge => RegionErrors.RaftEntryTooLarge(Region.Id, (ulong)bytes, (ulong)_config.MaxEntryBytes),
        Refusal.StaleTerm => RegionErrors.StaleCommand($"the term has changed to {_raft.Term} since the command was computed"),
        _ => RegionErrors.Other($"region {Region.Id} refused the proposal: {refusal}"),
    };

    private Error Overwritten(Proposal proposal) =>
        RegionErrors.StaleCommand(
            $"entry {proposal.Index} of term {proposal.Term} in region {Region.Id} was overwritten by another leader's");

    /// <summary>The one place where a request that was admitted gets its answer.</summary>
    private void Settle(RegionRequest request, Error? error, object? result = null)
    {
        switch (request)
        {
            case WriteRequest or MetaWriteRequest:
                _pendingWrites--;
                _pendingWriteBytes -= BytesOf(request);
                break;
            case CompareAndSwapRequest swap:
                EndSwap(swap, error);
                return;
        }

        Reply(request, error, result);
    }

    /// <summary>Requests of this peer that are in no log: failing them is always right.</summary>
    private List<RegionRequest> TakeNeverProposed()
    {
        var requests = new List<RegionRequest>();
        requests.AddRange(_newReads);
        requests.AddRange(_readsWithoutIndex.Values.SelectMany(r => r));
        requests.AddRange(_readsWaitingForApply.Select(r => r.Request));
        requests.RemoveAll(r => r is CompareAndSwapRequest);
        _newReads.Clear();
        _readsWithoutIndex.Clear();
        _readsWaitingForApply.Clear();
        _pendingReads = 0;
        requests.AddRange(_openBatch);
        foreach (var write in _openBatch)
        {
            _pendingWrites--;
            _pendingWriteBytes -= write.Bytes;
        }

        _openBatch.Clear();
        _openBatchBytes = 0;
        requests.AddRange(TakeLatched());
        return requests;
    }

    private void OnStepDown()
    {
        _ticksSinceStepDown = 0;
        foreach (var request in TakeNeverProposed())
            Reply(request, NotLeader());
    }

    /// <summary>
    /// Proposals of a peer that no longer leads are decided by what is applied at their index. If that does not show for a long time
    /// (the peer may be cut off), their callers hear that the outcome is unknown: never that they failed (invariant 11).
    /// </summary>
    private void ReportLostProposals()
    {
        if (_proposals.Count == 0)
            return;
        if (IsLeader)
        {
            // From an earlier term. In an idle region nothing would come to their indices.
            ReportProposalsGoneFromLog(_raft.LastIndex + 1);
            return;
        }

        if (++_ticksSinceStepDown >= _config.UndeterminedAfterTicks)
            FailProposals($"peer {Self.Id} of region {Region.Id} lost its leadership with the write in its log");
    }

    private void FailProposals(string why)
    {
        foreach (var proposal in _proposals)
        {
            foreach (var request in proposal.Requests)
                Settle(request, RegionErrors.UndeterminedResult(why));
        }

        _proposals.Clear();
    }

    /// <summary>Reads whose caller has given up do not keep their place.</summary>
    private void FailExpired(TimeSpan now)
    {
        foreach (var reads in _readsWithoutIndex.Values)
        {
            for (var i = reads.Count - 1; i >= 0; i--)
            {
                if (reads[i].Deadline > now || reads[i] is not ReadRequest)
                    continue;
                FailRead(reads[i], RegionErrors.DeadlineExceeded());
                reads.RemoveAt(i);
            }
        }
    }
}
