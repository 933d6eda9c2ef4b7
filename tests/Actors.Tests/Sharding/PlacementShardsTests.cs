using FsCheck;
using FsCheck.Fluent;
using TiKvActors.Actors.Sharding;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Tests.Sharding;

public sealed class PlacementShardsTests
{
    private static readonly PlacementShards _four = new(4);

    /// <summary>Few different bytes and lengths around the prefix's, so that keys fall into one shard, or just not.</summary>
    private static readonly Gen<byte[]> _keys =
        Gen.Choose(0, 7).SelectMany(length => Gen.Elements<byte>(0, 1, (byte)'a', 0x7F, 0x80, 0xFE, 0xFF).ArrayOf(length));

    private static readonly Gen<Place> _places =
        from mode in Gen.Elements(KeyMode.Raw, KeyMode.Txn)
        from keyspace in Gen.Elements(0u, 1u, 0x00FFFFu, KeyspaceId.MaxValue)
        from key in _keys
        select new Place(mode, new KeyspaceId(keyspace), key);

    private sealed record Place(KeyMode Mode, KeyspaceId Keyspace, byte[] Key)
    {
        public string Shard => _four.ShardId(Mode, Keyspace, Key);

        public override string ToString() => $"{Mode} {Keyspace} {Convert.ToHexString(Key)}";
    }

    [Theory]
    [InlineData(KeyMode.Raw, 1u, "ab", "r00000161620000")]
    [InlineData(KeyMode.Raw, 0u, "", "r00000000000000")]
    [InlineData(KeyMode.Txn, 0xFFFFFFu, "abcdef", "xffffff61626364")]
    public void AnIdIsModeKeyspaceAndPrefix(KeyMode mode, uint keyspace, string key, string expected) =>
        Assert.Equal(expected, _four.ShardId(mode, new KeyspaceId(keyspace), System.Text.Encoding.UTF8.GetBytes(key)));

    [Fact]
    public void IdsHaveOneLengthAndTheOrderOfTheRegionKeys() => Holds(_places.Two(), pair =>
    {
        var (a, b) = pair;
        var ids = Math.Sign(string.CompareOrdinal(a.Shard, b.Shard));
        return a.Shard.Length == _four.IdLength && b.Shard.Length == _four.IdLength
            // Beyond the prefix keys of one shard are not told apart.
            && (ids == 0 || ids == Math.Sign(RegionKey(a).SequenceCompareTo(RegionKey(b))));
    });

    /// <summary>So all keys between a shard's start and one of its keys are in the shard: it is a range.</summary>
    [Fact]
    public void AShardBeginsWithItsSmallestKey() => Holds(_places.Two(), pair =>
    {
        var (place, other) = pair;
        var start = PlacementShards.StartOf(place.Shard).Span;
        var first = place with { Key = start.ToArray() };
        var isBefore = other.Key.AsSpan().SequenceCompareTo(start) < 0;
        return first.Shard == place.Shard
            && start.SequenceCompareTo(place.Key) <= 0
            && !(isBefore && (place with { Key = other.Key }).Shard == place.Shard);
    });

    [Fact]
    public void TheRegionKeyIsThatOfTheSmallestKey() => Holds(_places, place =>
    {
        var start = PlacementShards.StartOf(place.Shard).Span;
        var v1 = PlacementShards.RegionKeyOf(place.Shard, APIVersion.V1).Span;
        return PlacementShards.RegionKeyOf(place.Shard, APIVersion.V2).Span.SequenceEqual(RegionKey(place with { Key = start.ToArray() }))
            && v1.SequenceEqual(place.Mode == KeyMode.Raw ? start : Memcomparable.Encode(start));
    });

    [Fact]
    public void AnEntityIdBeginsWithItsShard() => Holds(_places.Zip(Gen.Elements("", "1", "a-b", "r00000061")), pair =>
    {
        var (place, name) = pair;
        var id = _four.EntityId(place.Mode, place.Keyspace, place.Key, name);
        return id.StartsWith(place.Shard, StringComparison.Ordinal) && id.EndsWith(name, StringComparison.Ordinal)
            && _four.ShardIdOf(id) == place.Shard;
    });

    [Theory]
    [InlineData("")]
    [InlineData("r00000061620000")]
    [InlineData("r00000061620000a")]
    [InlineData("r0000006162000-a")]
    [InlineData("R00000061620000-a")]
    [InlineData("z00000061620000-a")]
    [InlineData("r0000006162000A-a")]
    [InlineData("r0000006162000000-a")]
    public void WhatIsNoIdOfThisLengthHasNoShard(string id) => Assert.Null(_four.ShardIdOf(id));

    [Fact]
    public void WhatIsNoShardIsRefused() =>
        Assert.Contains("\"42\"", Assert.Throws<FormatException>(() => PlacementShards.RegionKeyOf("42", APIVersion.V2)).Message);

    [Theory]
    [InlineData(0)]
    [InlineData(PlacementShards.MaxPrefixBytes + 1)]
    public void ThePrefixHasBounds(int bytes) => Assert.Throws<ArgumentOutOfRangeException>(() => new PlacementShards(bytes));

    [Fact]
    public void TheExtractorKnowsEntitiesByTheirIds()
    {
        var id = _four.EntityId(KeyMode.Raw, KeyspaceId.Default, "ab"u8, "1");
        var extractor = new PlacementExtractor(_four, m => (m as string)?.Split(' ')[0], m => ((string)m).Split(' ')[1]);
        Assert.Equal((id, "hello"), (extractor.EntityId($"{id} hello"), extractor.EntityMessage($"{id} hello")));
        Assert.Equal("r00000061620000", extractor.ShardId(id));
        Assert.Empty(extractor.ShardId("elsewhere"));
        Assert.Null(extractor.EntityId(42));
        Assert.Equal(42, new PlacementExtractor(_four).EntityMessage(42));
    }

    /// <summary>As a request under API V2 has it.</summary>
    private static byte[] RegionKey(Place place)
    {
        var keyspace = place.Keyspace.Value;
        return Memcomparable.Encode([(byte)place.Mode, (byte)(keyspace >> 16), (byte)(keyspace >> 8), (byte)keyspace, .. place.Key]);
    }

    private static void Holds<T>(Gen<T> inputs, Func<T, bool> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(inputs.ToArbitrary(), property));
}
