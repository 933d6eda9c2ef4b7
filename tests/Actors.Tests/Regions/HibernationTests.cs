using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using static TiKvActors.Actors.Tests.Regions.Requests;

namespace TiKvActors.Actors.Tests.Regions;

/// <summary>Three pure peers of a region that hibernates after five quiet ticks. What their stores would tell them, the test does.</summary>
public sealed class HibernationTests
{
    private const int Long = 60;

    private readonly PeerCluster _cluster = new(3, c => c with { HibernateAfterTicks = 5 });

    [Fact]
    public void AnIdleRegionSleepsUntilARequestComes()
    {
        var leader = FallAsleep();
        var term = leader.Peer.Term;
        Assert.False(leader.Peer.HasOutput);
        _cluster.Tick(Long);
        Assert.True(leader.Peer.IsLeader && leader.Peer.Term == term);
        Assert.False(leader.Peer.HasLease(_cluster.Now), "a lease outlived the heartbeats");

        var put = TestWrite.Put(leader, "k", "v");
        _cluster.Submit(leader, put);
        Assert.True(put.Outcome is { IsSettled: true, Error: null });
        Assert.All(_cluster.Replicas, r => Assert.False(r.Peer.IsAsleep));
        FallAsleep();
        var get = TestRead.Get(leader, "k");
        _cluster.Submit(leader, get);
        Assert.Equal("v", get.Outcome.Result);
        Assert.True(leader.Peer.HasLease(_cluster.Now));
        Assert.Equal(term, leader.Peer.Term);
    }

    /// <summary>It could not answer if the leader were lost, and is not sure to have its log.</summary>
    [Fact]
    public void AFollowerThatHasNotAppliedEverythingKeepsTheLeaderAwake()
    {
        var leader = _cluster.Elect();
        var slow = Follower(leader);
        slow.HoldApply = true;
        _cluster.Submit(leader, TestWrite.Put(leader, "k", "v"));
        for (var i = 0; i < Long; i++)
        {
            _cluster.Tick();
            Assert.False(leader.Peer.IsAsleep || slow.Peer.IsAsleep);
        }

        slow.HoldApply = false;
        FallAsleep();
    }

    [Fact]
    public void AnAbsentFollowerKeepsTheLeaderAwake()
    {
        var leader = _cluster.Elect();
        var away = Follower(leader);
        _cluster.CutOff(away.StoreId);
        for (var i = 0; i < Long; i++)
        {
            _cluster.Tick();
            Assert.False(leader.Peer.IsAsleep);
        }

        _cluster.Reconnect(away.StoreId);
        FallAsleep();
    }

    /// <summary>Who agreed sleeps already: what the leader does then wakes them.</summary>
    [Fact]
    public void ARequestBetweenTheQuestionAndTheAnswersKeepsTheLeaderAwake()
    {
        var leader = _cluster.Elect();
        List<RaftMessage> questions;
        do
        {
            leader.Peer.Tick(_cluster.Now);
            var sent = leader.Peer.TakeOutput(_cluster.Now).Messages;
            questions = sent.FindAll(m => m.ExtraMsg is not null);
            foreach (var answer in sent.Except(questions).SelectMany(Answer))
                leader.Peer.Step(answer, _cluster.Now);
        }
        while (questions.Count == 0);
        var answers = questions.SelectMany(Answer).ToList();
        Assert.All(answers, a => Assert.Equal(ExtraMessageType.MsgHibernateResponse, a.ExtraMsg.Type));
        Assert.Equal(2, _cluster.Replicas.Count(r => r.Peer.IsAsleep));

        var put = TestWrite.Put(leader, "k", "v");
        leader.Peer.Submit(put, _cluster.Now);
        foreach (var answer in answers)
            leader.Peer.Step(answer, _cluster.Now);
        Assert.False(leader.Peer.IsAsleep);
        _cluster.Run();
        Assert.True(put.Outcome is { IsSettled: true, Error: null });
        Assert.All(_cluster.Replicas, r => Assert.False(r.Peer.IsAsleep));
    }

    private List<RaftMessage> Answer(RaftMessage message)
    {
        var peer = _cluster[message.ToPeer.StoreId, 1].Peer;
        peer.Step(message, _cluster.Now);
        return peer.TakeOutput(_cluster.Now).Messages;
    }

