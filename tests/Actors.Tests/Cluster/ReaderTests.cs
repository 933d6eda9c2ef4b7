using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Tests.Cluster;

public sealed class ReaderTests
{
    [Fact]
    public async Task AGetIsAnsweredWhileEveryReaderOfScansIsBusy()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.Client.PutAsync("a", "1");
        var leader = await cluster.LeaderOfAsync("a");
        var services = leader.Node.Tikv.Node!.Services!;
        using var release = new ManualResetEventSlim();
        var scans = Enumerable.Range(0, services.Settings.Store.ScanReaders).Select(_ => new HeldScan(leader.Status, release)).ToList();
        try
        {
            services.Router.Find(leader.Status.Region.Id)!.Tell(new RegionPeer.Submit(scans), ActorRefs.NoSender);
            await Eventually.TrueAsync(
                () => scans.TrueForAll(s => s.HasBegun),
                $"every reader of scans holds one ({string.Join("; ", scans.Select(s => s.Failure))})");
            var behind = new HeldScan(leader.Status, release);
            services.Router.Find(leader.Status.Region.Id)!.Tell(new RegionPeer.Submit([behind]), ActorRefs.NoSender);

            for (var i = 0; i < 20; i++)
            {
                await cluster.Client.PutAsync("a", $"{i}");
                Assert.Equal($"{i}", await cluster.Client.GetAsync("a"));
            }

            Assert.False(behind.HasBegun);
            release.Set();
            await Eventually.TrueAsync(() => behind.HasBegun, "the scan that waited goes on");
        }
        finally
        {
            release.Set();
        }
    }

    [Fact]
    public async Task AReadThatFindsDamageStopsThePeerAndAnotherStoreLeads()
    {
        await using var cluster = await TestCluster.StartAsync(3, "tikv.store.peer-restart-backoff = 1s");
        await cluster.Client.PutAsync("a", "1");
        var leader = await cluster.LeaderOfAsync("a");
        var (engines, router) = (leader.Node.Tikv.Engines, leader.Node.Tikv.Node!.Services!.Router);
        var peer = router.Find(leader.Status.Region.Id)!;
        var read = new DamagedRead(leader.Status);
        peer.Tell(new RegionPeer.Submit([read]), ActorRefs.NoSender);

        await Eventually.TrueAsync(() => read.Failure is not null, "the read is answered");
        Assert.Contains("could not be read: corruption in 000012.sst", read.Failure!.Message, StringComparison.Ordinal);
        await Eventually.TrueAsync(
            async () => (await cluster.LeaderOfAsync("a")).Status.Self.Id != leader.Status.Self.Id, "another peer leads");
        Assert.Equal("1", await cluster.Client.GetAsync("a"));
        await cluster.Client.PutAsync("a", "2");
        Assert.Contains(leader.Node.Log.Lines, l => l.Contains("its data cannot be read", StringComparison.Ordinal));
        await Eventually.TrueAsync(() => router.Find(leader.Status.Region.Id) is { } next && !next.Equals(peer), "the peer has come back");
        await cluster.AllReplicasAreEqualAsync();
        Assert.Same(engines, leader.Node.Tikv.Engines);
    }

    private sealed class DamagedRead(RegionPeer.Status leader) : ReadRequest(
        new Context { RegionId = leader.Region.Id, RegionEpoch = leader.Region.RegionEpoch, Peer = leader.Self }, TimeSpan.MaxValue)
    {
        private volatile Error? _failure;

        public Error? Failure => _failure;

        public override bool IsScan => false;

        public override Error? CheckKeys(Region region) => null;

        public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock) =>
            throw new Storage.CorruptionException("000012.sst", "made by a test");

        public override void Fail(Error error) => _failure = error;

        public override void FailRead(string why) => _failure = new Error { Message = why };
    }

    private sealed class HeldScan(RegionPeer.Status leader, ManualResetEventSlim release) : ReadRequest(
        new Context { RegionId = leader.Region.Id, RegionEpoch = leader.Region.RegionEpoch, Peer = leader.Self }, TimeSpan.MaxValue)
    {
        private volatile bool _hasBegun;

        public bool HasBegun => _hasBegun;

        public Error? Failure { get; private set; }

        public override bool IsScan => true;

        public override Error? CheckKeys(Region region) => null;

        public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock)
        {
            _hasBegun = true;
            release.Wait();
        }

        public override void Fail(Error error) => Failure = error;

        public override void FailRead(string why) => Failure = new Error { Message = why };
    }
}
