using TiKvActors.Client.Calls;
using TiKvActors.Client.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Client.Tests.Regions;

public class RegionErrorPolicyTests
{
    private readonly RegionCache _cache = new();
    private readonly Region _region = new()
    {
        Id = 7,
        RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 5 },
        Peers = { new Peer { Id = 71, StoreId = 1 }, new Peer { Id = 72, StoreId = 2 }, new Peer { Id = 73, StoreId = 3 } },
    };

    private readonly CachedRegion _cached;

    public RegionErrorPolicyTests()
    {
        _cached = CachedRegion.Create(APIVersion.V1, _region, _region.Peers[0])!;
        _cache.Insert(_cached);
    }

    private bool IsCached => _cache.Find(Google.Protobuf.ByteString.CopyFromUtf8("k")) == _cached;

    public static TheoryData<string> Fields =>
        [.. Error.Descriptor.Fields.InDeclarationOrder().Where(f => f.Name != "message").Select(f => f.Name)];

    [Theory, MemberData(nameof(Fields))]
    public void Every_error_has_a_reaction(string field)
    {
        var error = new Error { Message = "m" };
        var descriptor = Error.Descriptor.FindFieldByName(field);
        descriptor.Accessor.SetValue(error, Activator.CreateInstance(descriptor.MessageType.ClrType));
        var reaction = React(error);
        Assert.Equal(field == "undetermined_result", reaction.Verdict == RegionVerdict.OutcomeUnknown);
    }

    [Fact]
    public void A_new_leader_is_asked_at_once()
    {
        var reaction = React(RegionErrors.NotLeader(7, _region.Peers[2]));
        Assert.Equal(RegionReaction.TryAgain(null, Problem.NoLeader), reaction);
        Assert.Equal(73ul, _cached.Target.Id);
        Assert.True(IsCached);
    }

    [Fact]
    public void A_leader_that_is_no_known_peer_means_a_stale_cache()
    {
        React(RegionErrors.NotLeader(7, new Peer { Id = 99, StoreId = 4 }));
        Assert.False(IsCached);
    }

    [Fact]
    public void Without_leader_the_next_peer_is_asked_after_a_pause()
    {
        var reaction = React(RegionErrors.NotLeader(7, null));
        Assert.Equal(BackoffKind.NoLeader, reaction.Pause);
        Assert.Equal(72ul, _cached.Target.Id);
        Assert.True(IsCached);
    }

    [Fact]
    public void A_peer_that_names_itself_is_given_time()
    {
        Assert.Equal(BackoffKind.NoLeader, React(RegionErrors.NotLeader(7, _region.Peers[0])).Pause);
        Assert.Equal(71ul, _cached.Target.Id);
    }

    [Fact]
    public void After_a_split_the_new_regions_are_known_at_once()
    {
        var (left, right) = (_region.Clone(), _region.Clone());
        left.EndKey = right.StartKey = Google.Protobuf.ByteString.CopyFromUtf8("m");
        right.Id = 8;
        left.RegionEpoch.Version = right.RegionEpoch.Version = 6;
        Assert.Null(React(RegionErrors.EpochNotMatch(_region.RegionEpoch, [left, right])).Pause);
        Assert.Equal(7ul, _cache.Find(Google.Protobuf.ByteString.CopyFromUtf8("a"))!.Region.Id);
        Assert.Equal(8ul, _cache.Find(Google.Protobuf.ByteString.CopyFromUtf8("z"))!.Region.Id);
        Assert.Equal(1ul, _cache.Find(Google.Protobuf.ByteString.CopyFromUtf8("z"))!.Target.StoreId);
    }

    [Fact]
    public void A_store_that_is_behind_gets_time_to_catch_up()
    {
        var old = _region.Clone();
        old.RegionEpoch.Version = 4;
        Assert.Equal(BackoffKind.RegionMiss, React(RegionErrors.EpochNotMatch(_region.RegionEpoch, [old])).Pause);
        Assert.True(IsCached);
    }

    [Fact]
    public void An_epoch_error_without_regions_drops_the_region()
    {
        React(RegionErrors.EpochNotMatch(_region.RegionEpoch, []));
        Assert.False(IsCached);
    }

    [Fact]
    public void A_busy_store_says_how_long()
    {
        var reaction = React(RegionErrors.ServerIsBusy("full", TimeSpan.FromMilliseconds(700)));
        Assert.Equal(
            (BackoffKind.ServerIsBusy, TimeSpan.FromMilliseconds(700), Problem.ServerIsBusy),
            (reaction.Pause!.Value, reaction.AtLeast, reaction.Problem));
    }

    [Fact]
    public void Another_store_at_the_address_drops_both()
    {
        Assert.True(React(RegionErrors.StoreNotMatch(1, 5)).DropStore);
        Assert.False(IsCached);
    }

    [Fact]
    public void An_entry_that_is_too_large_is_the_callers_mistake() =>
        Assert.Equal(RegionVerdict.Invalid, React(RegionErrors.RaftEntryTooLarge(7, 10, 9)).Verdict);

    [Theory]
    [InlineData("region_not_found")]
    [InlineData("key_not_in_region")]
    [InlineData("mismatch_peer_id")]
    public void A_wrong_cache_is_dropped(string field)
    {
        Every_error_has_a_reaction(field);
        Assert.False(IsCached);
    }

    private RegionReaction React(Error error) => RegionErrorPolicy.React(error, _cached, _region.Peers[0], _cache, APIVersion.V1);
}