    /// <summary>Only one store has noticed it; the other follower hears of it from the campaign.</summary>
    [Fact]
    public void AFollowerWhoseLeaderIsLostIsElectedAlthoughTheOtherSleeps()
    {
        var leader = FallAsleep();
        var term = leader.Peer.Term;
        var follower = Follower(leader);
        _cluster.CutOff(leader.StoreId);
        _cluster.Tick(Long);
        Assert.All(_cluster.Replicas, r => Assert.True(r.Peer.IsAsleep));

        follower.Peer.WakeUp(leader.StoreId, _cluster.Now);
        _cluster.Run();
        var next = _cluster.Elect();
        Assert.True(next.Peer.Term > term);
        Assert.False(leader.Peer.HasLease(_cluster.Now));

        _cluster.Reconnect(leader.StoreId);
        _cluster.Tick(5);
        Assert.False(leader.Peer.IsLeader);
        Assert.Equal(next, FallAsleep());
    }

    [Fact]
    public void AWokenFollowerCallsItsLeaderAndDoesNotReplaceIt()
    {
        var leader = FallAsleep();
        var term = leader.Peer.Term;
        _cluster.Tick(Long);
        Follower(leader).Peer.WakeUp(0, _cluster.Now);
        _cluster.Run();
        Assert.All(_cluster.Replicas, r => Assert.False(r.Peer.IsAsleep));
        Assert.Equal(leader, FallAsleep());
        Assert.Equal(term, leader.Peer.Term);
    }

    /// <summary>It comes back without a leader and campaigns. Who sleeps trusts the leader more than a candidate.</summary>
    [Fact]
    public void AFollowerThatRestartsFindsTheSleepingLeader()
    {
        var leader = FallAsleep();
        var term = leader.Peer.Term;
        _cluster.Tick(Long);
        var restarted = _cluster.Restart(Follower(leader).StoreId, 1);
        _cluster.Tick(Long);
        Assert.Equal(leader.Peer.Self, restarted.Peer.Leader);
        Assert.Equal(leader, FallAsleep());
        Assert.Equal(term, leader.Peer.Term);
    }

    [Fact]
    public void ALeaderThatRestartsIsReplacedAlthoughTheOthersSleep()
    {
        var leader = FallAsleep();
        var term = leader.Peer.Term;
        _cluster.Restart(leader.StoreId, 1);
        var next = _cluster.Elect();
        Assert.True(next.Peer.Term > term);
        Assert.Equal(next, FallAsleep());
    }

    /// <summary>Everything that would have told it was lost, also what would have woken it.</summary>
    [Fact]
    public void AMemberThatWasRemovedInItsSleepHearsOfItWhenItIsWoken()
    {
        var leader = FallAsleep();
        var gone = Follower(leader);
        _cluster.CutOff(gone.StoreId);
        var removal = new ChangePeerRequest { ChangeType = ConfChangeType.RemoveNode, Peer = gone.Peer.Self };
        _cluster.Submit(leader, new TestChangePeers(For(leader), removal));
        _cluster.Reconnect(gone.StoreId);
        _cluster.Tick(Long);
        Assert.True(gone.Peer.IsAsleep);

        gone.Peer.WakeUp(0, _cluster.Now);
        _cluster.Tick(Long);
        Assert.True(gone.IsDestroyed);
    }

    [Fact]
    public void ALeaderHandsOverAlsoFromItsSleep()
    {
        var leader = FallAsleep();
        leader.Peer.HandOver(_cluster.Now);
        _cluster.Tick(20);
        Assert.False(leader.Peer.IsLeader);
        Assert.True(leader.Peer.HasHandedOver);
    }

    /// <summary>A peer that does not know of hibernation, or must not, says nothing, and is not left alone.</summary>
    [Fact]
    public void OneThatNeverHibernatesKeepsTheLeaderAwake()
    {
        var cluster = new PeerCluster(3, c => c with { HibernateAfterTicks = c.StoreId == 2 ? 0 : 5 });
        var leader = cluster.Elect();
        for (var i = 0; i < Long; i++)
        {
            cluster.Tick();
            Assert.False(leader.Peer.IsAsleep);
        }
    }

    private PeerCluster.Replica FallAsleep()
    {
        var leader = _cluster.Elect();
        for (var i = 0; i < 4 * Long && _cluster.Replicas.Any(r => !r.Peer.IsAsleep); i++)
            _cluster.Tick();
        Assert.All(_cluster.Replicas, r => Assert.True(r.Peer.IsAsleep));
        return leader;
    }

    private PeerCluster.Replica Follower(PeerCluster.Replica leader) => _cluster.Replicas.First(r => r != leader);
}
