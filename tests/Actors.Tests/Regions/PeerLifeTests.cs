using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;
using static TiKvActors.Actors.Tests.Regions.Requests;

namespace TiKvActors.Actors.Tests.Regions;

/// <summary>Splits, membership, compaction, snapshots, restarts.</summary>
public sealed class PeerLifeTests
{
    [Fact]
    public void ASplitChangesRangesAndVersionsAtOnceAndBothPartsServe()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        cluster.Submit(leader, TestWrite.Put(leader, "a", "1"), TestWrite.Put(leader, "z", "2"));
        var split = new TestSplit(For(leader), "m");
        cluster.Submit(leader, split);
        cluster.Tick(5);

        var regions = (IReadOnlyList<Protocol.Metapb.Region>)split.Outcome.Result!;
        Assert.Equal(2, regions.Count);
        Assert.All(regions, r => Assert.Equal(2ul, r.RegionEpoch.Version));
        Assert.Equal(Bytes("m"), regions[0].EndKey);
        Assert.Equal(1ul, regions[1].Id);
        var left = cluster.LeaderOf(regions[0].Id);
        // Who led the parent leads the new region at once.
        Assert.Equal(leader.StoreId, left.StoreId);
        var get = TestRead.Get(left, "a");
        var put = TestWrite.Put(cluster.LeaderOf(1), "z", "3");
        cluster.Submit(left, get);
        cluster.Submit(cluster.LeaderOf(1), put);
        Assert.Equal("1", get.Outcome.Result);
        Assert.Null(put.Outcome.Error);
        Assert.All(cluster.Stores.Values, s => Assert.Equal(PeerState.Normal, s.States[regions[0].Id].State));
    }

    [Fact]
    public void WhatWasAcceptedBeforeASplitAndComesAfterItInTheLogIsRefusedByEveryReplica()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        leader.HoldApply = true;
        cluster.Submit(leader, new TestSplit(For(leader), "m"));
        var late = TestWrite.Put(leader, "a", "1");
        var read = TestRead.Get(leader, "a");
        cluster.Submit(leader, late, read);
        leader.HoldApply = false;
        cluster.Tick(3);
        Assert.Equal(RegionErrorKind.EpochNotMatch, late.Outcome.Kind);
        Assert.Equal(RegionErrorKind.EpochNotMatch, read.Outcome.Kind);
        Assert.All(cluster.Stores.Values, s => Assert.False(s.Data.ContainsKey(Bytes("a"))));
    }

    [Fact]
    public void ASplitAtTheRegionsEdgeOrOutsideIsRefusedWithTheKey()
    {
        var cluster = new PeerCluster(1);
        var leader = cluster.Elect();
        cluster.Submit(leader, new TestSplit(For(leader), "m"));
        var again = new TestSplit(For(leader), "m");
        var outside = new TestSplit(For(leader), "a");
        cluster.Submit(leader, again, outside);
        Assert.Contains("6D", again.Outcome.Error!.Message);
        Assert.Equal(RegionErrorKind.KeyNotInRegion, outside.Outcome.Kind);
    }

    [Fact]
    public void ALearnerIsAddedCatchesUpBySnapshotAndIsPromoted()
    {
        var cluster = new PeerCluster(3, c => c with { LogCompactionThresholdBytes = 1, IdleLogEntries = 0 });
        var leader = cluster.Elect();
        for (var i = 0; i < 20; i++)
            cluster.Submit(leader, TestWrite.Put(leader, $"k{i:00}", "v"));
        cluster.Tick(5);
        cluster.Stores[4] = new MemoryStore();
        var newcomer = new Protocol.Metapb.Peer { Id = 50, StoreId = 4, Role = PeerRole.Learner };
        cluster.Submit(leader, new TestChangePeers(
            For(leader), new ChangePeerRequest { ChangeType = ConfChangeType.AddLearnerNode, Peer = newcomer }));
        cluster.Tick(20);
        Assert.Equal(20, cluster.Stores[4].Data.Count);
        Assert.Equal(leader.Peer.AppliedIndex, cluster[4, 1].Peer.AppliedIndex);

        var promote = new TestChangePeers(For(leader), new ChangePeerRequest { ChangeType = ConfChangeType.AddNode, Peer = newcomer });
        cluster.Submit(leader, promote);
        Assert.Equal(PeerRole.Voter, ((Protocol.Metapb.Region)promote.Outcome.Result!).Peers.Single(p => p.Id == 50).Role);
    }

    [Fact]
    public void SeveralVotersChangeThroughAJointConfigurationWhichIsLeftByItself()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var others = leader.Peer.Region.Peers.Where(p => p.Id != leader.Peer.Self.Id).ToList();
        cluster.Stores[4] = new MemoryStore();
        var change = new TestChangePeers(
            For(leader),
            new ChangePeerRequest { ChangeType = ConfChangeType.AddLearnerNode, Peer = others[0] },
            new ChangePeerRequest { ChangeType = ConfChangeType.AddNode, Peer = new Protocol.Metapb.Peer { Id = 60, StoreId = 4 } });
        cluster.Submit(leader, change);
        Assert.Null(change.Outcome.Error);
        Assert.Contains(((Protocol.Metapb.Region)change.Outcome.Result!).Peers, p => p.Role == PeerRole.IncomingVoter);
        cluster.Tick(20);
        var settled = cluster.LeaderOf(1).Peer.Region;
        Assert.Equal(PeerRole.Learner, settled.Peers.Single(p => p.Id == others[0].Id).Role);
        Assert.Equal(PeerRole.Voter, settled.Peers.Single(p => p.Id == 60).Role);
        Assert.Equal(5ul, settled.RegionEpoch.ConfVer);
    }

    /// <summary>Raft would enter a joint configuration that no role shows: nobody would know to leave it.</summary>
    [Fact]
    public void SeveralChangesThatNoVoterTakesPartInAreRefused()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var change = new TestChangePeers(
            For(leader),
            new ChangePeerRequest { ChangeType = ConfChangeType.AddLearnerNode, Peer = new Protocol.Metapb.Peer { Id = 60, StoreId = 4 } },
            new ChangePeerRequest { ChangeType = ConfChangeType.AddLearnerNode, Peer = new Protocol.Metapb.Peer { Id = 61, StoreId = 5 } });
        cluster.Submit(leader, change);
        Assert.Contains("one at a time", change.Outcome.Error?.Message);
        Assert.Equal(3, leader.Peer.Region.Peers.Count);
    }

    [Fact]
    public void ARemovedPeerLeavesATombstoneAlsoIfItHearsOfItLate()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var gone = leader.Peer.Region.Peers.First(p => p.Id != leader.Peer.Self.Id);
        cluster.CutOff(gone.StoreId);
        cluster.Submit(
            leader, new TestChangePeers(For(leader), new ChangePeerRequest { ChangeType = ConfChangeType.RemoveNode, Peer = gone }));
        cluster.Reconnect(gone.StoreId);
        cluster.Tick(60);
        Assert.False(cluster.Has(gone.StoreId, 1));
        Assert.Equal(PeerState.Tombstone, cluster.Stores[gone.StoreId].States[1].State);
    }

    [Fact]
    public void TheLogIsBoundedAndAFollowerThatWasAwayTooLongComesBackBySnapshot()
    {
        var cluster = new PeerCluster(3, c => c with { LogCompactionThresholdBytes = 2_000, LogLimitBytes = 8_000 });
        var leader = cluster.Elect();
        var away = cluster.Replicas.First(r => !r.Peer.IsLeader).StoreId;
        cluster.CutOff(away);
        for (var i = 0; i < 200; i++)
        {
            cluster.Submit(leader, TestWrite.Put(leader, $"k{i:000}", new string('x', 200)));
            cluster.Tick();
        }

        Assert.True(leader.Peer.LogBytes <= 10_000, $"the log has {leader.Peer.LogBytes} bytes");
        Assert.True(leader.Journal.Events.Count < 60);
        cluster.Reconnect(away);
        cluster.Tick(40);
        Assert.Equal(cluster.Stores[leader.StoreId].Data, cluster.Stores[away].Data);
        Assert.NotNull(cluster[away, 1].Journal.Snapshot);
        Assert.True(cluster[away, 1].Peer.TruncatedIndex > 100);
    }

    [Fact]
    public void ASnapshotThatOvertakesATruncationLeavesTheLogTruncatable()
    {
        var cluster = new PeerCluster(3, c => c with { LogCompactionThresholdBytes = 2_000, LogLimitBytes = 8_000 });
        var leader = cluster.Elect();
        var away = cluster.Replicas.First(r => !r.Peer.IsLeader);
        away.HoldSyncs = true;
        Write(60);
        var overtaken = Assert.Single(away.HeldSyncs);
        var before = away.Peer.TruncatedIndex;
        cluster.CutOff(away.StoreId);
        Write(200);
        cluster.Reconnect(away.StoreId);
        cluster.Tick(40);
        Assert.True(away.Peer.TruncatedIndex > before + 100, "no snapshot was installed");

        // The answer to the sync was lost in the installation, or comes too late; the next truncation asks for one of its own.
        Write(60);
        var installed = away.Peer.TruncatedIndex;
        Assert.Equal(2, away.HeldSyncs.Count);
        away.Peer.DataSynced(overtaken);
        cluster.Run();
        Assert.Equal(installed, away.Peer.TruncatedIndex);
        away.Peer.DataSynced(away.HeldSyncs[1]);
        cluster.Run();
        Assert.True(away.Peer.TruncatedIndex > installed);

        void Write(int count)
        {
            for (var i = 0; i < count; i++)
            {
                cluster.Submit(leader, TestWrite.Put(leader, $"k{i:000}", new string('x', 200)));
                cluster.Tick();
            }
        }
    }

    [Fact]
    public void ARestartFromJournalAndDataContinuesWhereItWas()
    {
        var cluster = new PeerCluster(3, c => c with { LogCompactionThresholdBytes = 500 });
        var leader = cluster.Elect();
        for (var i = 0; i < 50; i++)
        {
            cluster.Submit(leader, TestWrite.Put(leader, $"k{i:00}", new string('x', 50)));
            cluster.Tick();
        }

        var (term, last) = (leader.Peer.Term, leader.Peer.LastIndex);
        foreach (var store in new ulong[] { 1, 2, 3 })
            cluster.Restart(store, 1);
        Assert.All(cluster.Replicas, r => Assert.True(r.Peer.Term >= term && r.Peer.LastIndex >= last - 1));
        leader = cluster.Elect();
        var get = TestRead.Get(leader, "k49");
        cluster.Submit(leader, get);
        cluster.Tick(2);
        Assert.Equal(new string('x', 50), get.Outcome.Result);
    }

    [Fact]
    public void LeadershipMovesOnRequestWithoutATimeout()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var to = leader.Peer.Region.Peers.First(p => p.Id != leader.Peer.Self.Id);
        var transfer = new TestTransfer(For(leader), to);
        cluster.Submit(leader, transfer);
        cluster.Tick(2);
        Assert.Null(transfer.Outcome.Error);
        Assert.Equal(to.StoreId, cluster.LeaderOf(1).StoreId);
    }

    /// <summary>It never campaigns, so nobody would tell it otherwise; its range would stay taken on its store for ever.</summary>
    [Fact]
    public void ALearnerThatMissedItsRemovalAsksAndGoes()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var learner = cluster.Replicas.First(r => !r.Peer.IsLeader);
        var demotion = new TestChangePeers(
            For(leader), new ChangePeerRequest { ChangeType = ConfChangeType.AddLearnerNode, Peer = learner.Peer.Self });
        cluster.Submit(leader, demotion);
        cluster.Tick(3);
        Assert.Null(demotion.Outcome.Error);
        Assert.Equal(PeerRole.Learner, learner.Peer.Self.Role);

        cluster.CutOff(learner.StoreId);
        var removal = new TestChangePeers(
            For(leader), new ChangePeerRequest { ChangeType = ConfChangeType.RemoveNode, Peer = learner.Peer.Self });
        cluster.Submit(leader, removal);
        cluster.Tick(3);
        Assert.Null(removal.Outcome.Error);
        cluster.Reconnect(learner.StoreId);
        cluster.Tick(100);
        Assert.False(cluster.Has(learner.StoreId, 1));
    }

    /// <summary>It was made by a heartbeat and never got a snapshot. If it still is a member, a message makes it again.</summary>
    [Fact]
    public void APeerThatNeverGotDataAndIsNotFedGivesUpAndComesBackWithAMessage()
    {
        var cluster = new PeerCluster(3, c => c with { LogCompactionThresholdBytes = 1, IdleLogEntries = 0 });
        var leader = cluster.Elect();
        cluster.Stores[4] = new MemoryStore();
        cluster.HoldJournal(4);
        var newcomer = new Protocol.Metapb.Peer { Id = 50, StoreId = 4, Role = PeerRole.Learner };
        var addition = new ChangePeerRequest { ChangeType = ConfChangeType.AddLearnerNode, Peer = newcomer };
        cluster.Submit(leader, new TestChangePeers(For(leader), addition));
        cluster.Tick(5);
        Assert.False(cluster[4, 1].Peer.IsInitialized);

        cluster.CutOff(4);
        cluster.Tick(30);
        Assert.True(cluster.Has(4, 1));
        cluster.Tick(30);
        Assert.False(cluster.Has(4, 1));
        cluster.Reconnect(4);
        cluster.ReleaseJournal(4);
        cluster.Tick(20);
        Assert.Equal(cluster.LeaderOf(1).Peer.AppliedIndex, cluster[4, 1].Peer.AppliedIndex);
    }

    [Fact]
    public void AMembershipChangeThatNamesNoStoreIsRefused()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var nowhere = new Protocol.Metapb.Peer { Id = 77, Role = PeerRole.Learner };
        var change = new TestChangePeers(For(leader), new ChangePeerRequest { ChangeType = ConfChangeType.AddLearnerNode, Peer = nowhere });
        cluster.Submit(leader, change);
        Assert.Contains("names no peer and store", change.Outcome.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(3, leader.Peer.Region.Peers.Count);
    }
}
