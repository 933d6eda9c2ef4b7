using System.Net.Sockets;
using Akka.Event;

namespace Akka.Remote.Transport;

internal sealed partial class Association
{
    /// <summary>The attempt under way, or 0.</summary>
    private long _dialling;

    private CancellationTokenSource _dialCancellation;

    /// <summary>The attempt under way or the last one; never fails.</summary>
    private Task _dial = Task.CompletedTask;

    /// <summary>When the other end's own attempt is no longer waited for.</summary>
    private long _awaitedUntil;

    /// <summary>The newest attempt of the current incarnation that got through to here.</summary>
    private long _lastInboundAttempt;

    /// <summary>
    /// A greeting from there. Null accepts: the connection is this association's from now on, and the caller welcomes and starts it.
    /// When both ends dial at once, the attempt of the one with the smaller address stays.
    /// </summary>
    public Refusal TryAccept(Connection connection, Hello hello)
    {
        Connection replaced;
        lock (_lock)
        {
            if (_phase == Phase.Closed) return new Refusal(RefusalReason.ShuttingDown, "this system is shutting down");
            if (IsQuarantined(hello.Uid)) return new Refusal(RefusalReason.Quarantined, $"{hello.Origin} with UID {hello.Uid} is quarantined here until it is restarted");
            var known = _uid == hello.Uid;
            if (known && hello.Attempt <= _lastInboundAttempt) return new Refusal(RefusalReason.Redundant, "a later attempt was here first");
            if (_dialling != 0 && _remoting.DefaultAddress.CompareTo(RemoteAddress) < 0) return new Refusal(RefusalReason.Redundant, "this end dials as well");
            // It dialled before it accepted our connection, which therefore is the newer one.
            if (known && _connection is { IsInbound: false } ours && hello.Accepted < ours.AcceptedThere) return new Refusal(RefusalReason.Redundant, "a connection exists");
            CancelDial();
            replaced = Adopt(connection);
            _lastInboundAttempt = hello.Attempt;
        }
        Adopted(connection, replaced);
        return null;
    }

    /// <summary>The connection ended. Ignored if it is not the current one any more.</summary>
    /// <param name="cause">Null if the other end just closed it.</param>
    /// <param name="goodbye">What it said before, if it did.</param>
    public void ConnectionLost(Connection connection, Exception cause, DisassociateInfo? goodbye = null)
    {
        OutboundEnvelope[] lost;
        bool closing;
        lock (_lock)
        {
            if (_connection != connection) return;
            closing = _phase == Phase.Closed;
            lost = Disconnect();
            _hasShutDown = goodbye == DisassociateInfo.Shutdown;
            if (_hasShutDown) _system.Reset();
        }
        var local = _remoting.DefaultAddress;
        _remoting.Publish(new DisassociatedEvent(local, RemoteAddress, connection.IsInbound));
        if (!closing)
        {
            var text = $"The connection {Ending(cause, goodbye)}. {GateNotice}";
            if (cause != null) _remoting.Publish(new AssociationErrorEvent(new AkkaProtocolException(text, cause), local, RemoteAddress, connection.IsInbound, LogLevel.WarningLevel));
            else _remoting.Log.Log(goodbye == DisassociateInfo.Shutdown ? LogLevel.DebugLevel : LogLevel.WarningLevel, null, $"[{RemoteAddress}]: {text}");
            if (goodbye == DisassociateInfo.Quarantined) _remoting.Publish(new ThisActorSystemQuarantinedEvent(local, RemoteAddress));
            if (goodbye == DisassociateInfo.Shutdown) _remoting.AddressTerminated(RemoteAddress);
        }
        foreach (var message in lost) _remoting.DeadLetter(message);
    }

    private string GateNotice => $"Address is now gated for {_remoting.Settings.RetryGateClosedFor.TotalMilliseconds} ms, all messages to it are dead letters.";

    /// <summary>All that the connection has received is delivered; no successor has to wait for it.</summary>
    public void ReadingEnded(Connection connection)
    {
        lock (_lock)
        {
            if (_lastConnection == connection) _lastConnection = null;
        }
    }

    private static string Ending(Exception cause, DisassociateInfo? goodbye) => goodbye switch
    {
        DisassociateInfo.Shutdown => "ended: that system has shut down",
        DisassociateInfo.Quarantined => "ended: that system has quarantined this one",
        not null => "ended",
        _ => cause == null ? "was closed by the other end" : "failed: " + cause.Message
    };

    /// <summary>Whether the caller has to <see cref="Dial"/> now. Under the lock.</summary>
    private bool BeginDialIfNeeded()
    {
        if (_phase is not (Phase.Idle or Phase.Gated)) return false;
        _phase = Phase.Connecting;
        _dialling = _remoting.NextAttempt();
        return true;
    }

    private void Dial()
    {
        lock (_lock)
        {
            if (_dialling == 0) return;
            // Not disposed of: it is cancelled from outside, at any time.
            _dialCancellation = new CancellationTokenSource(_remoting.Tcp.ConnectTimeout + _remoting.HandshakeTimeout);
            _dial = DialAsync(_dialling, _dialCancellation);
        }
    }

    /// <summary>The attempt under way, if any, does not count any more. Under the lock.</summary>
    private void CancelDial()
    {
        _dialling = 0;
        _ = _dialCancellation?.CancelAsync();
        _dialCancellation = null;
    }

