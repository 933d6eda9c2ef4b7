namespace TiKvActors.Client.Tests.Matrix;

/// <summary>An operation of the client with its arguments, and what a success must have left in the cluster.</summary>
/// <param name="Regions">Whose answers it needs.</param>
/// <param name="IsConditional">Not tried again once an answer was lost.</param>
internal sealed record Operation(
    string Name, int Regions, bool IsWrite, bool IsConditional, Func<RawClient, AdminClient, CancellationToken, Task> Invoke,
    Action<FakeCluster> Check)
{
    public static IReadOnlyList<Operation> All { get; } =
    [
        Read("get", 1, async (client, c) => Assert.Equal("old-a", (await client.GetAsync("a".B(), c).ConfigureAwait(false)).S())),
        Read("ttl", 1, async (client, c) => Assert.NotNull(await client.GetTtlAsync("a".B(), c).ConfigureAwait(false))),
        Read("batch get", 2, async (client, c) => Assert.Equal(
            ["old-a", null, "old-x"],
            (await client.BatchGetAsync(["a".B(), "c".B(), "x".B()], c).ConfigureAwait(false)).Select(v => v.S()))),
        Read("scan", 2, async (client, c) => Assert.Equal("abxy", await KeysAsync(client, false, c).ConfigureAwait(false))),
        Read("reverse scan", 2, async (client, c) => Assert.Equal("yxba", await KeysAsync(client, true, c).ConfigureAwait(false))),
        Read(
            "checksum", 2,
            async (client, c) => Assert.Equal(4ul, (await client.ChecksumAsync(default, default, c).ConfigureAwait(false)).TotalKeys)),
        Write("put", 1, (client, c) => client.PutAsync("a".B(), "new".B(), null, c), cluster => Assert.Equal("new", cluster.Value("a"))),
        Write("delete", 1, (client, c) => client.DeleteAsync("a".B(), c), cluster => Assert.Null(cluster.Value("a"))),
        Write("batch put", 2, (client, c) => client.BatchPutAsync([new("a".B(), "1".B()), new("x".B(), "2".B())], null, c),
            cluster => Assert.Equal(("1", "2"), (cluster.Value("a"), cluster.Value("x")))),
        Write(
            "batch delete", 2, (client, c) => client.BatchDeleteAsync(["a".B(), "x".B()], c),
            cluster => Assert.Equal((null, null), (cluster.Value("a"), cluster.Value("x")))),
        Write(
            "delete range", 2, (client, c) => client.DeleteRangeAsync(default, default, c),
            cluster => Assert.Equal((null, null), (cluster.Value("a"), cluster.Value("x")))),
        new("compare-and-swap", 1, true, true, async (client, _, c) =>
        {
            var result = await client.CompareAndSwapAsync("a".B(), "old-a".B(), "new".B(), null, c).ConfigureAwait(false);
            Assert.Equal((true, "old-a"), (result.Swapped, result.Previous.S()));
        }, cluster => Assert.Equal("new", cluster.Value("a"))),
        new("split", 1, true, true, (_, admin, c) => admin.SplitRegionAsync("c".B(), c), _ => { }),
        new(
            "list of stores", 0, false, false,
            async (_, admin, c) => Assert.Equal(3, (await admin.ListStoresAsync(c).ConfigureAwait(false)).Count), _ => { }),
        new(
            "list of regions", 0, false, false,
            async (_, admin, c) => Assert.Equal(2, (await admin.ListRegionsAsync(c).ConfigureAwait(false)).Count), _ => { }),
        new(
            "region of a key", 0, false, false,
            async (_, admin, c) => Assert.Equal(1ul, (await admin.GetRegionOfKeyAsync("a".B(), c).ConfigureAwait(false))!.Region.Id),
            _ => { }),
    ];

    /// <summary>Those that ask stores.</summary>
    public static TheoryData<string> OfRegions => [.. All.Where(o => o.Regions > 0).Select(o => o.Name)];

    public static TheoryData<string> Every => [.. All.Select(o => o.Name)];

    public static Operation Of(string name) => All.Single(o => o.Name == name);

    public override string ToString() => Name;

    private static Operation Read(string name, int regions, Func<RawClient, CancellationToken, Task> invoke) =>
        new(name, regions, false, false, (client, _, c) => invoke(client, c), _ => { });

    private static Operation Write(string name, int regions, Func<RawClient, CancellationToken, Task> invoke, Action<FakeCluster> check) =>
        new(name, regions, true, false, (client, _, c) => invoke(client, c), check);

    private static async Task<string> KeysAsync(RawClient client, bool reverse, CancellationToken cancellation)
    {
        var keys = "";
        await foreach (var pair in client.ScanAsync(default, default, new RawScanOptions { Reverse = reverse }, cancellation)
            .ConfigureAwait(false))
            keys += pair.Key.S();
        return keys;
    }
}
