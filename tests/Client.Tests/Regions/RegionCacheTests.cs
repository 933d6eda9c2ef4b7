using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using TiKvActors.Client.Regions;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Client.Tests.Regions;

public class RegionCacheTests
{
    private readonly RegionCache _cache = new();

    [Fact]
    public void Finds_the_region_of_a_key()
    {
        var (left, right) = (Insert(1, "", "m", 2), Insert(2, "m", "t", 2));
        Assert.Same(left, _cache.Find(Key("a")));
        Assert.Same(left, _cache.Find(Key("")));
        Assert.Same(right, _cache.Find(Key("m")));
        Assert.Same(right, _cache.Find(Key("szz")));
        Assert.Null(_cache.Find(Key("t")));
    }

    [Fact]
    public void Finds_the_region_below_an_end()
    {
        var (left, right) = (Insert(1, "b", "m", 2), Insert(2, "m", "t", 2));
        Assert.Same(left, _cache.FindBelow(Key("m")));
        Assert.Same(right, _cache.FindBelow(Key("n")));
        Assert.Same(right, _cache.FindBelow(Key("t")));
        Assert.Null(_cache.FindBelow(Key("tt")));
        Assert.Null(_cache.FindBelow(Key("b")));
        Assert.Null(_cache.FindBelow(ByteString.Empty));
        var last = Insert(3, "t", "", 2);
        Assert.Same(last, _cache.FindBelow(ByteString.Empty));
        Assert.Same(last, _cache.FindBelow(Key("z")));
    }

    [Fact]
    public void A_split_replaces_its_origin()
    {
        Insert(1, "", "", 1);
        var right = Insert(2, "m", "", 2);
        Assert.Null(_cache.Find(Key("a")));
        var left = Insert(1, "", "m", 2);
        Assert.Same(left, _cache.Find(Key("a")));
        Assert.Same(right, _cache.Find(Key("z")));
    }

    [Fact]
    public void A_stale_region_does_not_come_back()
    {
        Insert(1, "", "m", 2);
        Insert(2, "m", "", 2);
        Assert.False(_cache.Insert(Make(1, "", "", 1)));
        Assert.Equal(2, _cache.Count);
    }

    [Fact]
    public void Of_the_same_version_the_newer_configuration_counts()
    {
        Insert(1, "", "", 1, confVer: 3);
        Assert.False(_cache.Insert(Make(1, "", "", 1, confVer: 2)));
        Assert.True(_cache.Insert(Make(1, "", "", 1, confVer: 4)));
        Assert.Equal(1, _cache.Count);
    }

    [Fact]
    public void Dropping_a_picture_leaves_a_newer_one()
    {
        var old = Insert(1, "", "", 1);
        var now = Insert(1, "", "", 2);
        _cache.Drop(old);
        Assert.Same(now, _cache.Find(Key("a")));
        _cache.Drop(now);
        Assert.Null(_cache.Find(Key("a")));
    }

    [Fact]
    public void Regions_never_overlap_and_the_newest_wins()
    {
        var ranges = Gen.Choose(0, 20).Two().Where(pair => pair.Item1 < pair.Item2).ListOf().ToArbitrary();
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(ranges, list =>
        {
            var cache = new RegionCache();
            ulong version = 1;
            foreach (var (from, to) in list)
                Assert.True(cache.Insert(Make(version, Name(from), Name(to), version++)));
            for (var i = 0; i < 20; i++)
            {
                var expected = list.Select((range, n) => (range, n)).LastOrDefault(e => e.range.Item1 <= i && i < e.range.Item2);
                var stillWhole = expected.range.Item2 > 0
                    && !list.Skip(expected.n + 1).Any(r => r.Item1 < expected.range.Item2 && expected.range.Item1 < r.Item2);
                Assert.Equal(stillWhole ? (ulong)expected.n + 1 : null, cache.Find(Key(Name(i)))?.Region.Id);
            }
        }));
    }

    [Fact]
    public void Learners_are_not_asked_and_a_region_without_voters_is_none()
    {
        var region = new Region { Id = 1, RegionEpoch = new RegionEpoch(), Peers = { new Peer { Id = 1, Role = PeerRole.Learner } } };
        Assert.Null(CachedRegion.Create(APIVersion.V1, region, null));
        region.Peers.Add(new Peer { Id = 2 });
        region.Peers.Add(new Peer { Id = 3 });
        var cached = CachedRegion.Create(APIVersion.V1, region, null)!;
        Assert.Equal(2ul, cached.Target.Id);
        cached.TryAnotherThan(region.Peers[1]);
        Assert.Equal(3ul, cached.Target.Id);
        cached.TryAnotherThan(region.Peers[1]);     // somebody else moved on already
        Assert.Equal(3ul, cached.Target.Id);
        cached.TryAnotherThan(region.Peers[2]);
        Assert.Equal(2ul, cached.Target.Id);
    }

    private CachedRegion Insert(ulong id, string start, string end, ulong version, ulong confVer = 1)
    {
        var region = Make(id, start, end, version, confVer);
        Assert.True(_cache.Insert(region));
        return region;
    }

    private static CachedRegion Make(ulong id, string start, string end, ulong version, ulong confVer = 1) => CachedRegion.Create(
        APIVersion.V1,
        new Region
        {
            Id = id,
            StartKey = Key(start),
            EndKey = Key(end),
            RegionEpoch = new RegionEpoch { Version = version, ConfVer = confVer },
            Peers = { new Peer { Id = 10 * id, StoreId = 1 } },
        },
        null)!;

    private static string Name(int number) => ((char)('a' + number)).ToString();

    private static ByteString Key(string text) => ByteString.CopyFromUtf8(text);
}
