using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Remote.Transport;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>A socket on a node's port that writes whatever a test wants: a greeting, halves of frames, garbage.</summary>
internal sealed class RawPeer : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static int _lastPort;

    private readonly Socket _socket;

    private RawPeer(Socket socket) => _socket = socket;

    public static async Task<RawPeer> ConnectAsync(Node node)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, node.Address.Port!.Value);
        return new RawPeer(socket);
    }

    /// <summary>Connected, greeted and welcomed as a system of its own.</summary>
    public static async Task<RawPeer> GreetAsync(Node node, Address origin = null)
    {
        var peer = await ConnectAsync(node);
        await peer.SendAsync(Greeting(node, origin ?? OtherAddress()));
        var welcome = await peer.ReadFrameAsync();
        Assert.Equal(FrameKind.Welcome, (FrameKind)welcome[0]);
        return peer;
    }

    public static Address OtherAddress() => new("akka.tcp", "Peer", "127.0.0.1", 1 + Interlocked.Increment(ref _lastPort));

    public static byte[] Greeting(Node node, Address origin, Address target = null)
    {
        using var to = new WireWriter(256);
        Frames.Hello(to, new Hello(origin, 1, target ?? node.Address, 1, 0, 128_000));
        return to.Written.ToArray();
    }

    /// <summary>A message from nobody, its names spelled out.</summary>
    public static byte[] Message(Node node, string path, int serializerId, string manifest, ReadOnlySpan<byte> payload)
    {
        using var header = new WireWriter(256);
        header.Var(Names.Unregistered);
        header.Text(new RootActorPath(node.Address) + path.TrimStart('/'));
        header.Var(Names.None);
        header.Var(Names.Define(0));
        header.Int32(serializerId);
        header.Text(manifest);
        using var frame = new WireWriter(256);
        var start = Frames.Begin(frame, FrameKind.Message);
        frame.Byte((byte)header.Length);
        frame.Byte((byte)(header.Length >> 8));
        frame.Bytes(header.Written.Span);
        frame.Bytes(payload);
        Frames.End(frame, start);
        return frame.Written.ToArray();
    }

    public static byte[] Text(Node node, string path, string text) => Message(node, path, 17, "S", System.Text.Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await _socket.SendAsync(bytes)..];
    }

    /// <summary>As <see cref="SendAsync"/>, to a node that may close the connection meanwhile.</summary>
    public async Task TrySendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await SendAsync(bytes);
        }
        catch (SocketException)
        {
            // Closed: that is what the node is to do.
        }
    }

    /// <summary>Kind and body.</summary>
    public async Task<byte[]> ReadFrameAsync()
    {
        var length = await ReadAsync(4);
        return await ReadAsync((int)Frames.LengthOf(length));
    }

    /// <summary>Done when the node has closed the connection or reset it.</summary>
    public async Task ClosedAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (await _socket.ReceiveAsync(buffer).WaitAsync(_patience) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset rather than closed.
        }
    }

    public void Reset() => _socket.Close(0);

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var more = await _socket.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(_patience);
            Assert.NotEqual(0, more);
            read += more;
        }
        return bytes;
    }
}
