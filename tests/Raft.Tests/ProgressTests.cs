namespace TiKvActors.Raft.Tests;

public class ProgressTests
{
    private static Progress Follower(ulong next = 11, int maxMessages = 2, long maxBytes = 1000) =>
        new(2, next, new Inflights(maxMessages, maxBytes));

    private static Progress Replicating(ulong match = 10)
    {
        var peer = Follower(match + 1);
        peer.Acknowledge(match);
        return peer;
    }

    [Fact]
    public void A_probe_is_sent_once_until_it_is_answered()
    {
        var peer = Follower();
        Assert.False(peer.IsPaused);
        peer.Sent(12, 100);
        Assert.True(peer.IsPaused);
        Assert.Equal(11UL, peer.Next);

        peer.Acknowledge(12);

        Assert.Equal((ReplicationState.Replicate, 12UL, 13UL, false), (peer.State, peer.Match, peer.Next, peer.IsPaused));
    }

    [Fact]
    public void The_window_is_bounded_in_messages_and_freed_by_acknowledgements()
    {
        var peer = Replicating();
        peer.Sent(11, 1);
        peer.Sent(12, 1);
        Assert.True(peer.IsPaused);
        peer.Acknowledge(11);
        Assert.False(peer.IsPaused);
    }

    [Fact]
    public void The_window_is_bounded_in_bytes()
    {
        var peer = Replicating();
        peer.Sent(11, 1000);
        Assert.True(peer.IsPaused);
        peer.Acknowledge(11);
        Assert.False(peer.IsPaused);
    }

    [Fact]
    public void A_rejection_makes_a_replicating_peer_probe_from_the_hint()
    {
        var peer = Replicating();
        peer.Sent(20, 1);
        Assert.True(peer.Reject(20, hint: 14));
        Assert.Equal((ReplicationState.Probe, 15UL), (peer.State, peer.Next));
    }

    [Theory, InlineData(10), InlineData(7)]
    public void A_late_rejection_is_ignored(ulong rejected)
    {
        var peer = Replicating();
        peer.Sent(20, 1);
        Assert.False(peer.Reject(rejected, hint: 3));
        Assert.Equal((ReplicationState.Replicate, 21UL), (peer.State, peer.Next));
    }

    [Fact]
    public void Probing_never_goes_back_behind_what_matches()
    {
        var peer = Replicating(match: 10);
        peer.BecomeProbe(15);
        Assert.True(peer.Reject(14, hint: 2));
        Assert.Equal(11UL, peer.Next);
    }

    [Fact]
    public void A_follower_that_stands_still_between_two_heartbeats_is_nudged()
    {
        var peer = Replicating();
        peer.Sent(11, 1);
        peer.HeartbeatAnswered(lastIndex: 11);
        Assert.False(peer.Nudge);
        peer.HeartbeatAnswered(lastIndex: 11);
        Assert.True(peer.Nudge);
        peer.Acknowledge(11);
        peer.HeartbeatAnswered(lastIndex: 11);
        Assert.False(peer.Nudge);
    }

    [Fact]
    public void A_snapshot_holds_appends_back_until_it_is_acknowledged()
    {
        var peer = Follower();
        peer.BecomeSnapshot();
        peer.SnapshotSent(30);
        Assert.True(peer.IsPaused);
        peer.Acknowledge(30);
        Assert.Equal((ReplicationState.Replicate, 31UL), (peer.State, peer.Next));
    }

    [Theory, InlineData(true, 31), InlineData(false, 1)]
    public void After_a_snapshot_is_reported_the_leader_waits_for_a_sign_of_life(bool delivered, ulong next)
    {
        var peer = Follower();
        peer.BecomeSnapshot();
        peer.SnapshotSent(30);
        peer.SnapshotDone(delivered);
        Assert.Equal((ReplicationState.Probe, next, true), (peer.State, peer.Next, peer.IsPaused));
        peer.HeartbeatAnswered(40);
        Assert.False(peer.IsPaused);
    }
}
