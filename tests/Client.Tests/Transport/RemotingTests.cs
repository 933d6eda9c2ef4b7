using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Akka.Configuration;

namespace TiKvActors.Client.Tests.Transport;

/// <summary>Clients through real remoting: connecting, what a node's end does to calls, and its return.</summary>
public sealed class RemotingTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly ReadOnlyMemory<byte> K = "k".B();

    private RemoteNode _node = null!;
    private FakeCluster _cluster = null!;

    public Task InitializeAsync()
    {
        _node = RemoteNode.Start(() => _cluster);
        _cluster = new FakeCluster { Addresses = [_node.Address, "127.0.0.1:1", "127.0.0.1:2"] };
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Every_kind_of_call_crosses()
    {
        await using var client = await RawClient.ConnectAsync(_node.Address);
        await client.PutAsync(K, "v".B());
        Assert.Equal("v", (await client.GetAsync(K)).S());
        Assert.True((await client.CompareAndSwapAsync(K, "v".B(), "w".B())).Swapped);
        Assert.Equal(new RawTtl(null), await client.GetTtlAsync(K));
        await client.BatchPutAsync([new("a".B(), "1".B()), new("b".B(), "2".B())]);
        Assert.Equal("abk", string.Concat(await client.ScanAsync(default, default).Select(p => p.Key.S()).ToListAsync()));
        Assert.Equal(3ul, (await client.ChecksumAsync(default, default)).TotalKeys);
        await using var admin = await AdminClient.ConnectAsync(_node.Address);
        Assert.Single(await admin.ListRegionsAsync());
    }

    [Fact]
    public async Task The_largest_entry_crosses_both_ways()
    {
        await using var client = await RawClient.ConnectAsync(_node.Address);
        var value = new byte[8 * 1024 * 1024 - 1];
        new Random(1).NextBytes(value);
        await client.PutAsync(K, value);
        Assert.True((await client.GetAsync(K)).AsSpan().SequenceEqual(value));
    }

    [Fact]
    public async Task Many_calls_at_once_share_batches()
    {
        await using var client = await RawClient.ConnectAsync(_node.Address);
        await Task.WhenAll(Enumerable.Range(0, 2000).Select(i => client.PutAsync($"k{i:0000}".B(), "v".B()))).WaitAsync(Patience);
        Assert.Equal(2000, await client.ScanAsync(default, default).CountAsync());
    }

    [Fact]
    public async Task Where_nobody_listens_connecting_fails_soon_and_says_why()
    {
        using var unused = new TcpListener(IPAddress.Loopback, 0);
        unused.Start();
        var port = ((IPEndPoint)unused.LocalEndpoint).Port;
        unused.Stop();
        var stopwatch = Stopwatch.StartNew();
        var e = await Assert.ThrowsAsync<ConnectionFailedException>(
            () => RawClient.ConnectAsync($"127.0.0.1:{port}", new RawClientOptions { ConnectTimeout = Patience }));
        Assert.Contains($"no answer from 127.0.0.1:{port}", e.Message);
        Assert.True(stopwatch.Elapsed < Patience, $"a refused connection took {stopwatch.Elapsed}");
    }

    [Fact]
    public async Task A_node_does_not_answer_to_a_name_that_is_not_its_own()
    {
        var endpoint = _node.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        var e = await Assert.ThrowsAsync<ConnectionFailedException>(
            () => RawClient.ConnectAsync(endpoint, new RawClientOptions { ConnectTimeout = TimeSpan.FromSeconds(1) }));
        Assert.Contains("a message to localhost is not for a node named 127.0.0.1", e.Message);
    }

    [Fact]
    public async Task The_end_of_a_node_is_noticed_long_before_the_attempt_times_out()
    {
        var options = new RawClientOptions
        {
            Config = ConfigurationFactory.ParseString("tikv.client { attempt-timeout = 60s, slow-attempt-timeout = 60s }"),
            CallTimeout = TimeSpan.FromSeconds(3)
        };
        await using var client = await RawClient.ConnectAsync(_node.Address, options);
        await client.PutAsync(K, "v".B());
        var arrived = new CountdownEvent(3);
        _cluster.OnKv = async (_, _, delivery, _) =>
        {
            delivery.TryLeave();
            arrived.Signal();
            await Task.Delay(Timeout.Infinite);
            return null;
        };
        var (get, put, swap) = (client.GetAsync(K), client.PutAsync(K, K), client.CompareAndSwapAsync(K, null, K));
        await Task.Run(() => arrived.Wait(Patience));
        await _node.KillAsync();
        await Assert.ThrowsAsync<UndeterminedException>(() => swap.WaitAsync(Patience));
        await Assert.ThrowsAsync<UndeterminedException>(() => put.WaitAsync(Patience));
        await Assert.ThrowsAsync<RegionUnavailableException>(() => get.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_compare_and_swap_that_finds_no_connection_is_not_undetermined()
    {
        _cluster.Lead(0, 2);
        // No time-out may decide: what one ends before remoting has reported the refused connection is undetermined by right.
        var options = new RawClientOptions
        {
            Config = ConfigurationFactory.ParseString("tikv.client.attempt-timeout = 60s"),
            CallTimeout = TimeSpan.FromSeconds(60)
        };
        await using var client = await RawClient.ConnectAsync(_node.Address, options);
        var swap = client.CompareAndSwapAsync(K, null, K);
        // Between two of its questions to the node that is there it has tried the two that are not.
        await Task.Run(() => SpinWait.SpinUntil(() => swap.IsCompleted || _cluster.KvRequests.Count >= 3, Patience));
        Assert.False(swap.IsCompleted, swap.Exception?.Message);
        Assert.InRange(_cluster.KvRequests.Count, 3, int.MaxValue);
        _cluster.Lead(0, 1);
        Assert.True((await swap.WaitAsync(Patience)).Swapped);
    }

    [Fact]
    public async Task A_node_that_returns_is_used_again()
    {
        await using var client = await RawClient.ConnectAsync(_node.Address);
        await client.PutAsync(K, "v".B());
        var port = int.Parse(_node.Address.Split(':')[1]);
        await _node.KillAsync();
        var get = client.GetAsync(K);
        _node = RemoteNode.Start(() => _cluster, port);
        Assert.Equal("v", (await get.WaitAsync(Patience)).S());
    }

    [Fact]
    public async Task Clients_may_share_an_applications_actor_system()
    {
        var config = ConfigurationFactory.ParseString(
            """akka { loglevel = OFF, actor.provider = remote, remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 } }""");
        var system = Akka.Actor.ActorSystem.Create("application", config.WithFallback(RawClient.ReferenceConfig));
        var client = await RawClient.ConnectAsync(system, _node.Address);
        await client.PutAsync(K, "v".B());
        await client.DisposeAsync();
        Assert.False(system.WhenTerminated.IsCompleted);
        await using var second = await RawClient.ConnectAsync(system, _node.Address);
        Assert.Equal("v", (await second.GetAsync(K)).S());
        await system.Terminate();
    }
}
