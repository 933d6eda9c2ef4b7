using System.Net;
using System.Net.Sockets;
using TiKvActors.Host.Check;

namespace TiKvActors.Host.Tests.Check;

/// <summary>The relays before the stores of <c>tkv bench check</c>, with this process at both ends.</summary>
public sealed class StoreRelayTests : IAsyncLifetime
{
    private static readonly Party _client = Party.Client(1), _store = Party.Store(1);

    private readonly Network _network = new();
    private readonly TcpListener _target = new(IPAddress.Loopback, 0);
    private readonly StoreRelay _relay;

    public StoreRelayTests()
    {
        _target.Start();
        _relay = new StoreRelay(_network, 1, ((IPEndPoint)_target.LocalEndpoint).Port, OwnerOf);
    }

    [Fact]
    public async Task What_is_sent_during_a_cut_arrives_afterwards_and_the_other_way_stays_open()
    {
        var (dialling, accepted) = await ConnectAsync();
        var cut = new NetworkCut((from, to) => from == _client && to == _store, Resets: false);
        _network.Begin(cut);
        await dialling.SendAsync(new byte[] { 1 });
        await accepted.SendAsync(new byte[] { 2 });
        Assert.Equal(2, await ReadAsync(dialling));
        // Had it not been held, it would have been there before the answer's way back and forth.
        Assert.Equal(0, accepted.Available);
        _network.End(cut);
        Assert.Equal(1, await ReadAsync(accepted));
    }

    [Fact]
    public async Task Overlapping_cuts_end_one_by_one()
    {
        var (dialling, accepted) = await ConnectAsync();
        var cuts = Enumerable.Range(0, 2).Select(_ => new NetworkCut((from, to) => to == _store, Resets: false)).ToArray();
        foreach (var cut in cuts) _network.Begin(cut);
        _network.End(cuts[0]);
        await dialling.SendAsync(new byte[] { 1 });
        await accepted.SendAsync(new byte[] { 2 });
        Assert.Equal(2, await ReadAsync(dialling));
        Assert.Equal(0, accepted.Available);
        _network.End(cuts[1]);
        Assert.Equal(1, await ReadAsync(accepted));
    }

    [Fact]
    public async Task A_cut_with_resets_ends_connections_and_refuses_new_ones()
    {
        var (dialling, accepted) = await ConnectAsync();
        var cut = new NetworkCut((from, to) => from == _store && to == _client, Resets: true);
        _network.Begin(cut);
        Assert.Equal(-1, await ReadAsync(dialling));
        Assert.Equal(-1, await ReadAsync(accepted));
        Assert.Equal(-1, await DialAndReadAsync());
        _network.End(cut);
        var (again, there) = await ConnectAsync();
        await again.SendAsync(new byte[] { 3 });
        Assert.Equal(3, await ReadAsync(there));
    }

    [Fact]
    public async Task The_end_of_one_side_is_passed_on_behind_its_bytes_but_not_while_they_are_held()
    {
        var (dialling, accepted) = await ConnectAsync();
        var cut = new NetworkCut((from, to) => to == _client, Resets: false);
        _network.Begin(cut);
        await accepted.SendAsync(new byte[] { 5 });
        accepted.Close();
        await dialling.SendAsync(new byte[] { 6 });
        Assert.Equal(0, dialling.Available);
        _network.End(cut);
        Assert.Equal(5, await ReadAsync(dialling));
        Assert.Equal(-1, await ReadAsync(dialling));
    }

    [Fact]
    public async Task A_store_that_is_away_shows_as_a_connection_that_ends()
    {
        _target.Stop();
        Assert.Equal(-1, await DialAndReadAsync());
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _relay.DisposeAsync();
        _target.Dispose();
    }

    /// <summary>Both ends are here: the one that dials is the client.</summary>
    private Party? OwnerOf(int from, int to)
    {
        if (SocketOwners.Problem is null) Assert.Equal(Environment.ProcessId, SocketOwners.Find(from, to, [Environment.ProcessId]));
        return _client;
    }

    private async Task<(Socket Dialling, Socket Accepted)> ConnectAsync()
    {
        var accepting = _target.AcceptSocketAsync();
        return (await DialAsync(), await accepting);
    }

    private async Task<Socket> DialAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _relay.Port);
        return socket;
    }

    /// <returns>-1: the connection has ended, which may be as early as while it is made.</returns>
    private async Task<int> DialAndReadAsync()
    {
        try
        {
            using var socket = await DialAsync();
            return await ReadAsync(socket);
        }
        catch (SocketException)
        {
            return -1;
        }
    }

    /// <returns>-1: the connection has ended.</returns>
    private static async Task<int> ReadAsync(Socket socket)
    {
        var buffer = new byte[1];
        try
        {
            return await socket.ReceiveAsync(buffer) == 0 ? -1 : buffer[0];
        }
        catch (SocketException)
        {
            return -1;
        }
    }
}
