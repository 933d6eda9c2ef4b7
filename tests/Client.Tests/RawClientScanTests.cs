using FsCheck;
using FsCheck.Fluent;

namespace TiKvActors.Client.Tests;

public class RawClientScanTests
{
    private const string Alphabet = "abcdefghij";

    [Theory]
    [InlineData("", "", false, null, "abcdefghij")]
    [InlineData("c", "g", false, null, "cdef")]
    [InlineData("c", "g", true, null, "fedc")]
    [InlineData("", "", true, null, "jihgfedcba")]
    [InlineData("", "c", true, null, "ba")]
    [InlineData("h", "", false, null, "hij")]
    [InlineData("", "", false, 4, "abcd")]
    [InlineData("", "", true, 4, "jihg")]
    [InlineData("d", "d", false, null, "")]
    [InlineData("d", "d", true, null, "")]
    public async Task Scans_both_ways_across_regions(string start, string end, bool reverse, int? limit, string expected)
    {
        var cluster = new FakeCluster();
        await using var client = await FilledAsync(cluster, "");
        cluster.Split("d");
        cluster.Split("dd");        // an empty region
        cluster.Split("f");
        var pairs = await client.ScanAsync(start.B(), end.B(), new RawScanOptions { Reverse = reverse, Limit = limit }).ToListAsync();
        Assert.Equal(expected, string.Concat(pairs.Select(p => p.Key.S())));
        Assert.All(pairs, p => Assert.Equal("v" + p.Key.S(), p.Value.S()));
    }

    [Fact]
    public async Task Regions_pages_and_short_responses_make_no_difference()
    {
        var splits = Gen.Elements(Alphabet.ToCharArray()).ListOf().Select(list => list.Distinct().ToList());
        var cases = splits.SelectMany(_ => Gen.Choose(1, 4), (split, page) => (split, page))
            .SelectMany(_ => Gen.Choose(1, 4), (c, cut) => (c.split, c.page, cut)).ToArbitrary();
        var found = new List<(List<char> Splits, int Page, int Cut)>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(cases, c =>
        {
            found.Add(c);
            return true;
        }));
        foreach (var (split, page, cut) in found)
        {
            var cluster = new FakeCluster { CutScansAt = cut };
            await using var client = await FilledAsync(cluster, $"tikv.client.scan-page = {page}");
            foreach (var key in split)
                cluster.Split(key.ToString());
            foreach (var reverse in new[] { false, true })
            {
                var keys = await client.ScanAsync("b".B(), "i".B(), new RawScanOptions { Reverse = reverse }).Select(p => p.Key.S())
                    .ToListAsync();
                Assert.Equal(reverse ? "hgfedcb" : "bcdefgh", string.Concat(keys));
            }
        }
    }

    [Fact]
    public async Task A_region_that_splits_under_a_scan_is_continued_in_its_parts()
    {
        var cluster = new FakeCluster();
        await using var client = await FilledAsync(cluster, "tikv.client.scan-page = 2");
        var keys = "";
        await foreach (var pair in client.ScanAsync(default, default))
        {
            keys += pair.Key.S();
            if (keys.Length is 1 or 5)
                cluster.Split(keys.Length == 1 ? "d" : "g");
        }
        Assert.Equal(Alphabet, keys);
    }

    private static async Task<RawClient> FilledAsync(FakeCluster cluster, string config)
    {
        var client = await cluster.ConnectAsync(config);
        await client.BatchPutAsync([.. Alphabet.Select(c => new RawKeyValue(c.ToString().B(), ("v" + c).B()))]);
        return client;
    }
}
