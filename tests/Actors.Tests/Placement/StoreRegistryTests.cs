using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>Stores as PD sees them, their removal, and what a region's leader is told meanwhile.</summary>
public sealed class StoreRegistryTests
{
    private const ulong Cluster = 42;
    private readonly List<IMessage> _journal = [];
    private PdState _pd;
    private byte _incarnations;
    private TimeSpan _now = TimeSpan.FromHours(1);

    public StoreRegistryTests()
    {
        _pd = New();
        Persist(_pd.Start(Founding.New(Config, Cluster)));
    }

    private static RequestHeader Header => new() { ClusterId = Cluster };

    private static PdConfig Config => new(3, APIVersion.V2, 10);

    [Fact]
    public void AStoreIsUpDisconnectedAndDownByItsHeartbeats()
    {
        Register(1);
        Assert.Equal(StoreCondition.Up, Status(1).Condition);
        _now += TimeSpan.FromSeconds(20);
        Assert.Equal(StoreCondition.Disconnected, Status(1).Condition);
        _now += TimeSpan.FromMinutes(30);
        Assert.Equal(StoreCondition.Down, Status(1).Condition);
        Assert.Equal(TimeSpan.FromSeconds(1820).TotalMilliseconds, Status(1).SilentMillis);
        Beat(1);
        Assert.Equal(StoreCondition.Up, Status(1).Condition);
        // A new incarnation has not heard of anybody, and counts from its beginning.
        _now += TimeSpan.FromHours(1);
        Restart(throughSnapshot: false);
        Assert.Equal(StoreCondition.Up, Status(1).Condition);
        _now += TimeSpan.FromSeconds(20);
        Assert.Equal(StoreCondition.Disconnected, Status(1).Condition);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AStoreMayChangeItsAddressButNotTakeALivingOnes(bool throughSnapshot)
    {
        Register(1, "a:1");
        Register(2, "b:1");
        Assert.Null(Register(1, "c:1").Error);
        Restart(throughSnapshot);
        Assert.Equal("c:1", Status(1).Store.Address);
        Assert.Null(Register(3, "a:1").Error);
        var refused = Register(1, "b:1").Error;
        Assert.Equal(ErrorType.DuplicatedEntry, refused.Type);
        Assert.Contains("belongs to store 2, this is store 1", refused.Message);
        Assert.Equal("c:1", Status(1).Store.Address);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARemovalIsRememberedWhateverTheStoreSays(bool throughSnapshot)
    {
        Bootstrap(4);
        Assert.Null(Remove(4).Error);
        Assert.Null(Remove(4).Error);
        Register(4, labels: new StoreLabel { Key = "zone", Value = "z" });
        Restart(throughSnapshot);
        Assert.Equal((StoreCondition.Removing, NodeState.Removing), (Status(4).Condition, Status(4).Store.NodeState));
        Assert.Equal("z", Status(4).Store.Labels.Single().Value);
        Assert.Equal(2, _journal.OfType<StoreTableChanged>().Count(e => e.Store.State == StoreState.Offline));
        Assert.Null(Cancel(4).Error);
        Assert.Equal(StoreCondition.Up, Status(4).Condition);
        Remove(4);

        // No region has a peer there.
        Beat(1);
        Restart(throughSnapshot);
        Assert.Equal((StoreCondition.Tombstone, NodeState.Removed), (Status(4).Condition, Status(4).Store.NodeState));
        var returned = Register(4).Error;
        Assert.Equal(ErrorType.StoreTombstone, returned.Type);
        Assert.Contains("store 4 at host:4 has been removed from cluster 42", returned.Message);
        Assert.Equal(ErrorType.StoreTombstone, Beat(4).Error.Type);
        Assert.Contains("cannot come back", Cancel(4).Error.Message);
        Assert.Contains("removed already", Remove(4).Error.Message);
        Assert.Null(Register(9, "host:4").Error);
    }

    [Fact]
    public void ARemovalThatCannotBeRightIsRefused()
    {
        Register(1);
        Assert.Equal(ErrorType.EntryNotFound, Remove(7).Error.Type);
        Assert.Contains("no other store would be left", Remove(1).Error.Message);
        Register(2);
        Assert.Null(Remove(2).Error);
        Assert.Contains("no other store would be left", Remove(1).Error.Message);
        Assert.Null(Cancel(2).Error);
        Assert.Contains("is alive", Remove(2, destroyed: true).Error.Message);

        var alone = new PdState(Config with { Address = "host:1" }, ByteString.CopyFromUtf8("x"));
        foreach (var e in Founding.New(Config, Cluster).Concat(_journal.OfType<StoreTableChanged>()))
            alone.Apply(e);
        alone.StartAlone();
        var decision = alone.Process(new RemoveStoreRequest { Header = Header, StoreId = 1 }, _now, wall: 0)!.Value;
        var refused = (RemoveStoreResponse)decision.Answer;
        Assert.Contains("there is no meta group", refused.Header.Error.Message);
    }

    [Fact]
    public void ADestroyedStoresAddressIsFreeAtOnce()
    {
        Bootstrap(3);
        _now += TimeSpan.FromSeconds(20);
        Beat(1);
        Beat(2);
        Assert.Null(Remove(3).Error);
        Assert.Contains("store remove 3 --force", Register(4, "host:3").Error.Message);
        Assert.Null(Remove(3, destroyed: true).Error);
        Assert.Null(Register(4, "host:3").Error);
        Assert.Equal(ErrorType.StoreTombstone, Register(3).Error.Type);
        Assert.Contains("--force", Cancel(3).Error.Message);
        Assert.Equal(StoreCondition.Removing, Status(3).Condition);
    }

    [Fact]
    public void ARegionLeavesAStoreStepByStep()
    {
        var region = Bootstrap(3);
        Remove(3);
        var (one, two, three) = (region.Peers[0], region.Peers[1], region.Peers[2]);

        // The leader goes first, to whoever can take over.
        var step = Report(region, three, pending: [one]);
        Assert.Equal([two], step.TransferLeader.Peers);
        Assert.Equal(two, step.TransferLeader.Peer);
        Assert.Null(step.ChangePeerV2);

        // Nowhere to go.
        Assert.Null(Report(region, one).ChangePeerV2);
        Assert.Contains($"region {region.Id}: no store that is up is without a peer of it", Status(3).WaitsFor);

        Register(4);
        Register(5);
        _now += TimeSpan.FromSeconds(20);
        Beat(1);
        Beat(2);
        Beat(5);
        var added = Assert.Single(Report(region, one).ChangePeerV2.Changes);
        Assert.Equal((ConfChangeType.AddLearnerNode, 5ul), (added.ChangeType, added.Peer.StoreId));
        Assert.Equal((region.Id, region.RegionEpoch), (Report(region, one).RegionId, Report(region, one).RegionEpoch));
        Assert.Equal("", Status(3).WaitsFor);

        region = region.Clone();
        region.Peers.Add(added.Peer);
        region.RegionEpoch.ConfVer++;
        Assert.Null(Report(region, one, pending: [added.Peer]).ChangePeerV2);
        Assert.Contains("its new peer on store 5 has not caught up", Status(3).WaitsFor);
        var swap = Report(region, one).ChangePeerV2.Changes;
        Assert.Equal(
            [(ConfChangeType.AddNode, added.Peer.Id), (ConfChangeType.AddLearnerNode, three.Id)],
            swap.Select(c => (c.ChangeType, c.Peer.Id)));

        // Its leader leaves a joint configuration by itself.
        region = region.Clone();
        (region.Peers[2].Role, region.Peers[3].Role) = (PeerRole.DemotingVoter, PeerRole.IncomingVoter);
        region.RegionEpoch.ConfVer += 2;
        Assert.Null(Report(region, one).ChangePeerV2);

        region = region.Clone();
        (region.Peers[2].Role, region.Peers[3].Role) = (PeerRole.Learner, PeerRole.Voter);
        region.RegionEpoch.ConfVer += 2;
        var removed = Assert.Single(Report(region, one).ChangePeerV2.Changes);
        Assert.Equal((ConfChangeType.RemoveNode, three.Id), (removed.ChangeType, removed.Peer.Id));
        Beat(1);
        Assert.Equal(StoreCondition.Removing, Status(3).Condition);

        region = region.Clone();
        region.Peers.RemoveAt(2);
        region.RegionEpoch.ConfVer++;
        Assert.Null(Report(region, one).ChangePeerV2);
        Beat(1);
        Assert.Equal(StoreCondition.Tombstone, Status(3).Condition);
        Assert.Equal(1u, Status(5).Regions);
        Assert.Equal(1u, Status(1).Leaders);
    }

    [Fact]
    public void AStoreIsNoTombstoneWhileARegionHasNotReported()
    {
        var region = Bootstrap(4);
        Remove(4);
        var left = region.Clone();
        left.EndKey = ByteString.CopyFromUtf8("m");
        left.RegionEpoch.Version++;
        Report(left, left.Peers[0]);
        Beat(1);
        Assert.Equal(StoreCondition.Removing, Status(4).Condition);
        Assert.Contains("have not reported", Status(4).WaitsFor);
        var right = left.Clone();
        (right.Id, right.StartKey, right.EndKey) = (99, left.EndKey, ByteString.Empty);
        Report(right, right.Peers[0]);
        Beat(1);
        Assert.Equal(StoreCondition.Tombstone, Status(4).Condition);
    }

    [Fact]
    public void OnlySoManyRegionsMoveAtATime()
    {
        _pd = new PdState(Config with { ReplicaScheduleLimit = 1 }, ByteString.CopyFromUtf8("limited"));
        _journal.ForEach(_pd.Apply);
        Persist(_pd.Start([]));
        var region = Bootstrap(3);
        Register(4);
        var right = region.Clone();
        (right.Id, right.StartKey) = (99, ByteString.CopyFromUtf8("m"));
        right.RegionEpoch.Version++;
        region = region.Clone();
        region.EndKey = right.StartKey;
        region.RegionEpoch.Version++;
        Remove(3);
        Assert.NotNull(Report(region, region.Peers[0]).ChangePeerV2);
        Assert.Null(Report(right, right.Peers[0]).ChangePeerV2);
        Assert.NotNull(Report(region, region.Peers[0]).ChangePeerV2);
        // Of the first one nothing is heard any more.
        _now += TimeSpan.FromSeconds(61);
        Beat(4);
        Assert.NotNull(Report(right, right.Peers[0]).ChangePeerV2);
    }

    [Fact]
    public void ALearnerThatNothingNeedsGoes()
    {
        var region = Bootstrap(4).Clone();
        region.Peers.Add(new Peer { Id = 77, StoreId = 4, Role = PeerRole.Learner });
        region.RegionEpoch.ConfVer++;
        var change = Assert.Single(Report(region, region.Peers[0]).ChangePeerV2.Changes);
        Assert.Equal((ConfChangeType.RemoveNode, 77ul), (change.ChangeType, change.Peer.Id));
    }

    [Fact]
    public void OfARegionThatIsAsBeforeABeatIsEnough()
    {
        var region = Bootstrap(4);
        var leader = region.Peers[0];
        var beat = new RegionBeat { RegionId = region.Id, Epoch = region.RegionEpoch, LeaderId = leader.Id, Term = 6 };
        Assert.Equal([region.Id], Beats(beat).Wanted);
        Report(region, leader);
        var events = _journal.Count;
        Assert.Equal(new RegionBeatsResponse { Header = new ResponseHeader { ClusterId = Cluster } }, Beats(beat));
        Assert.Equal(events, _journal.Count);

        Remove(3);
        var step = Assert.Single(Beats(beat).Steps);
        Assert.Equal((region.Id, leader, region.RegionEpoch), (step.RegionId, step.TargetPeer, step.RegionEpoch));
        Assert.Equal(4ul, step.ChangePeerV2.Changes.Single().Peer.StoreId);

        foreach (var other in new[]
        {
            new RegionBeat(beat) { Term = 7 },
            new RegionBeat(beat) { LeaderId = region.Peers[1].Id },
            new RegionBeat(beat) { Epoch = new RegionEpoch { ConfVer = 2, Version = 1 } },
            new RegionBeat(beat) { RegionId = 99 },
        })
        {
            var answer = Beats(beat, other);
            Assert.Equal([other.RegionId], answer.Wanted);
            Assert.Single(answer.Steps);
        }

        Restart(throughSnapshot: true);
        Assert.Equal([region.Id], Beats(beat).Wanted);
    }

    // ---- PD

    private RegionBeatsResponse Beats(params IEnumerable<RegionBeat> beats) =>
        Ask<RegionBeatsResponse>(new RegionBeatsRequest { Header = Header, Beats = { beats } });

    private PdState New() => new(Config, ByteString.CopyFrom(_incarnations++));

    private void Persist(IEnumerable<IMessage> events)
    {
        foreach (var e in events)
        {
            _journal.Add(e);
            _pd.Apply(e);
        }
    }

    private void Restart(bool throughSnapshot)
    {
        var snapshot = _pd.ToSnapshot();
        _pd = New();
        if (throughSnapshot)
            _pd.Restore(PlacementSnapshot.Parser.ParseFrom(snapshot.ToByteArray()));
        else
            _journal.ForEach(_pd.Apply);
        Persist(_pd.Start([]));
    }

    private T Ask<T>(object request)
    {
        var decision = _pd.Process(request, _now, wall: 0)!.Value;
        Persist(decision.Events);
        _pd.ObserveLeaders();
        return Assert.IsType<T>(decision.Answer);
    }

    private ResponseHeader Register(ulong id, string? address = null, params IEnumerable<StoreLabel> labels)
    {
        var store = new Store { Id = id, Address = address ?? $"host:{id}", NodeState = NodeState.Serving, Labels = { labels } };
        return Ask<PutStoreResponse>(new PutStoreRequest { Header = Header, Store = store }).Header;
    }

    /// <summary>Registers stores from 1 on.</summary>
    /// <returns>The first region, on the first three.</returns>
    private Region Bootstrap(ulong stores)
    {
        for (ulong id = 1; id <= stores; id++)
            Assert.Null(Register(id).Error);
        return Ask<IsBootstrappedResponse>(new IsBootstrappedRequest { Header = Header }).FirstRegion;
    }

    private ResponseHeader Beat(ulong id) => Ask<StoreHeartbeatResponse>(
        new StoreHeartbeatRequest { Header = Header, Stats = new StoreStats { StoreId = id } }).Header;

    private ResponseHeader Remove(ulong id, bool destroyed = false) => Ask<RemoveStoreResponse>(
        new RemoveStoreRequest { Header = Header, StoreId = id, PhysicallyDestroyed = destroyed }).Header;

    private ResponseHeader Cancel(ulong id) =>
        Ask<CancelStoreRemovalResponse>(new CancelStoreRemovalRequest { Header = Header, StoreId = id }).Header;

    private StoreStatus Status(ulong id) =>
        Ask<GetStoreStatusResponse>(new GetStoreStatusRequest { Header = Header, StoreId = id }).Stores.Single();

    private RegionHeartbeatResponse Report(Region region, Peer leader, params IEnumerable<Peer> pending) =>
        Ask<RegionHeartbeatResponse>(new RegionHeartbeatRequest
        {
            Header = Header,
            Region = region,
            Leader = leader,
            Term = 6,
            PendingPeers = { pending },
        });
}