    private async Task DialAsync(long attempt, CancellationTokenSource cancellation)
    {
        // The caller is in the middle of a Tell, and has the lock.
        await Task.Yield();
        Connection connection = null;
        try
        {
            using (var connecting = CancellationTokenSource.CreateLinkedTokenSource(cancellation.Token))
            {
                connecting.CancelAfter(_remoting.Tcp.ConnectTimeout);
                connection = await Connection.DialAsync(RemoteAddress, _remoting, connecting.Token);
            }
            cancellation.CancelAfter(_remoting.HandshakeTimeout);
            await connection.GreetAsync(_remoting.Greeting(RemoteAddress, attempt), cancellation.Token);
            if (!TryAdoptDialled(connection, attempt)) connection.Dispose();
        }
        catch (Exception e)
        {
            connection?.Dispose();
            DialFailed(attempt, e);
        }
    }

    private bool TryAdoptDialled(Connection connection, long attempt)
    {
        Connection replaced = null;
        bool quarantined;
        lock (_lock)
        {
            if (_dialling != attempt) return false;
            _dialling = 0;
            _dialCancellation = null;
            quarantined = IsQuarantined(connection.PeerUid);
            if (!quarantined) replaced = Adopt(connection);
        }
        if (quarantined)
        {
            // In this order: nothing that comes in on it may be delivered.
            _remoting.CloseAfterGoodbye(connection, DisassociateInfo.Quarantined);
            connection.Start(this);
            DialFailed(0, new InvalidAssociationException($"{RemoteAddress} still has the quarantined UID {connection.PeerUid}; that system must be restarted"));
            return true;
        }
        Adopted(connection, replaced);
        connection.Start(this);
        return true;
    }

    /// <summary>Makes the connection the current one and returns the one before it. Under the lock.</summary>
    private Connection Adopt(Connection connection)
    {
        if (_uid != connection.PeerUid)
        {
            // Another incarnation: nothing that was meant for the one before is for this one.
            _system.Reset();
            var ordinary = _waiting.Where(m => !m.IsSystem).ToArray();
            _waiting.Clear();
            foreach (var message in ordinary) _waiting.Enqueue(message);
            _lastInboundAttempt = 0;
            _uid = connection.PeerUid;
        }
        // What the connection before had taken and not written is lost.
        _waitingBytes = _urgent.Concat(_waiting).Sum(m => (long)m.Size);
        _resend.Clear();
        var firstWaiting = _waiting.Where(m => m.IsSystem).Select(m => m.SystemSequence).DefaultIfEmpty(long.MaxValue).First();
        foreach (var message in _system.ToResend(firstWaiting)) _resend.Enqueue(message);
        var replaced = _connection;
        connection.Predecessor = _lastConnection;
        _connection = _lastConnection = connection;
        _hasShutDown = false;
        _phase = Phase.Active;
        _acknowledge = _system.LastDelivered;
        return replaced;
    }

    private void Adopted(Connection connection, Connection replaced)
    {
        if (replaced != null)
        {
            replaced.Dispose();
            _remoting.Publish(new DisassociatedEvent(_remoting.DefaultAddress, RemoteAddress, replaced.IsInbound));
        }
        _remoting.Publish(new AssociatedEvent(_remoting.DefaultAddress, RemoteAddress, connection.IsInbound));
    }

    /// <param name="attempt">0 if it is known to be the current one.</param>
    private void DialFailed(long attempt, Exception cause)
    {
        OutboundEnvelope[] lost;
        lock (_lock)
        {
            if (attempt != 0 && _dialling != attempt || _phase == Phase.Closed || _connection != null) return;
            _dialling = 0;
            _dialCancellation = null;
            if (cause is RefusedException { Refusal.Reason: RefusalReason.Redundant })
            {
                _awaitedUntil = Environment.TickCount64 + (long)_remoting.HandshakeTimeout.TotalMilliseconds;
                return;
            }
            lost = Disconnect();
        }
        var error = Describe(cause);
        _remoting.Publish(new AssociationErrorEvent(
            new InvalidAssociationException($"{error.Message}. {GateNotice}", error),
            _remoting.DefaultAddress, RemoteAddress, false, LogLevel.WarningLevel));
        if (cause is RefusedException { Refusal.Reason: RefusalReason.Quarantined })
            _remoting.Publish(new ThisActorSystemQuarantinedEvent(_remoting.DefaultAddress, RemoteAddress));
        foreach (var message in lost) _remoting.DeadLetter(message);
    }

    private Exception Describe(Exception cause) => cause switch
    {
        RefusedException refused => new InvalidAssociationException($"{RemoteAddress} refused the connection: {refused.Message}"),
        OperationCanceledException => new InvalidAssociationException($"{RemoteAddress} did not answer in time (akka.remote.dot-netty.tcp.connection-timeout, akka.remote.handshake-timeout)"),
        TlsException => new InvalidAssociationException($"{RemoteAddress}: {cause.Message}"),
        IOException when _remoting.Tls != null => new InvalidAssociationException($"{RemoteAddress}: {cause.Message} ({Tls.ClosedHint})"),
        EndOfStreamException => new InvalidAssociationException($"{RemoteAddress}: {cause.Message} ({Tls.EnabledHint})"),
        SocketException socket => new InvalidAssociationException($"{RemoteAddress} cannot be reached: {socket.Message}", socket),
        _ => cause
    };
}
