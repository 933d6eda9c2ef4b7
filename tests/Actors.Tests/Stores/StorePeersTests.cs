using Akka.Event;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Tests.Stores;

public sealed class StorePeersTests : IDisposable, IStoreHost<StorePeersTests.Handle>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("actors-tests-");
    private readonly StoreEngines _engines;
    private readonly RegionRanges _ranges = new();
    private readonly StorePeers<Handle> _peers;

    public StorePeersTests()
    {
        _engines = StoreEngines.Open(Path.Combine(_folder.FullName, "store"));
        _peers = new StorePeers<Handle>(
            this, _engines.Data, _ranges, new StoreSettings(Second, Second, Second, Second, 1, 1, 1, 1, Second, Second, Second), 1);
    }

    internal sealed record Handle(PeerStart Start);

    public void Dispose()
    {
        _engines.Dispose();
        _folder.Delete(true);
    }

    private static PeerStart StartOf(ulong id, string start, string end)
    {
        var region = new Region
        {
            Id = id,
            StartKey = ByteString.CopyFromUtf8(start),
            EndKey = ByteString.CopyFromUtf8(end),
            RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 },
            Peers = { new Protocol.Metapb.Peer { Id = id + 100, StoreId = 1 } },
        };
        return new PeerStart(
            id, region.Peers[0], new RegionLocalState { State = PeerState.Normal, Region = region }, RegionState.InitialApplyState());
    }

    /// <summary>The parent's peer failed before it could divide the ranges; it waits for its restart while its part starts.</summary>
    [Fact]
    public void APartThatIsFoundAfterItsParentsFailureDoesNotShareItsRange()
    {
        _peers.Start(StartOf(1, "", ""));
        _peers.Stopped(_peers.Find(1)!);
        _peers.StateRead(new FailedPeerState(1, StartOf(1, "m", ""), null, [StartOf(2, "", "m")]));
        Assert.NotNull(_peers.Find(2));
        Assert.Equal(["-m", "m-"], _ranges.Owned.Select(r => $"{r.StartKey.ToStringUtf8()}-{r.EndKey.ToStringUtf8()}")
            .Order(StringComparer.Ordinal));
    }

    /// <summary>Two peers failed together, and one of them had just split: the other's state is read first.</summary>
    [Fact]
    public void APartThatIsFoundAfterTheFailureOfAnotherRegionWaitsForItsParent()
    {
        _peers.Start(StartOf(1, "", "m"));
        _peers.Start(StartOf(3, "m", ""));
        _peers.Stopped(_peers.Find(1)!);
        _peers.Stopped(_peers.Find(3)!);
        _peers.StateRead(new FailedPeerState(3, StartOf(3, "m", ""), null, [StartOf(2, "", "e")]));
        Assert.Null(_peers.Find(2));
        _peers.StateRead(new FailedPeerState(1, StartOf(1, "e", "m"), null, [StartOf(2, "", "e")]));
        Assert.NotNull(_peers.Find(2));
        Assert.Equal(["-e", "e-m", "m-"], _ranges.Owned.Select(r => $"{r.StartKey.ToStringUtf8()}-{r.EndKey.ToStringUtf8()}")
            .Order(StringComparer.Ordinal));
    }

    TimeSpan IStoreHost<Handle>.Now => TimeSpan.Zero;

    ILoggingAdapter IStoreHost<Handle>.Log => NoLogger.Instance;

    Handle IStoreHost<Handle>.Start(PeerStart start) => new(start);

    void IStoreHost<Handle>.Stop(Handle peer)
    {
    }

    void IStoreHost<Handle>.Deliver(Handle peer, RaftMessage message)
    {
    }

    void IStoreHost<Handle>.UnregisterApplier(ulong regionId)
    {
    }

    void IStoreHost<Handle>.ReadStateOfFailed(ulong regionId, IReadOnlySet<ulong> known)
    {
    }

    void IStoreHost<Handle>.RestartLater(PeerStart start, TimeSpan backoff)
    {
    }
}
