using System.Buffers.Binary;
using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// Linearizable reads without log entries (thesis 6.4): a numbered round of heartbeats that a majority answers proves that this peer led
// when the round was sent. The proof serves the reads that waited for it, and for a while (the lease, thesis 6.4.1) those that come later.
public sealed partial class RaftNode
{
    /// <summary>Reads that have come since the last round was sent.</summary>
    private readonly List<ulong> _newReads = [];

    /// <summary>Reads whose round is under way.</summary>
    private readonly Queue<(ulong Round, ReadState State)> _roundReads = new();

    private readonly List<ReadState> _readStates = [];
    private readonly List<ulong> _droppedReads = [];

    private ulong _round;

    /// <summary>When the rounds not yet answered by a majority were sent.</summary>
    private readonly Queue<(ulong Round, TimeSpan SentAt)> _roundsSent = new();

    /// <summary>When the latest round that a majority has answered was sent.</summary>
    private TimeSpan? _leaseFrom;

    /// <summary>
    /// A transfer was begun in this term: its target may lead at any moment from then on, whatever becomes of the attempt.
    /// </summary>
    private bool _leaseRevoked;

    /// <summary>True while the leader may answer reads at <paramref name="now"/> without a round of heartbeats.</summary>
    public bool HasLease(TimeSpan now) =>
        IsLeader && HasCommittedInTerm && !_leaseRevoked && _leaseFrom is { } from && now < from + _config.LeaseDuration;

    /// <summary>
    /// Asks for an index at which a read is linearizable. The answer is in <see cref="Ready.ReadStates"/> or
    /// <see cref="Ready.DroppedReads"/>.
    /// </summary>
    /// <param name="requestId">The caller's; unique among the reads that wait.</param>
    public Refusal ReadIndex(ulong requestId, ReadMode mode, TimeSpan now)
    {
        if (!IsLeader) return LeaderId == 0 ? Refusal.NoLeader : Refusal.NotLeader;
        if (_newReads.Count + _roundReads.Count >= _config.MaxPendingReads) return Refusal.TooMuchInFlight;
        if (mode == ReadMode.Lease && HasLease(now)) _readStates.Add(new ReadState(requestId, CommittedIndex));
        else _newReads.Add(requestId);
        return Refusal.None;
    }

    /// <summary>
    /// All reads that have come since the last one share a round. Before an entry of this term is committed they wait: no index is known
    /// yet.
    /// </summary>
    private void StartReadRound(TimeSpan now)
    {
        if (_newReads.Count == 0 || !HasCommittedInTerm) return;
        foreach (var read in _newReads) _roundReads.Enqueue((_round + 1, new ReadState(read, CommittedIndex)));
        _newReads.Clear();
        StartRound(now);
    }

    private void StartRound(TimeSpan now)
    {
        _roundsSent.Enqueue((++_round, now));
        var context = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(context, _round);
        foreach (var peer in _progress.Values.Where(p => p.Id != Id))
        {
            Send(new Message
            {
                MsgType = MessageType.MsgHeartbeat,
                To = peer.Id,
                // A follower may not have more; it must not be told that it has committed what it lacks.
                Commit = Math.Min(peer.Match, PublicCommit),
                Context = UnsafeByteOperations.UnsafeWrap(context),
            });
        }
        ConfirmRounds();
    }

    private static ulong RoundOf(Message message) =>
        message.Context.Length == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(message.Context.Span) : 0;

    private void ConfirmRounds()
    {
        var confirmed = _group.Reached(id => id == Id ? _round : _progress[id].AckedRound);
        while (_roundsSent.TryPeek(out var sent) && sent.Round <= confirmed)
        {
            _leaseFrom = sent.SentAt;
            _roundsSent.Dequeue();
        }
        while (_roundReads.TryPeek(out var read) && read.Round <= confirmed)
            _readStates.Add(_roundReads.Dequeue().State);
    }

    private void RevokeLease() => _leaseRevoked = true;

    private void ResetLease()
    {
        _leaseFrom = null;
        _leaseRevoked = false;
        _round = 0;
        _roundsSent.Clear();
    }

    private void DropReads()
    {
        _droppedReads.AddRange(_newReads);
        _droppedReads.AddRange(_roundReads.Select(r => r.State.RequestId));
        _newReads.Clear();
        _roundReads.Clear();
    }
}
