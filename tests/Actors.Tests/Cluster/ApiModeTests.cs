using System.Text;
using TiKvActors.Client;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>The same calls in each API mode; the client learns the mode from PD.</summary>
public sealed class ApiModeTests
{
    [Theory]
    [InlineData("v1", false)]
    [InlineData("v1ttl", true)]
    [InlineData("v2", true)]
    public async Task EveryModeServesAndKeepsItsDataOverARestart(string mode, bool hasTtl)
    {
        await using var cluster = await TestCluster.StartAsync(3, $"tikv.pd.api-version = {mode}");
        var endpoints = string.Join(',', cluster.Nodes.Select(n => $"127.0.0.1:{n.Port}"));
        await using (var client = await RawClient.ConnectAsync(endpoints))
        {
            await client.PutAsync(Bytes("a"), Bytes("1"));
            await client.BatchPutAsync([.. "bcdef".Select(c => new RawKeyValue(Bytes($"{c}"), Bytes($"batch {c}")))]);
            await client.PutAsync(Bytes("gone"), Bytes("soon"));
            await client.DeleteAsync(Bytes("gone"));
            if (hasTtl)
            {
                await client.PutAsync(Bytes("long"), Bytes("lives on"), TimeSpan.FromHours(1));
                await client.PutAsync(Bytes("short"), Bytes("expires"), TimeSpan.FromSeconds(1));
                await Eventually.TrueAsync(async () => await client.GetAsync(Bytes("short")) is null, "the short-lived key has expired");
            }
            else
            {
                var refused =
                    await Assert.ThrowsAnyAsync<TikvException>(() => client.PutAsync(Bytes("long"), Bytes("1"), TimeSpan.FromHours(1)));
                Assert.Contains("ttl is not enabled", refused.Message);
                Assert.Null(await client.GetAsync(Bytes("long")));
            }

            await EverythingIsThereAsync(client, hasTtl);
        }

        await cluster.AllReplicasAreEqualAsync();
        await Task.WhenAll(cluster.Nodes.Select(n => n.StopAsync()));
        foreach (var node in cluster.Nodes)
            node.Start();
        await cluster.LeaderOfAsync("a");

        await using var again = await RawClient.ConnectAsync(endpoints);
        await EverythingIsThereAsync(again, hasTtl);
        await again.PutAsync(Bytes("a"), Bytes("2"));
        Assert.Equal("2", Text(await again.GetAsync(Bytes("a"))));
    }

    private static async Task EverythingIsThereAsync(RawClient client, bool hasTtl)
    {
        Assert.Equal("1", Text(await client.GetAsync(Bytes("a"))));
        Assert.Null(await client.GetAsync(Bytes("gone")));
        var batch = await client.BatchGetAsync([Bytes("b"), Bytes("nothing"), Bytes("f")]);
        Assert.Equal(["batch b", null, "batch f"], batch.Select(Text));

        var pairs = new List<(string?, string?)>();
        await foreach (var pair in client.ScanAsync(default, default))
            pairs.Add((Text(pair.Key), Text(pair.Value)));
        List<(string?, string?)> expected = [("a", "1"), .. "bcdef".Select(c => ($"{c}", $"batch {c}"))];
        if (hasTtl)
            expected.Add(("long", "lives on"));
        Assert.Equal(expected, pairs);

        if (hasTtl)
        {
            Assert.InRange(
                (await client.GetTtlAsync(Bytes("long")))!.Value.Remaining!.Value, TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
            Assert.Null((await client.GetTtlAsync(Bytes("a")))!.Value.Remaining);
            Assert.Null(await client.GetTtlAsync(Bytes("short")));
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string? Text(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);
}
