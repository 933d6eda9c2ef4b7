using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Tests.Stores;

public sealed class PeerStatesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("actors-tests-");
    private readonly StoreEngines _engines;

    public PeerStatesTests() => _engines = StoreEngines.Open(Path.Combine(_folder.FullName, "store"));

    private DataEngine Engine => _engines.Data;

    public void Dispose()
    {
        _engines.Dispose();
        _folder.Delete(true);
    }

    private static Region RegionOf(ulong id, string start, string end) => new()
    {
        Id = id,
        StartKey = ByteString.CopyFromUtf8(start),
        EndKey = ByteString.CopyFromUtf8(end),
        RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 },
        Peers = { new Protocol.Metapb.Peer { Id = id + 100, StoreId = 1 }, new Protocol.Metapb.Peer { Id = id + 200, StoreId = 2 } },
    };

    private RegionLocalState Put(Region region, PeerState state, RaftApplyState? apply)
    {
        var local = new RegionLocalState { State = state, Region = region };
        using var batch = Engine.NewBatch();
        batch.PutRegionState(local);
        if (apply is not null)
            batch.PutApplyState(region.Id, apply);
        Engine.Write(batch);
        return local;
    }

    /// <summary>Its range may be another region's by now.</summary>
    [Fact]
    public void ACompletedDestructionIsNotStartedAgain()
    {
        Assert.Null(PeerStates.StartOf(Engine, 1, Put(RegionOf(1, "a", "m"), PeerState.Tombstone, null)));
        var pending = PeerStates.StartOf(Engine, 1, Put(RegionOf(2, "m", "z"), PeerState.Tombstone, RegionState.InitialApplyState()));
        Assert.Equal(102ul, pending!.Self.Id);
    }

    [Fact]
    public void PartsOfASplitThatNobodyHeardOfAreFound()
    {
        var known = new HashSet<ulong> { 1, 4 };
        Put(RegionOf(1, "m", "z"), PeerState.Normal, RegionState.InitialApplyState());
        Put(RegionOf(2, "a", "m"), PeerState.Normal, RegionState.InitialApplyState());
        Put(RegionOf(3, "z", ""), PeerState.Tombstone, null);
        Put(RegionOf(4, "", "a"), PeerState.Normal, RegionState.InitialApplyState());
        var unstarted = Assert.Single(PeerStates.Unstarted(Engine, 1, known));
        Assert.Equal((2ul, 102ul), (unstarted.RegionId, unstarted.Self.Id));
        Assert.Equal(RegionState.InitialLogIndex, unstarted.Apply!.AppliedIndex);
    }

    [Fact]
    public void ATombstoneHasTheRangeThatASplitLeftToTheRegion()
    {
        var seen = RegionOf(1, "a", "z");
        Put(RegionOf(1, "m", "z"), PeerState.Normal, RegionState.InitialApplyState());
        var tombstone = PeerStates.TombstoneOf(Engine, seen, seen.Peers[0]);
        Assert.Equal(PeerState.Tombstone, tombstone.State);
        Assert.Equal("m", tombstone.Region.StartKey.ToStringUtf8());
    }

    [Fact]
    public void APeerThatNeverHadDataTakesNoRangeFromWhatTheEngineHolds()
    {
        Put(RegionOf(1, "m", "z"), PeerState.Normal, RegionState.InitialApplyState());
        var tombstone = PeerStates.TombstoneOf(Engine, new Region { Id = 1 }, new Protocol.Metapb.Peer { Id = 7, StoreId = 1 });
        Assert.Null(tombstone.Region.RegionEpoch);
    }
}
