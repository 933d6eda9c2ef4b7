using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Remote.Transport;
using Akka.Remote.Transport.DotNetty;

namespace Akka.Remote;

/// <summary>The one transport there is: TCP. Owns the listening socket, the associations and their housekeeping.</summary>
internal sealed partial class Remoting : RemoteTransport
{
    private static readonly TimeSpan _housekeepingInterval = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<Address, Association> _associations = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly AkkaProtocolSettings _protocol;
    private readonly RateLimitedLog _overflows;
    private readonly RateLimitedLog _longQueues;
    private readonly int _uid;
    private Address _defaultAddress;
    private Socket _listener;
    private Timer _housekeeping;
    private int _ticking;
    private long _lastAttempt;
    private long _sequenceBases;

    public Remoting(ExtendedActorSystem system, RemoteActorRefProvider provider) : base(system, provider)
    {
        Settings = provider.RemoteSettings;
        Tcp = new TcpSettings(Settings.Config.GetConfig("akka.remote.dot-netty.tcp"), system.Settings.Setup.Get<DotNettySslSetup>().Value);
        Tls = Tcp.Tls == null ? null : new Tls(Tcp.Tls);
        Protocol = Tls == null ? "akka.tcp" : "akka.ssl.tcp";
        _protocol = new AkkaProtocolSettings(Settings.Config);
        _uid = AddressUidExtension.Uid(system);
        UseUntrustedMode = Settings.UntrustedMode;
        logRemoteLifeCycleEvents = Settings.RemoteLifecycleEventsLogLevel != "OFF";
        MaximumWaitingBytes = Math.Max(64L << 20, 4 * Tcp.MaximumFrameSize);
        _overflows = new RateLimitedLog(Log, LogLevel.WarningLevel);
        _longQueues = new RateLimitedLog(Log, LogLevel.WarningLevel);
        _rejections = new RateLimitedLog(Log, LogLevel.WarningLevel);
        _misdirected = new RateLimitedLog(Log, LogLevel.WarningLevel);
        _unreadable = new RateLimitedLog(Log, LogLevel.ErrorLevel);
    }

    public RemoteSettings Settings { get; }

    public TcpSettings Tcp { get; }

    /// <summary>Null: connections are not encrypted.</summary>
    public Tls Tls { get; }

    /// <summary>Of this system's address and of all that it can reach.</summary>
    public string Protocol { get; }

    public TimeSpan HandshakeTimeout => _protocol.HandshakeTimeout;

    public TimeSpan HeartbeatInterval => _protocol.TransportHeartBeatInterval;

    /// <summary>How much may wait for one other system, in bytes; more becomes dead letters.</summary>
    public long MaximumWaitingBytes { get; }

    public override Address DefaultAddress => _defaultAddress;

    public override ISet<Address> Addresses => _defaultAddress == null ? ImmutableHashSet<Address>.Empty : ImmutableHashSet.Create(_defaultAddress);

    /// <summary>Systems that are remembered, connected or not.</summary>
    public int AssociationCount => _associations.Count;

    private bool IsStopped => _stopped.IsCancellationRequested;

    public override void Start()
    {
        _listener = Bind();
        var port = Tcp.PublicPort != 0 ? Tcp.PublicPort : ((IPEndPoint)_listener.LocalEndPoint).Port;
        _defaultAddress = new Address(Protocol, System.Name, Tcp.PublicHostname, port);
    }

    /// <summary>The system is complete now: others may come in.</summary>
    public void Open()
    {
        _housekeeping = new Timer(_ => Tick(), null, _housekeepingInterval, _housekeepingInterval);
        Publish(new RemotingListenEvent([_defaultAddress]));
        _ = AcceptAsync();
    }

    /// <summary>Gives the port back; the system will not be opened.</summary>
    public void Close() => _listener.Dispose();

