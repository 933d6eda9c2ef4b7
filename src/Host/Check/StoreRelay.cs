using System.Net;
using System.Net.Sockets;

namespace TiKvActors.Host.Check;

/// <summary>
/// What everybody dials to reach one store: passes bytes on, or holds them while the network is cut between the two. What is held is not
/// read, so the sender's buffers fill as they do before a cable that is pulled; afterwards everything arrives, late.
/// </summary>
internal sealed class StoreRelay : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly Network _network;
    private readonly Party _store;
    private readonly IPEndPoint _target;
    private readonly Func<int, int, Party?> _ownerOf;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;
    private readonly Lock _gate = new();
    private readonly HashSet<Connection> _connections = [];
    private readonly Task _accepting;

    /// <param name="ownerOf">Whose connection it is that comes from the first port to the second.</param>
    public StoreRelay(Network network, int store, int targetPort, Func<int, int, Party?> ownerOf)
    {
        _network = network;
        _stopped = _stop.Token;
        _store = Party.Store(store);
        _target = new IPEndPoint(IPAddress.Loopback, targetPort);
        _ownerOf = ownerOf;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        network.CutBegun += OnCut;
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port { get; }

    public async ValueTask DisposeAsync()
    {
        _network.CutBegun -= OnCut;
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var connection in Connections()) connection.Reset();
        _stop.Dispose();
    }

    private Connection[] Connections()
    {
        lock (_gate) return [.. _connections];
    }

    private void OnCut(NetworkCut cut)
    {
        if (!cut.Resets) return;
        foreach (var connection in Connections())
            if (connection.Client is { } client && (cut.Holds(client, _store) || cut.Holds(_store, client))) connection.Reset();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync(_stopped));
        }
        catch (Exception e) when (_stopped.IsCancellationRequested
            && e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket accepted)
    {
        using var connection = new Connection(accepted, Owner(accepted));
        lock (_gate) _connections.Add(connection);
        try
        {
            var client = connection.Client;
            if (client is { } known && _network.Refuses(known, _store)) return;
            await _network.ReachesAsync(client, _store, _stopped);
            await connection.Upstream.ConnectAsync(_target, _stopped);
            await Task.WhenAll(
                PumpAsync(connection.Downstream, connection.Upstream, () => _network.ReachesAsync(client, _store, _stopped)),
                PumpAsync(connection.Upstream, connection.Downstream, () => _network.ReachesAsync(_store, client, _stopped)));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Nobody listens there, or it was reset: the reset that follows tells the other end.
        }
        finally
        {
            lock (_gate) _connections.Remove(connection);
            connection.Reset();
        }
    }

    private Party? Owner(Socket accepted) => accepted.RemoteEndPoint is IPEndPoint from ? _ownerOf(from.Port, Port) : null;

    /// <summary>Until the sender's end, which is passed on like its bytes: not while they are held.</summary>
    private static async Task PumpAsync(Socket from, Socket to, Func<Task> reaches)
    {
        var buffer = new byte[BufferBytes];
        while (true)
        {
            await reaches();
            var count = await ReceiveAsync(from, buffer);
            await reaches();
            if (count == 0) break;
            for (var sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
        }

        to.Shutdown(SocketShutdown.Send);
    }

    /// <returns>0: the end, whatever kind.</returns>
    private static async Task<int> ReceiveAsync(Socket from, byte[] buffer)
    {
        try
        {
            return await from.ReceiveAsync(buffer);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private sealed class Connection(Socket downstream, Party? client) : IDisposable
    {
        public Socket Downstream { get; } = Prepare(downstream);

        public Socket Upstream { get; } = Prepare(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));

        public Party? Client => client;

        public void Reset()
        {
            Downstream.Close(0);
            Upstream.Close(0);
        }

        public void Dispose() => Reset();

        private static Socket Prepare(Socket socket)
        {
            socket.NoDelay = true;
            return socket;
        }
    }
}
