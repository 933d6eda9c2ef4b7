using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Regions;

/// <summary>Raft messages between peers: who may talk to whom, and what stale peers are told.</summary>
internal sealed partial class Peer
{
    private int _ticksWithoutLeader;

    /// <summary>A message for this region has arrived at this store. Any may be lost, late, repeated or for an earlier peer.</summary>
    public void Step(RaftMessage message, TimeSpan now)
    {
        if (State == PeerState.Tombstone || message.FromPeer is null || message.ToPeer is null || message.ToPeer.StoreId != _config.StoreId)
            return;
        if (message.ToPeer.Id != Self.Id)
        {
            // A newer peer of this region belongs here: this one was removed without having heard of it.
            if (message.ToPeer.Id > Self.Id && IsNewerConfiguration(message))
                BecomeTombstone();
            return;
        }

        if (message.IsTombstone)
        {
            if (IsNewerConfiguration(message))
                BecomeTombstone();
            return;
        }

        if (IsFromStalePeer(message))
        {
            if (message.Message is null or { MsgType: MessageType.MsgRequestVote or MessageType.MsgRequestPreVote })
                Out.Messages.Add(TellGone(message));
            return;
        }

        // Without either: a member that has lost its leader, and will hear from the next one.
        if (message.ExtraMsg is { } extra)
            OnExtra(message.FromPeer, extra, now);
        if (message.Message is null || !WakeBy(message.Message, now))
            return;
        if (message.Message.MsgType is MessageType.MsgAppend or MessageType.MsgHeartbeat or MessageType.MsgSnapshot)
            _ticksWithoutLeader = _ticksWithoutHeartbeat = 0;
        _peersSeen[message.FromPeer.Id] = message.FromPeer;
        if (message.Message.MsgType == MessageType.MsgSnapshot)
            OnSnapshotAnnounced(message, now);
        else
            _raft.Step(message.Message, now);
    }

    /// <summary>Messages to the peer get lost: its store cannot be reached.</summary>
    public void ReportUnreachable(ulong storeId)
    {
        foreach (var peer in Region.Peers)
        {
            if (peer.StoreId == storeId && peer.Id != Self.Id)
                _raft.ReportUnreachable(peer.Id);
        }
    }

    /// <summary>
    /// A removed voter hears of it when it campaigns. A learner never does; if it missed its removal, it would keep its range from the
    /// regions that come to this store later. So one that has heard no leader for a while asks. An uninitialised peer does not know whom to
    /// ask, and gives up: it has never voted, its promises to a leader have run out, and its journal knows its term should a message make
    /// it again.
    /// </summary>
    private void NoticeSilence()
    {
        if ((IsInitialized && Self.Role != PeerRole.Learner) || ++_ticksWithoutLeader < 4 * _config.Raft.ElectionTimeoutTicks)
            return;
        _ticksWithoutLeader = 0;
        if (IsInitialized)
            AskWhetherStillMember();
        else if (_pulling is null)
            Out.GiveUp = true;
    }

    private void AskWhetherStillMember()
    {
        foreach (var peer in Region.Peers)
        {
            if (peer.Id != Self.Id)
                Out.Messages.Add(new RaftMessage
                {
                    RegionId = Region.Id,
                    FromPeer = Self,
                    ToPeer = peer,
                    RegionEpoch = Region.RegionEpoch
                });
        }
    }

    private bool IsNewerConfiguration(RaftMessage message) =>
        message.RegionEpoch is { } epoch && (Region.RegionEpoch is null || epoch.ConfVer > Region.RegionEpoch.ConfVer);

    private bool IsFromStalePeer(RaftMessage message) =>
        IsInitialized && message.RegionEpoch is { } epoch && RegionState.IsOlder(epoch, Region.RegionEpoch)
        && RegionState.FindPeer(Region, message.FromPeer.Id) is null;

    private RaftMessage TellGone(RaftMessage message) => new()
    {
        RegionId = Region.Id,
        FromPeer = Self,
        ToPeer = message.FromPeer,
        RegionEpoch = Region.RegionEpoch,
        IsTombstone = true,
    };

    private void Send(Message message)
    {
        _isAsking = false;
        var to = RegionState.FindPeer(Region, message.To) ?? _peersSeen.GetValueOrDefault(message.To);
        // Removed since the message was made: it would be told that it is gone anyway.
        if (to is null)
            return;
        var envelope = new RaftMessage { RegionId = Region.Id, FromPeer = Self, ToPeer = to, Message = message };
        if (Region.RegionEpoch is not null)
            envelope.RegionEpoch = Region.RegionEpoch;
        if (IsInitialized && MayCreatePeer(message))
        {
            // The receiver, if it has no such peer, sees from the range whether it must wait for its own split instead of making one.
            envelope.StartKey = Region.StartKey;
            envelope.EndKey = Region.EndKey;
        }

        Out.Messages.Add(envelope);
    }

    /// <summary>Whether a store that has no peer for the message makes one.</summary>
    public static bool MayCreatePeer(Message message) =>
        message.MsgType is MessageType.MsgRequestVote or MessageType.MsgRequestPreVote
        || (message.MsgType == MessageType.MsgHeartbeat && message.Commit == 0);
}