    public override async Task Shutdown()
    {
        if (IsStopped) return;
        await _stopped.CancelAsync();
        _listener?.Dispose();
        using var flush = new CancellationTokenSource(Settings.FlushWait);
        await Task.WhenAll(_associations.Values.Select(a => a.ShutdownAsync(flush.Token))).WaitAsync(Settings.ShutdownTimeout);
        if (_housekeeping != null) await _housekeeping.DisposeAsync();
        if (_defaultAddress != null) Publish(new RemotingShutdownEvent());
    }

    public override void Send(object message, IActorRef sender, RemoteActorRef recipient)
    {
        if (Settings.LogSend) Log.Debug("sending [{0}] to [{1}] from [{2}]", message, recipient, sender);
        var isSystem = message is ISystemMessage;
        if (!isSystem && AssociationOf(recipient) is null or { IsGated: true })
        {
            // Not worth serializing.
            DeadLetter(new OutboundEnvelope(recipient, sender, message, 0, null, null));
            return;
        }
        OutboundEnvelope envelope;
        try
        {
            envelope = Serialize(message, sender, recipient);
        }
        catch (Exception e) when (e is SerializationException or ArgumentException || isSystem)
        {
            Log.Error(e, "The message [{0}] for {1} cannot be serialized and is dropped", message.GetType(), recipient);
            return;
        }
        catch (Exception e)
        {
            envelope = OutboundEnvelope.Broken(recipient, sender, message, e);
        }
        // An association may be forgotten at any moment; then there is a new one, unless remoting is shutting down.
        while (AssociationOf(recipient) is { } association)
            if (isSystem ? association.TrySendSystem(envelope) : association.TrySend(envelope, urgent: message is RemoteWatcher.Heartbeat or RemoteWatcher.HeartbeatRsp or IUrgentMessage)) return;
        DeadLetter(envelope);
    }

    public override Address LocalAddressForRemote(Address remote)
    {
        if (remote.Protocol == Protocol && remote.Host != null && remote.Port != null) return _defaultAddress;
        throw new RemoteTransportException($"No transport is responsible for address [{remote}], only for {Protocol}://system@host:port");
    }

    public override void Quarantine(Address address, int? uid)
    {
        if (!IsStopped) AssociationFor(address)?.Quarantine(uid);
    }

    /// <summary>There is nothing to be commanded: the adapters that tests use for it are not part of this stand-in.</summary>
    public override Task<bool> ManagementCommand(object cmd) => Task.FromResult(false);

    public override Task<bool> ManagementCommand(object cmd, CancellationToken cancellationToken) => Task.FromResult(false);

    public FailureDetector CreateTransportFailureDetector() =>
        FailureDetectorLoader.Load(_protocol.TransportFailureDetectorImplementationClass, _protocol.TransportFailureDetectorConfig, System);

    public long NextAttempt() => Interlocked.Increment(ref _lastAttempt);

    /// <summary>Where a new association's sequence numbers begin, above all those before.</summary>
    public long NextSequenceBase() => Interlocked.Add(ref _sequenceBases, 1L << 32);

    public Hello Greeting(Address target, long attempt) => new(_defaultAddress, _uid, target, attempt, Interlocked.Read(ref _accepted), Tcp.MaximumFrameSize);

    public void Publish(RemotingLifecycleEvent happened)
    {
        System.EventStream.Publish(happened);
        if (Settings.Logs(happened.LogLevel())) Log.Log(happened.LogLevel(), null, happened.ToString());
    }

    /// <summary>System messages are nobody's letters.</summary>
    public void DeadLetter(in OutboundEnvelope lost)
    {
        if (lost.Message is not ISystemMessage) System.DeadLetters.Tell(new DeadLetter(lost.Message, lost.Sender ?? System.DeadLetters, lost.Recipient), ActorRefs.NoSender);
    }

    public void ReportOverflow(Address remote) =>
        _overflows.Write($"More than {MaximumWaitingBytes} bytes wait for {remote}; what else is sent there is dropped (dead letters)");

