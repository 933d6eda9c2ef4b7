using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Tests.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Storage;
using Command = TiKvActors.Protocol.MetaCommand.Types;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>The meta group's commands through the peers that replicate them.</summary>
public sealed class MetaPeerTests
{
    private readonly PeerCluster _cluster = new(3, regionId: MetaRegion.Id);

    [Fact]
    public void EveryMemberHasWhatWasAcknowledged()
    {
        var leader = _cluster.Elect(MetaRegion.Id);
        // Together in one round: each is an entry of its own, in this order.
        var (first, second, rival) = (Append(leader, 1, "A"), Append(leader, 2, "A"), Append(leader, 2, "B"));
        _cluster.Submit(leader, first, second, rival);
        Assert.NotNull(first.Result.Done);
        Assert.NotNull(second.Result.Done);
        Assert.Equal("A", rival.Result.Fenced.Writer);
        _cluster.Tick(5);
        Assert.Single(_cluster.Stores.Values.Select(s => string.Join(" ", s.Meta.All)).Distinct());
        Assert.Equal(2, MetaAssert.Read(_cluster.Stores[1].Meta, "pd", 0, 9, 9, 999).Events.Count);
        Assert.All(_cluster.Stores.Values, s => Assert.Empty(s.Data));
    }

    /// <summary>A write whose answer got lost with its leader succeeds when it is repeated, whether or not it had been committed.</summary>
    [Fact]
    public void ARepeatedWriteSucceedsAtTheNextLeader()
    {
        var old = _cluster.Elect(MetaRegion.Id);
        var committed = Append(old, 1, "A");
        _cluster.Submit(old, committed);
        _cluster.CutOff(old.StoreId);
        var lost = Append(old, 2, "A");
        _cluster.Submit(old, lost);
        var next = _cluster.Elect(MetaRegion.Id);
        var (again, first) = (Append(next, 1, "A"), Append(next, 2, "A"));
        _cluster.Submit(next, again, first);
        Assert.True(again.Result.Done.Duplicate);
        Assert.False(first.Result.Done.Duplicate);
        Assert.False(lost.Outcome.IsSettled && lost.Outcome.Error is null);

        _cluster.Reconnect(old.StoreId);
        _cluster.Tick(60);
        // The old leader's entry was overwritten: it hears that, never that it succeeded.
        Assert.Equal(RegionErrorKind.StaleCommand, lost.Outcome.Kind);
        Assert.Single(_cluster.Stores.Values.Select(s => string.Join(" ", s.Meta.All)).Distinct());
    }

    [Fact]
    public void RestartedMembersGoOnWhereTheyWere()
    {
        var leader = _cluster.Elect(MetaRegion.Id);
        _cluster.Submit(leader, Append(leader, 1, "A"), Append(leader, 2, "A"));
        _cluster.Tick(3);
        foreach (var store in _cluster.Stores.Keys)
            _cluster.Restart(store, MetaRegion.Id);
        leader = _cluster.Elect(MetaRegion.Id);
        var (old, next) = (Append(leader, 2, "B"), Append(leader, 3, "B"));
        _cluster.Submit(leader, old, next);
        Assert.Equal(2, old.Result.Fenced.HighestSequenceNr);
        Assert.NotNull(next.Result.Done);
    }

    [Fact]
    public void AFollowerNamesTheLeaderAndAWriteTooLargeIsRefused()
    {
        var leader = _cluster.Elect(MetaRegion.Id);
        var follower = _cluster.Replicas.First(r => r != leader);
        var write = Append(follower, 1, "A");
        _cluster.Submit(follower, write);
        Assert.Equal(leader.Peer.Self, write.Outcome.Error!.NotLeader.Leader);
        var large = Append(leader, 1, "A", new byte[(8 << 20) + 1]);
        _cluster.Submit(leader, large);
        Assert.Equal(RegionErrorKind.RaftEntryTooLarge, large.Outcome.Kind);
    }

    [Fact]
    public void AFullDiskRefusesWhatAddsAndLetsDeletionsThrough()
    {
        var leader = _cluster.Elect(MetaRegion.Id);
        leader.Peer.DiskFull = "full";
        var append = Append(leader, 1, "A");
        var command = new Command.DeleteEvents { PersistenceId = "pd", ToSequenceNr = 1 };
        var delete = new TestMetaWrite(leader, new MetaCommand { DeleteEvents = command });
        _cluster.Submit(leader, append, delete);
        Assert.Equal(RegionErrorKind.DiskFull, append.Outcome.Kind);
        Assert.NotNull(delete.Result.Done);
    }

    private static TestMetaWrite Append(PeerCluster.Replica at, long sequenceNr, string writer, byte[]? payload = null)
    {
        var e = new MetaEvent { SequenceNr = sequenceNr, Writer = writer, Payload = ByteString.CopyFrom(payload ?? []) };
        return new TestMetaWrite(at, new MetaCommand { AppendEvents = new Command.AppendEvents { PersistenceId = "pd", Events = { e } } });
    }

    private sealed class TestMetaWrite(PeerCluster.Replica at, MetaCommand command)
        : MetaWriteRequest(Requests.For(at), TimeSpan.MaxValue, command)
    {
        public Outcome Outcome { get; } = new();

        public MetaResult Result => (MetaResult)Outcome.Result!;

        public override void Complete(MetaResult result) => Outcome.Set(null, result);

        public override void Fail(Error error) => Outcome.Set(error);
    }
}
