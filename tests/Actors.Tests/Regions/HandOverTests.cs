namespace TiKvActors.Actors.Tests.Regions;

/// <summary>What a peer does when its store is about to stop in order.</summary>
public sealed class HandOverTests
{
    [Fact]
    public void TheLeadershipGoesToAnotherVoterAtOnce()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var term = leader.Peer.Term;
        HandOver(cluster, leader);
        Assert.False(leader.Peer.IsLeader);
        Assert.True(leader.Peer.HasHandedOver);
        var next = cluster.LeaderOf(1);
        Assert.Equal(term + 1, next.Peer.Term);
        Assert.Equal(next.Peer.Self, leader.Peer.Leader);
        var put = TestWrite.Put(next, "a", "1");
        cluster.Submit(next, put);
        Assert.Null(put.Outcome.Error);
    }

    [Fact]
    public void WhoHasMoreOfTheLogIsPreferred()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        // The journal of one follower is slow: it is there, and behind.
        var behind = cluster.Replicas.First(r => r != leader);
        cluster.HoldJournal(behind.StoreId);
        cluster.Submit(leader, TestWrite.Put(leader, "a", "1"));
        cluster.Tick(3);
        HandOver(cluster, leader);
        Assert.Equal(cluster.Replicas.Single(r => r != leader && r != behind), cluster.LeaderOf(1));
    }

    [Fact]
    public void WhoIsAwayIsNotChosenInAnIdleRegion()
    {
        foreach (var isFirst in new[] { true, false })
        {
            var cluster = new PeerCluster(3);
            var leader = cluster.Elect();
            var others = cluster.Replicas.Where(r => r != leader).ToList();
            var away = isFirst ? others[0] : others[1];
            cluster.CutOff(away.StoreId);
            // Longer than the leader takes to notice.
            cluster.Tick(25);
            HandOver(cluster, leader);
            // Right after the leader has counted who is there, it knows of nobody until the next heartbeats are answered.
            cluster.Tick(3);
            Assert.Equal(others.Single(r => r != away), cluster.LeaderOf(1));
            Assert.True(leader.Peer.HasHandedOver);
        }
    }

    [Fact]
    public void ATransferThatFailsIsTriedAgainWithAnother()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var behind = cluster.Replicas.First(r => r != leader);
        cluster.HoldJournal(behind.StoreId);
        cluster.Submit(leader, TestWrite.Put(leader, "a", "1"));
        var chosen = cluster.Replicas.Single(r => r != leader && r != behind);
        cluster.CutOff(chosen.StoreId);
        HandOver(cluster, leader);
        Assert.False(leader.Peer.HasHandedOver);
        cluster.ReleaseJournal(behind.StoreId);
        cluster.Tick(30);
        Assert.Equal(behind, cluster.LeaderOf(1));
        Assert.True(leader.Peer.HasHandedOver);
    }

    [Fact]
    public void WhatWasProposedHereIsAnsweredFirst()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        leader.HoldApply = true;
        var put = TestWrite.Put(leader, "a", "1");
        cluster.Submit(leader, put);
        HandOver(cluster, leader);
        Assert.False(leader.Peer.IsLeader);
        Assert.False(leader.Peer.HasHandedOver);
        leader.HoldApply = false;
        cluster.Run();
        Assert.True(put.Outcome.IsSettled);
        Assert.Null(put.Outcome.Error);
        Assert.True(leader.Peer.HasHandedOver);
    }

    [Fact]
    public void WhoDoesNotLeadOrHasNobodyToLeadInItsPlaceIsDoneAtOnce()
    {
        var three = new PeerCluster(3);
        var leader = three.Elect();
        var follower = three.Replicas.First(r => r != leader);
        HandOver(three, follower);
        Assert.True(follower.Peer.HasHandedOver);
        Assert.True(leader.Peer.IsLeader);

        var alone = new PeerCluster(1);
        var only = alone.Elect();
        HandOver(alone, only);
        Assert.True(only.Peer.HasHandedOver);
        Assert.True(only.Peer.IsLeader);
    }

    private static void HandOver(PeerCluster cluster, PeerCluster.Replica replica)
    {
        replica.Peer.HandOver(cluster.Now);
        cluster.Run();
    }
}