    public void ReportLongQueue(Address remote, int waiting) => _longQueues.Write($"{waiting} messages wait for {remote} (akka.remote.log-buffer-size-exceeding)");

    public void ReportOversized(in OutboundEnvelope message, long size, long limit) =>
        Log.Error("The message [{0}] for {1} needs a frame of {2} bytes, the limit is {3} (akka.remote.dot-netty.tcp.maximum-frame-size here and there); it is dropped",
            message.Message?.GetType(), message.Recipient, size, limit);

    /// <summary>The system there is gone for good: those who watch actors there hear of it.</summary>
    public void AddressTerminated(Address address) => AddressTerminatedTopic.Get(System).Publish(new AddressTerminated(address));

    /// <summary>For tests of what a killed process does to the others.</summary>
    public void CutAllConnections()
    {
        _listener.Dispose();
        foreach (var association in _associations.Values) association.Cut();
    }

    /// <summary>Ends a connection that no association has any more, within the time for flushing.</summary>
    public void CloseAfterGoodbye(Connection connection, DisassociateInfo info) => _ = CloseAfterGoodbyeAsync(connection, info);

    private async Task CloseAfterGoodbyeAsync(Connection connection, DisassociateInfo info)
    {
        try
        {
            await connection.SayGoodbye(info).WaitAsync(Settings.FlushWait);
            await connection.Reading.WaitAsync(Settings.FlushWait);
        }
        catch (TimeoutException)
        {
            Log.Debug("{0} does not read our goodbye", connection.Peer);
        }
        connection.Dispose();
    }

    private OutboundEnvelope Serialize(object message, IActorRef sender, RemoteActorRef recipient)
    {
        var serializer = System.Serialization.FindSerializerFor(message);
        var payload = Akka.Serialization.Serialization.WithTransport(System, (serializer, message), static s => s.serializer.ToBinary(s.message));
        return new OutboundEnvelope(recipient, sender, message, serializer.Identifier, Akka.Serialization.Serialization.ManifestFor(serializer, message), payload ?? []);
    }

    private Association AssociationOf(RemoteActorRef recipient)
    {
        var known = recipient.Association;
        if (known is { IsClosed: false }) return known;
        return recipient.Association = AssociationFor(recipient.Path.Address);
    }

    /// <summary>Null once remoting is shut down.</summary>
    private Association AssociationFor(Address remote)
    {
        if (IsStopped) return null;
        while (true)
        {
            var association = _associations.GetOrAdd(remote, static (address, remoting) => new Association(remoting, address), this);
            if (!association.IsClosed) return association;
            _associations.TryRemove(new KeyValuePair<Address, Association>(remote, association));
        }
    }

    private void Tick()
    {
        // A tick that takes long must not be overtaken by the next one.
        if (Interlocked.Exchange(ref _ticking, 1) == 1) return;
        try
        {
            var now = Environment.TickCount64;
            foreach (var (address, association) in _associations)
                if (!association.Tick(now)) _associations.TryRemove(new KeyValuePair<Address, Association>(address, association));
        }
        catch (Exception e)
        {
            Publish(new RemotingErrorEvent(e));
        }
        finally
        {
            Volatile.Write(ref _ticking, 0);
        }
    }

    private Socket Bind()
    {
        IPAddress address;
        if (Tcp.Hostname == null) address = Tcp.UseIpv6 ? IPAddress.IPv6Any : IPAddress.Any;
        else address = Tcp.Resolve(Tcp.Hostname).GetAwaiter().GetResult()[0];
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, Tcp.Port));
            socket.Listen(Tcp.Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new RemoteTransportException($"Cannot listen on {Tcp.Hostname ?? "every interface"}, port {Tcp.Port} (akka.remote.dot-netty.tcp.hostname and port): {e.Message}", e);
        }
    }
}
