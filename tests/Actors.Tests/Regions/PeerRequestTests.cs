using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Metapb;
using static TiKvActors.Actors.Tests.Regions.Requests;

namespace TiKvActors.Actors.Tests.Regions;

public sealed class PeerRequestTests
{
    [Fact]
    public void AWriteIsAppliedOnEveryReplicaBeforeAllOfThemAnswerTheSame()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var put = TestWrite.Put(leader, "a", "1");
        cluster.Submit(leader, put);
        cluster.Tick(3);

        Assert.True(put.Outcome.IsSettled);
        Assert.Null(put.Outcome.Error);
        Assert.All(cluster.Stores.Values, store => Assert.Equal("1", store.Data[Bytes("a")].ToStringUtf8()));
    }

    /// <summary>wire/tikv-wire.md, section 4: each request is wrong in everything from its place in the order on.</summary>
    [Fact]
    public void ChecksComeInTiKvsOrder()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var follower = cluster.Replicas.First(r => !r.Peer.IsLeader);
        cluster.Submit(leader, new TestSplit(For(leader), "m"));
        cluster.Elect();
        leader = cluster.LeaderOf(1);
        var context = For(leader);
        // Wrong in every way: store, peer, term, epoch, key.
        context.RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 };
        context.Term = 1;

        Assert.Equal(RegionErrorKind.StoreNotMatch, Try(leader, c => c.Peer = new Peer { Id = 99, StoreId = 9 }));
        Assert.Equal(RegionErrorKind.MismatchPeerId, Try(leader, c => c.Peer = new Peer { Id = 99, StoreId = leader.StoreId }));
        Assert.Equal(RegionErrorKind.NotLeader, Try(follower, c => c.Peer = follower.Peer.Self));
        Assert.Equal(RegionErrorKind.StaleCommand, Try(leader, _ => { }));
        Assert.Equal(RegionErrorKind.EpochNotMatch, Try(leader, c => c.Term = leader.Peer.Term));
        Assert.Equal(
            RegionErrorKind.KeyNotInRegion, Try(leader, c => (c.Term, c.RegionEpoch) = (leader.Peer.Term, leader.Peer.Region.RegionEpoch)));

        RegionErrorKind? Try(PeerCluster.Replica at, Action<Protocol.Kvrpcpb.Context> change)
        {
            var mine = context.Clone();
            change(mine);
            // The right part of the split keeps the region's id: "a" is outside.
            var put = new TestWrite(mine, TimeSpan.MaxValue, Put("a", "1"));
            cluster.Submit(at, put);
            return put.Outcome.Kind;
        }
    }

    [Fact]
    public void ANotLeaderErrorNamesTheLeader()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        cluster.Tick(3);
        var follower = cluster.Replicas.First(r => !r.Peer.IsLeader);
        var get = TestRead.Get(follower, "a");
        cluster.Submit(follower, get);
        Assert.Equal(leader.Peer.Self.Id, get.Outcome.Error!.NotLeader.Leader.Id);
    }

    [Fact]
    public void AnEntryBeyondTheLimitIsRefusedWithItsSize()
    {
        var cluster = new PeerCluster(1, c => c with { MaxEntryBytes = 100 });
        var leader = cluster.Elect();
        var put = TestWrite.Put(leader, "a", new string('x', 100));
        cluster.Submit(leader, put);
        Assert.Equal(101ul, put.Outcome.Error!.RaftEntryTooLarge.EntrySize);
    }

    [Fact]
    public void WhatWaitsIsBoundedInNumberAndBytes()
    {
        var cluster = new PeerCluster(3, c => c with { MaxPendingRequests = 2, MaxPendingBytes = 1000 });
        var leader = cluster.Elect();
        cluster.HoldJournal(1);
        cluster.HoldJournal(2);
        cluster.HoldJournal(3);
        var writes = Enumerable.Range(0, 3).Select(i => TestWrite.Put(leader, $"k{i}", "v")).ToArray();
        cluster.Submit(leader, writes);
        Assert.Equal(RegionErrorKind.ServerIsBusy, writes[2].Outcome.Kind);
        Assert.True(writes[2].Outcome.Error!.ServerIsBusy.BackoffMs > 0);
        Assert.False(writes[1].Outcome.IsSettled);

        cluster.ReleaseJournal(1);
        cluster.ReleaseJournal(2);
        cluster.ReleaseJournal(3);
        cluster.Tick(3);
        Assert.Null(writes[1].Outcome.Error);
        var large = Enumerable.Range(0, 2).Select(i => TestWrite.Put(leader, $"k{i}", new string('x', 600))).ToArray();
        cluster.HoldJournal(leader.StoreId);
        cluster.Submit(leader, large);
        Assert.Equal(RegionErrorKind.ServerIsBusy, large[1].Outcome.Kind);
    }

    [Fact]
    public void WorkWhoseCallerHasGivenUpIsDropped()
    {
        var cluster = new PeerCluster(1);
        var leader = cluster.Elect();
        var put = new TestWrite(For(leader), cluster.Now, Put("a", "1"));
        var get = new TestRead(For(leader), cluster.Now, "a");
        cluster.Submit(leader, put, get);
        Assert.Equal("Deadline is exceeded", put.Outcome.Error!.Message);
        Assert.Equal("Deadline is exceeded", get.Outcome.Error!.Message);
    }

    [Fact]
    public void WritesThatWaitTogetherShareAnEntry()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var before = leader.Peer.LastIndex;
        var writes = Enumerable.Range(0, 50).Select(i => TestWrite.Put(leader, $"k{i}", "v")).ToArray();
        cluster.Submit(leader, writes);
        Assert.Equal(before + 1, leader.Peer.LastIndex);
        Assert.All(writes, w => Assert.Null(w.Outcome.Error));
    }

    /// <summary>Invariant 11: it is in the log of a peer that was cut off, and may commit or not.</summary>
    [Fact]
    public void AProposalOfALeaderThatWasCutOffIsUndeterminedAndNeverAFailure()
    {
        var cluster = new PeerCluster(3);
        var old = cluster.Elect();
        cluster.CutOff(old.StoreId);
        var put = TestWrite.Put(old, "a", "1");
        cluster.Submit(old, put);
        cluster.Tick(25);
        Assert.False(put.Outcome.IsSettled);
        cluster.Tick(60);
        Assert.Equal(RegionErrorKind.UndeterminedResult, put.Outcome.Kind);
    }

    [Fact]
    public void AProposalThatAnotherLeaderOverwroteIsStaleAndHadNoEffect()
    {
        var cluster = new PeerCluster(3, c => c with { UndeterminedAfterTicks = 1000 });
        var old = cluster.Elect();
        cluster.CutOff(old.StoreId);
        var lost = TestWrite.Put(old, "a", "lost");
        cluster.Submit(old, lost);
        cluster.Elect();
        var leader = cluster.LeaderOf(1);
        cluster.Submit(leader, TestWrite.Put(leader, "b", "1"));
        cluster.Reconnect(old.StoreId);
        cluster.Tick(30);
        Assert.Equal(RegionErrorKind.StaleCommand, lost.Outcome.Kind);
        Assert.All(cluster.Stores.Values, s => Assert.False(s.Data.ContainsKey(Bytes("a"))));
    }

    [Fact]
    public void AProposalThatCommitsUnderTheNextLeaderSucceeds()
    {
        var cluster = new PeerCluster(3, c => c with { UndeterminedAfterTicks = 1000 });
        var old = cluster.Elect();
        // The followers get the entry, the leader never hears of it.
        foreach (var follower in cluster.Replicas.Where(r => r != old))
            cluster.HoldJournal(follower.StoreId);
        var put = TestWrite.Put(old, "a", "1");
        cluster.Submit(old, put);
        cluster.CutOff(old.StoreId);
        foreach (var follower in cluster.Replicas.Where(r => r != old))
            cluster.ReleaseJournal(follower.StoreId);
        cluster.Run();
        cluster.Elect();
        Assert.False(put.Outcome.IsSettled);
        cluster.Reconnect(old.StoreId);
        cluster.Tick(30);
        Assert.True(put.Outcome.IsSettled);
        Assert.Null(put.Outcome.Error);
    }

    [Fact]
    public void AReadOnALeaderThatWasCutOffIsNeverServedStale()
    {
        var cluster = new PeerCluster(3);
        var old = cluster.Elect();
        cluster.Submit(old, TestWrite.Put(old, "a", "1"));
        cluster.CutOff(old.StoreId);
        cluster.Elect();
        var leader = cluster.LeaderOf(1);
        cluster.Submit(leader, TestWrite.Put(leader, "a", "2"));
        var stale = TestRead.Get(old, "a");
        cluster.Submit(old, stale);
        Assert.NotEqual("1", stale.Outcome.Result);
        cluster.Reconnect(old.StoreId);
        cluster.Tick(30);
        Assert.Equal(RegionErrorKind.NotLeader, stale.Outcome.Kind);
    }

    [Fact]
    public void AReadWaitsUntilWhatWasCommittedBeforeItIsApplied()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        leader.HoldApply = true;
        cluster.Submit(leader, TestWrite.Put(leader, "a", "1"));
        var get = TestRead.Get(leader, "a");
        cluster.Submit(leader, get);
        Assert.False(get.Outcome.IsSettled);
        leader.HoldApply = false;
        cluster.Run();
        Assert.Equal("1", get.Outcome.Result);
    }

    [Fact]
    public void OfManySwapsFromTheSameValueExactlyOneSucceeds()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        var swaps = Enumerable.Range(0, 10).Select(i => new TestSwap(For(leader), "a", null, $"v{i}")).ToArray();
        cluster.Submit(leader, swaps);
        cluster.Tick(2);
        Assert.Equal(1, swaps.Count(s => s.Outcome.Result is true));
        Assert.Equal(9, swaps.Count(s => s.Outcome.Result is false));
    }

    [Fact]
    public void ABlindWriteToASwappedKeyIsNotLost()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        cluster.Submit(leader, TestWrite.Put(leader, "a", "1"));
        leader.HoldApply = true;
        // The swap reads "1" only after the put before it is applied, and the put behind it waits for the swap.
        var first = TestWrite.Put(leader, "a", "2");
        var swap = new TestSwap(For(leader), "a", "1", "swapped");
        var last = TestWrite.Put(leader, "a", "3");
        cluster.Submit(leader, first, swap, last);
        Assert.False(swap.Outcome.IsSettled);
        leader.HoldApply = false;
        cluster.Tick(2);
        Assert.Equal(false, swap.Outcome.Result);
        Assert.Null(last.Outcome.Error);
        Assert.Equal("3", cluster.Stores[leader.StoreId].Data[Bytes("a")].ToStringUtf8());
    }

    [Fact]
    public void ASwapIsNotProposedInAnotherTermThanItWasReadIn()
    {
        var cluster = new PeerCluster(3, c => c with { UndeterminedAfterTicks = 1000 });
        var old = cluster.Elect();
        cluster.CutOff(old.StoreId);
        var swap = new TestSwap(For(old), "a", null, "1");
        cluster.Submit(old, swap);
        cluster.Elect();
        cluster.Reconnect(old.StoreId);
        cluster.Tick(30);
        Assert.True(swap.Outcome.Kind is RegionErrorKind.NotLeader or RegionErrorKind.StaleCommand);
        Assert.All(cluster.Stores.Values, s => Assert.False(s.Data.ContainsKey(Bytes("a"))));
    }

    /// <summary>A write that waits for the latch of one key must not be overtaken on its other keys.</summary>
    [Fact]
    public void AWriteThatWaitsForOneLatchIsNotOverwrittenByASwapOfAnotherOfItsKeysThatNeverSawIt()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        leader.HoldApply = true;
        var first = new TestSwap(For(leader), "k1", null, "s1");
        cluster.Submit(leader, first);
        // The swap of k2 becomes readable by the very entry that lets the write go.
        var write = new TestWrite(For(leader), TimeSpan.MaxValue, Put("k1", "w"), Put("k2", "w"));
        var second = new TestSwap(For(leader), "k2", null, "s2");
        cluster.Submit(leader, write, second);
        leader.HoldApply = false;
        cluster.Tick(3);
        Assert.Equal(true, first.Outcome.Result);
        Assert.True(write.Outcome.IsSettled);
        Assert.Null(write.Outcome.Error);
        Assert.Equal(false, second.Outcome.Result);
        Assert.Equal("w", cluster.Stores[leader.StoreId].Data[Bytes("k1")].ToStringUtf8());
        Assert.Equal("w", cluster.Stores[leader.StoreId].Data[Bytes("k2")].ToStringUtf8());
    }

    [Fact]
    public void ARangeDeleteThatWaitsIsNotOvertakenBySwapsInItsRange()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        cluster.Submit(leader, TestWrite.Put(leader, "k2", "1"));
        leader.HoldApply = true;
        var first = new TestSwap(For(leader), "k1", null, "s1");
        cluster.Submit(leader, first);
        var delete = new TestWrite(For(leader), TimeSpan.MaxValue, DeleteRange("k1", "k3"));
        var second = new TestSwap(For(leader), "k2", "1", "s2");
        cluster.Submit(leader, delete, second);
        leader.HoldApply = false;
        cluster.Tick(3);
        Assert.Equal(true, first.Outcome.Result);
        Assert.True(delete.Outcome.IsSettled);
        Assert.Null(delete.Outcome.Error);
        Assert.Equal(false, second.Outcome.Result);
        Assert.Empty(cluster.Stores[leader.StoreId].Data);
    }

    [Fact]
    public void TwoRangeDeletesBehindOneSwapBothGoOn()
    {
        var cluster = new PeerCluster(3);
        var leader = cluster.Elect();
        leader.HoldApply = true;
        var swap = new TestSwap(For(leader), "k1", null, "s");
        cluster.Submit(leader, swap);
        var deletes = new[] { ("k0", "k3"), ("k1", "k5"), ("k2", "k9") }
            .Select(r => new TestWrite(For(leader), TimeSpan.MaxValue, DeleteRange(r.Item1, r.Item2))).ToArray();
        cluster.Submit(leader, deletes);
        leader.HoldApply = false;
        cluster.Tick(3);
        Assert.Equal(true, swap.Outcome.Result);
        Assert.All(deletes, d => Assert.True(d.Outcome.IsSettled && d.Outcome.Error is null));
        Assert.Empty(cluster.Stores[leader.StoreId].Data);
    }

    /// <summary>They go one after the other, not one inside the other.</summary>
    [Fact]
    public void AnyNumberOfWritesBehindOneSwapGoOn()
    {
        var cluster = new PeerCluster(1, c => c with { MaxPendingRequests = 200_000 });
        var leader = cluster.Elect();
        leader.HoldApply = true;
        var swap = new TestSwap(For(leader), "k", null, "s");
        cluster.Submit(leader, swap);
        var writes = Enumerable.Range(0, 100_000).Select(i => TestWrite.Put(leader, "k", $"{i}")).ToArray();
        cluster.Submit(leader, writes);
        leader.HoldApply = false;
        cluster.Tick(3);
        Assert.Equal(true, swap.Outcome.Result);
        Assert.All(writes, w => Assert.True(w.Outcome.IsSettled && w.Outcome.Error is null));
        Assert.Equal("99999", cluster.Stores[leader.StoreId].Data[Bytes("k")].ToStringUtf8());
    }

    /// <summary>
    /// Invariant 11: what is gone from this peer's own log may be in another's, and commit under the next leader. With nothing at its index
    /// to decide it, its callers must still hear something, also in a region that nobody writes to.
    /// </summary>
    [Fact]
    public void AProposalBeyondTheLogOfAPeerThatLeadsAgainIsUndetermined()
    {
        var cluster = new PeerCluster(3, c => c with { UndeterminedAfterTicks = 1000 });
        var old = cluster.Elect();
        cluster.CutOff(old.StoreId);
        var writes = Enumerable.Range(0, 4).Select(i => TestWrite.Put(old, $"k{i}", "v")).ToArray();
        foreach (var write in writes)
            cluster.Submit(old, write);
        var between = cluster.Elect();
        cluster.Reconnect(old.StoreId);
        cluster.Tick(30);
        cluster.Submit(between, new TestTransfer(For(between), old.Peer.Self));
        cluster.Tick(3);
        Assert.True(old.Peer.IsLeader);
        // The empty entries of the two elections were applied where the first two had been: that is proof. For the others there is none.
        Assert.Equal(
            [
                RegionErrorKind.StaleCommand,
                RegionErrorKind.StaleCommand,
                RegionErrorKind.UndeterminedResult,
                RegionErrorKind.UndeterminedResult
            ],
            writes.Select(w => w.Outcome.Kind!.Value));
    }
}
