using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Stands before a node's port as its network: connections can be cut, and bytes held up without anybody noticing.</summary>
internal sealed class Proxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Socket> _sockets = new();
    private volatile bool _silent;
    private volatile bool _refuses;
    private volatile TaskCompletionSource _reads;

    public Proxy()
    {
        TargetPort = FreePort();
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Gets all that passes, in both directions, if it is not null. Guarded by itself.</summary>
    public MemoryStream Recording { get; init; }

    /// <summary>What others dial.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What the node listens on.</summary>
    public int TargetPort { get; }

    public string Settings => $"akka.remote.dot-netty.tcp {{ port = {TargetPort}, public-hostname = \"127.0.0.1\", public-port = {Port} }}";

    /// <summary>Resets all connections; new ones are taken.</summary>
    public void Cut()
    {
        foreach (var socket in _sockets) socket.Close(0);
    }

    /// <summary>Takes no connections any more, and resets those there are.</summary>
    public void Refuse()
    {
        _refuses = true;
        Cut();
    }

    public void Accept() => _refuses = false;

    /// <summary>Swallows everything from now on, in both directions.</summary>
    public void GoSilent() => _silent = true;

    /// <summary>Leaves everything where it is: in the buffers of the sockets and of who writes into them.</summary>
    public void StopReading() => _reads = new TaskCompletionSource();

    public void Dispose()
    {
        _reads?.TrySetResult();
        _listener.Stop();
        Cut();
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint).Port;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket from;
            try
            {
                from = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
            if (_refuses) from.Close(0);
            else _ = ForwardAsync(from);
        }
    }

    private async Task ForwardAsync(Socket from)
    {
        var to = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(from);
        _sockets.Add(to);
        try
        {
            await to.ConnectAsync(IPAddress.Loopback, TargetPort);
            await Task.WhenAny(CopyAsync(from, to), CopyAsync(to, from));
        }
        catch (SocketException)
        {
            // The node is not there: for who dialled it looks the same.
        }
        from.Close(0);
        to.Close(0);
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is var count and > 0)
            {
                if (Recording != null)
                    lock (Recording) Recording.Write(buffer, 0, count);
                if (_reads is { } reading) await reading.Task;
                if (!_silent) await to.SendAsync(buffer.AsMemory(0, count));
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut; the caller closes both ends.
        }
    }
}
