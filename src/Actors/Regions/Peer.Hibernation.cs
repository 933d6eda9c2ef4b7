using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// An idle region hibernates: none of its peers is ticked, and no heartbeat is sent. The leader goes last, after every other member has
/// agreed to the same log in the same term, so that nobody is awake who would miss it. What wakes a peer: a request, a message of the
/// region, its store (when it loses another member's, and once in a while). A leader that wakes is heard by everybody at once; a follower
/// that wakes by anything else than its leader calls it. Safety needs none of this: a lease runs out by the clock whether there are ticks or not.
/// </summary>
internal sealed partial class Peer
{
    /// <summary>Ticks since something last happened, or the leader last asked.</summary>
    private int _quietTicks;

    private int _ticksWithoutHeartbeat;

    /// <summary>The question goes out behind everything else.</summary>
    private bool _mustAsk;

    /// <summary>Nothing was sent or done since the question of this number.</summary>
    private bool _isAsking;
    private ulong _questionNumber;
    private readonly HashSet<ulong> _agreed = [];

    /// <summary>Needs no ticks. Invariant: nobody waits for anything here.</summary>
    public bool IsAsleep { get; private set; }

    /// <summary>The store has lost <paramref name="lostStoreId"/>, or just wants to know (0).</summary>
    public void WakeUp(ulong lostStoreId, TimeSpan now)
    {
        if (!IsAsleep)
            return;
        Wake(now, callLeader: true);
        if (Leader?.StoreId == lostStoreId)
            _raft.MissLeader();
    }

    private void TickHibernation()
    {
        if (_config.HibernateAfterTicks == 0)
            return;
        if (!IsLeader)
        {
            // It may hibernate while this peer does not: messages get lost. The last moment before this peer could campaign.
            if (++_ticksWithoutHeartbeat == _config.Raft.ElectionTimeoutTicks - 1)
                CallLeader();
            return;
        }

        _quietTicks = IsIdle && _raft.IsQuiet ? _quietTicks + 1 : 0;
        if (_quietTicks < _config.HibernateAfterTicks)
            return;
        _quietTicks = 0;
        ProposeCompaction(isIdle: true);
        _mustAsk = true;
    }

    /// <summary>Nobody waits for anything here, and nothing is to be done.</summary>
    private bool IsIdle =>
        IsInitialized && State == PeerState.Normal && !_handsOver && AppliedIndex == _raft.LastIndex && _pulling is null
        && _proposals.Count == 0 && _pendingWrites == 0 && _pendingReads == 0 && _swaps.Count == 0 && _splitsWithoutIds == 0;

    private void Ask()
    {
        _mustAsk = false;
        if (!IsIdle || !_raft.IsQuiet)
            return;
        _isAsking = true;
        _agreed.Clear();
        _questionNumber++;
        foreach (var peer in Region.Peers)
        {
            if (peer.Id != Self.Id)
                SendExtra(peer, ExtraMessageType.MsgHibernateRequest, _raft.LastIndex, _questionNumber);
        }

        SleepIfAllAgree();
    }

    private void OnExtra(MetaPeer from, ExtraMessage extra, TimeSpan now)
    {
        switch (extra.Type)
        {
            case ExtraMessageType.MsgRegionWakeUp:
                _isAsking = false;
                Wake(now, callLeader: true);
                break;
            case ExtraMessageType.MsgHibernateRequest when MayFollowToSleep(from, extra):
                IsAsleep = true;
                SendExtra(from, ExtraMessageType.MsgHibernateResponse, extra.Index, extra.Number);
                break;
            case ExtraMessageType.MsgHibernateResponse when _isAsking && extra.Number == _questionNumber && extra.Term == Term:
                _agreed.Add(from.Id);
                SleepIfAllAgree();
                break;
        }
    }

    /// <summary>Only what its leader knows about it, and nothing besides, may be true of a follower that hibernates.</summary>
    private bool MayFollowToSleep(MetaPeer from, ExtraMessage extra) =>
        _config.HibernateAfterTicks > 0 && _raft.Role == RaftRole.Follower && _raft.LeaderId == from.Id && Term == extra.Term
        && _raft.LastIndex == extra.Index && _raft.IsSettled && IsIdle;

    private void SleepIfAllAgree()
    {
        if (!_isAsking || IsAsleep || !IsIdle || !_raft.IsQuiet || !Region.Peers.All(p => p.Id == Self.Id || _agreed.Contains(p.Id)))
            return;
        _isAsking = false;
        IsAsleep = true;
    }

    /// <summary>Something happens here: a leader that was about to hibernate does not.</summary>
    private void Stir(TimeSpan now)
    {
        _quietTicks = 0;
        _isAsking = false;
        Wake(now, callLeader: true);
    }

    /// <summary>A message of the region has come.</summary>
    /// <returns>False if it is better treated as lost.</returns>
    private bool WakeBy(Message message, TimeSpan now)
    {
        // The answer to what was sent before all agreed.
        if (!IsAsleep || (IsLeader && message.Term == Term && IsMereAnswer(message)))
            return true;
        var leads = message.From == _raft.LeaderId;
        Wake(now, callLeader: !leads);
        if (IsLeader || message.MsgType != MessageType.MsgRequestPreVote)
            return true;
        // The leader may well live, and is about to be heard then: whoever misses it asks again if not, and so does this peer.
        _raft.MissLeader();
        return false;
    }

    private static bool IsMereAnswer(Message message) =>
        message.MsgType == MessageType.MsgHeartbeatResponse || message is { MsgType: MessageType.MsgAppendResponse, Reject: false };

    private void Wake(TimeSpan now, bool callLeader)
    {
        if (!IsAsleep)
            return;
        IsAsleep = false;
        _quietTicks = _ticksWithoutHeartbeat = _ticksWithoutLeader = 0;
        _raft.ResumeTicks(now);
        if (callLeader)
            CallLeader();
    }

    private void CallLeader()
    {
        if (!IsLeader && Leader is { } leader)
            SendExtra(leader, ExtraMessageType.MsgRegionWakeUp, 0, 0);
    }

    private void SendExtra(MetaPeer to, ExtraMessageType type, ulong index, ulong number) => Out.Messages.Add(new RaftMessage
    {
        RegionId = Region.Id,
        FromPeer = Self,
        ToPeer = to,
        RegionEpoch = Region.RegionEpoch,
        ExtraMsg = new ExtraMessage { Type = type, Term = Term, Index = index, Number = number },
    });
}
