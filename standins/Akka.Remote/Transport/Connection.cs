using System.Net;
using System.Net.Sockets;
using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>
/// One TCP connection with its handshake, its reader and its writer. It belongs to an association from the end of the handshake on,
/// which tells it what to write and hears of its end exactly once.
/// </summary>
internal sealed partial class Connection : IDisposable
{
    private readonly Socket _socket;
    private Stream _stream;
    private readonly Remoting _remoting;
    private readonly FailureDetector _silence;
    private Association _association;
    private long _maximumOutboundFrame;
    private volatile bool _started;
    private int _disposed;

    public Connection(Socket socket, Remoting remoting, bool isInbound)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _remoting = remoting;
        IsInbound = isInbound;
        Peer = socket.RemoteEndPoint?.ToString() ?? "a closed socket";
        _silence = remoting.CreateTransportFailureDetector();
        _references = new OutboundReferences(remoting.DefaultAddress);
        _inbound = new InboundMessages(remoting);
    }

    /// <summary>Whether the other end dialled.</summary>
    public bool IsInbound { get; }

    /// <summary>The other end's socket address, for the log.</summary>
    public string Peer { get; }

    /// <summary>Incarnation of the other system, known after the handshake.</summary>
    public int PeerUid { get; private set; }

    /// <summary>How many connections the other end had accepted including this one; 0 for an inbound one.</summary>
    public long AcceptedThere { get; private set; }

    /// <summary>The dialling end's number of this connection.</summary>
    public long Attempt { get; private set; }

    /// <summary>The association's connection before this one. What it has received is delivered before anything from this one is.</summary>
    public Connection Predecessor { get; set; }

    public static async Task<Connection> DialAsync(Address remote, Remoting remoting, CancellationToken cancellation)
    {
        SocketException last = null;
        foreach (var address in await remoting.Tcp.Resolve(remote.Host, cancellation))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                remoting.Tcp.Apply(socket);
                await socket.ConnectAsync(new IPEndPoint(address, remote.Port ?? 0), cancellation);
                return new Connection(socket, remoting, isInbound: false);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                last = e;
            }
            catch (OperationCanceledException)
            {
                socket.Dispose();
                throw;
            }
        }
        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>The dialling end's half of the handshake.</summary>
    /// <exception cref="RefusedException">The other end does not want this connection.</exception>
    public async Task GreetAsync(Hello hello, CancellationToken cancellation)
    {
        await SecureAsync(hello.Target.Host, cancellation);
        await WriteNowAsync(to => Frames.Hello(to, hello), cancellation);
        var (kind, body) = await ReadHandshakeFrameAsync(cancellation);
        switch (kind)
        {
            case FrameKind.Welcome:
                var welcome = Frames.ReadWelcome(body);
                (PeerUid, AcceptedThere, Attempt) = (welcome.Uid, welcome.Accepted, hello.Attempt);
                _maximumOutboundFrame = Math.Min(_remoting.Tcp.MaximumFrameSize, welcome.MaximumFrame);
                break;
            case FrameKind.Refusal:
                throw new RefusedException(Frames.ReadRefusal(body));
            default:
                throw new MalformedFrameException($"an answer of kind {kind} to a greeting");
        }
    }

    /// <summary>The accepting end's half: waits for the greeting.</summary>
    public async Task<Hello> ReadHelloAsync(CancellationToken cancellation)
    {
        await SecureAsync(null, cancellation);
        var (kind, body) = await ReadHandshakeFrameAsync(cancellation);
        if (kind != FrameKind.Hello) throw new MalformedFrameException($"a frame of kind {kind} where a greeting must be");
        var hello = Frames.ReadHello(body);
        (PeerUid, Attempt) = (hello.Uid, hello.Attempt);
        _maximumOutboundFrame = Math.Min(_remoting.Tcp.MaximumFrameSize, hello.MaximumFrame);
        return hello;
    }

    public Task WelcomeAsync(Welcome welcome, CancellationToken cancellation) => WriteNowAsync(to => Frames.Welcome(to, welcome), cancellation);

    public async Task RefuseAsync(Refusal refusal, CancellationToken cancellation)
    {
        await WriteNowAsync(to => Frames.Refusal(to, refusal), cancellation);
        _socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>From here on everything goes through TLS, if that is on.</summary>
    private async ValueTask SecureAsync(string dialled, CancellationToken cancellation)
    {
        if (_remoting.Tls is { } tls) _stream = await tls.SecureAsync(_stream, dialled, cancellation);
    }

    /// <summary>The handshake is done: reads and writes for this association until the end.</summary>
    public void Start(Association association)
    {
        _association = association;
        _silence.HeartBeat();
        _started = true;
        Reading = ReadAsync();
        Pump();
    }

    /// <summary>Called now and then: keeps the connection alive and notices when the other end is not.</summary>
    public void Tick(long now)
    {
        if (!_started) return;
        if (!_silence.IsAvailable)
        {
            _association.ConnectionLost(this, new AkkaProtocolException($"nothing was heard from {Peer} for longer than akka.remote.transport-failure-detector allows"));
            Dispose();
        }
        else if (now - Volatile.Read(ref _lastWrite) >= _remoting.HeartbeatInterval.TotalMilliseconds)
        {
            _heartbeatDue = true;
            Pump();
        }
    }

    /// <summary>Cuts the connection. What is under way in either direction is lost.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _stream.Dispose();
    }
}

/// <summary>The other end answered a greeting with a refusal.</summary>
internal sealed class RefusedException : Exception
{
    public RefusedException(Refusal refusal) : base(refusal.Explanation) => Refusal = refusal;

    public Refusal Refusal { get; }
}
