using Akka.Actor;
using Akka.Event;

namespace Akka.Remote.Transport;

/*
   All that this system has to do with one other address: what waits for it, its connection if there is one, the incarnation
   last seen there, and whether that is quarantined.

            a message           welcome or a greeting from there
     Idle ------------> Connecting -----------------> Active
                          ^   |  cannot, refused         |  connection lost, goodbye, serializer broke, quarantine
        a message, once   |   v                          v
        the gate is open  +- Gated <---------------------+        Closed: the end (shutdown, or forgotten after a long silence)

   Gated: what is sent is a dead letter; system messages are kept. A greeting from there opens the gate at once.
   Everything is guarded by one lock, under which nothing foreign runs: events, dead letters and the log come after it.
*/
internal sealed partial class Association
{
    private enum Phase
    {
        Idle,
        Connecting,
        Active,
        Gated,
        Closed
    }

    private readonly Lock _lock = new();
    private readonly Remoting _remoting;
    private readonly SystemMessageDelivery _system;
    private readonly Queue<OutboundEnvelope> _urgent = new();
    private readonly Queue<OutboundEnvelope> _resend = new();
    private readonly Queue<OutboundEnvelope> _waiting = new();
    private Phase _phase;
    private Connection _connection;
    private Connection _lastConnection;
    private long _waitingBytes;
    private long _acknowledge;
    private long _gateOpensAt;
    private long _silentSince = Environment.TickCount64;
    private long _undeliveredSince;
    private int? _uid;
    private bool _hasShutDown;
    private int? _quarantinedUid;
    private long _quarantineEndsAt;

    public Association(Remoting remoting, Address remoteAddress)
    {
        _remoting = remoting;
        RemoteAddress = remoteAddress;
        _system = new SystemMessageDelivery(remoting.Settings.SysMsgBufferSize, remoting.NextSequenceBase());
    }

    public Address RemoteAddress { get; }

    /// <summary>Forgotten by remoting; another one has to be asked for.</summary>
    public bool IsClosed => _phase == Phase.Closed;

    /// <summary>Queues a message, or makes it a dead letter. False if this association is closed.</summary>
    public bool TrySend(OutboundEnvelope message, bool urgent)
    {
        var (dial, dropped, tooMuch, waiting) = (false, false, false, 0);
        Connection connection;
        lock (_lock)
        {
            if (_phase == Phase.Closed) return false;
            connection = _connection;
            if (IsGated)
            {
                dropped = true;
            }
            else if (_waitingBytes + message.Size > _remoting.MaximumWaitingBytes)
            {
                dropped = tooMuch = true;
            }
            else
            {
                (urgent ? _urgent : _waiting).Enqueue(message);
                _waitingBytes += message.Size;
                waiting = _waiting.Count;
                dial = BeginDialIfNeeded();
            }
        }
        if (dropped) _remoting.DeadLetter(message);
        if (tooMuch) _remoting.ReportOverflow(RemoteAddress);
        if (waiting > _remoting.Settings.LogBufferSizeExceeding) _remoting.ReportLongQueue(RemoteAddress, waiting);
        if (dial) Dial();
        else connection?.Pump();
        return true;
    }

    /// <summary>Queues a system message; it is kept until the other incarnation has acknowledged it. False if this association is closed.</summary>
    public bool TrySendSystem(OutboundEnvelope message)
    {
        var (dial, hopeless) = (false, false);
        Connection connection;
        lock (_lock)
        {
            if (_phase == Phase.Closed) return false;
            connection = _connection;
            if (!_system.TrySend(message, out var numbered))
            {
                hopeless = true;
            }
            else
            {
                if (_system.Unacknowledged == 1) _undeliveredSince = Environment.TickCount64;
                if (!IsGated)
                {
                    _waiting.Enqueue(numbered);
                    _waitingBytes += numbered.Size;
                    dial = BeginDialIfNeeded();
                }
            }
        }
        if (hopeless) GiveUp($"more than {_remoting.Settings.SysMsgBufferSize} system messages are not acknowledged (akka.remote.system-message-buffer-size)");
        if (dial) Dial();
        else connection?.Pump();
        return true;
    }

    /// <summary>Takes what is to be written next, at most a few hundred messages; false if there is nothing, or the connection is not the current one.</summary>
    public bool TakeBatch(Connection connection, List<OutboundEnvelope> batch, out long acknowledge)
    {
        const int MaximumMessages = 512;
        const int MaximumBytes = 256 * 1024;
        var bytes = 0;
        lock (_lock)
        {
            acknowledge = 0;
            if (connection != _connection) return false;
            (acknowledge, _acknowledge) = (_acknowledge, 0);
            while (batch.Count < MaximumMessages && bytes < MaximumBytes && (_urgent.TryDequeue(out var next) || _resend.TryDequeue(out next) || _waiting.TryDequeue(out next)))
            {
                batch.Add(next);
                bytes += next.Size;
            }
        }
        return batch.Count > 0 || acknowledge > 0;
    }

    /// <summary>What was taken has left this process, so that much more may wait.</summary>
    public void BatchWritten(Connection connection, List<OutboundEnvelope> batch)
    {
        long bytes = 0;
        foreach (var message in batch) bytes += message.Size;
        lock (_lock)
        {
            if (connection == _connection) _waitingBytes = Math.Max(0, _waitingBytes - bytes);
        }
    }

    public void Acknowledged(Connection connection, long sequence)
    {
        lock (_lock)
        {
            if (connection == _connection) _system.Acknowledge(sequence);
        }
    }

    /// <summary>Whether a system message that arrived is to be delivered: not if it was before, nor from an incarnation that is not the current one.</summary>
    public bool TryDeliverSystem(Connection connection, long sequence)
    {
        lock (_lock) return connection == _connection && _system.TryDeliver(sequence);
    }

    public void AcknowledgeTo(Connection connection, long sequence)
    {
        lock (_lock)
        {
            if (connection != _connection) return;
            _acknowledge = Math.Max(_acknowledge, sequence);
        }
        connection.Pump();
    }

    /// <summary>From now on this incarnation is not talked to; only the restart of the other system, or time, ends that.</summary>
    /// <param name="uid">Null if it is not known: then there is nothing to recognise the incarnation by, and the gate has to do.</param>
    public void Quarantine(int? uid)
    {
        Connection connection;
        OutboundEnvelope[] lost;
        lock (_lock)
        {
            if (_phase == Phase.Closed || uid != null && (_uid != null && uid != _uid || IsQuarantined(uid.Value))) return;
            if (uid is { } known)
            {
                _quarantinedUid = known;
                _quarantineEndsAt = Environment.TickCount64 + (long)(_remoting.Settings.QuarantineDuration ?? TimeSpan.FromDays(5)).TotalMilliseconds;
            }
            CancelDial();
            (connection, lost) = (_connection, Disconnect());
            _system.Reset();
        }
        if (uid is { } quarantined)
        {
            _remoting.Publish(new QuarantinedEvent(RemoteAddress, quarantined));
        }
        else
        {
            _remoting.Log.Warning("Association to [{0}] with unknown UID is irrecoverably failed. Address cannot be quarantined without knowing the UID, gating instead for {1} ms.",
                RemoteAddress, _remoting.Settings.RetryGateClosedFor.TotalMilliseconds);
        }
        if (connection != null)
        {
            _remoting.Publish(new DisassociatedEvent(_remoting.DefaultAddress, RemoteAddress, connection.IsInbound));
            _remoting.CloseAfterGoodbye(connection, uid == null ? DisassociateInfo.Unknown : DisassociateInfo.Quarantined);
        }
        foreach (var message in lost) _remoting.DeadLetter(message);
    }

    /// <summary>Hands over what waits and says goodbye; what is sent from now on is a dead letter. Done when the other end has closed, or at the token.</summary>
    public async Task ShutdownAsync(CancellationToken cancellation)
    {
        try
        {
            await WaitingDial().WaitAsync(cancellation);
            if (BeginShutdown() is not { } connection) return;
            await connection.SayGoodbye(DisassociateInfo.Shutdown).WaitAsync(cancellation);
            await connection.Reading.WaitAsync(cancellation);
            connection.Dispose();
        }
        catch (OperationCanceledException)
        {
            _remoting.Log.Warning("{0} did not take what was queued for it within akka.remote.flush-wait-on-shutdown", RemoteAddress);
            BeginShutdown()?.Dispose();
        }
    }

    /// <summary>The attempt under way, if messages wait for it.</summary>
    private Task WaitingDial()
    {
        lock (_lock) return _phase == Phase.Connecting && _waiting.Count > 0 ? _dial : Task.CompletedTask;
    }

    /// <summary>Takes nothing any more, and returns the connection if there is one.</summary>
    private Connection BeginShutdown()
    {
        OutboundEnvelope[] lost;
        lock (_lock)
        {
            CancelDial();
            _phase = Phase.Closed;
            if (_connection != null) return _connection;
            lost = Disconnect();
        }
        foreach (var message in lost) _remoting.DeadLetter(message);
        return null;
    }

    /// <summary>Resets the connection, if there is one, as the end of the process would.</summary>
    public void Cut()
    {
        Connection connection;
        lock (_lock)
        {
            connection = _connection;
            CancelDial();
            _phase = Phase.Closed;
        }
        connection?.Dispose();
    }

    /// <summary>Housekeeping, several times a second. False if remoting may forget this association.</summary>
    public bool Tick(long now)
    {
        Connection connection;
        bool dial, hopeless, awaitedInVain;
        lock (_lock)
        {
            if (now >= _quarantineEndsAt) _quarantinedUid = null;
            if (MayBeForgotten(now))
            {
                _phase = Phase.Closed;
                return false;
            }
            connection = _connection;
            awaitedInVain = _phase == Phase.Connecting && _dialling == 0 && now >= _awaitedUntil;
            hopeless = connection == null && _system.Unacknowledged > 0 && now - _undeliveredSince > _remoting.Settings.InitialSysMsgDeliveryTimeout.TotalMilliseconds;
            dial = !IsGated && _system.Unacknowledged > 0 && BeginDialIfNeeded();
        }
        connection?.Tick(now);
        if (awaitedInVain) DialFailed(0, new AkkaProtocolException("the other end wanted to connect from there, and did not"));
        if (hopeless) GiveUp($"system messages could not be delivered for {_remoting.Settings.InitialSysMsgDeliveryTimeout} (akka.remote.initial-system-message-delivery-timeout)");
        if (dial) Dial();
        return true;
    }

    /// <summary>After this long without a connection the other end has given up whatever it could still want to send again.</summary>
    private static TimeSpan LongSilence => TimeSpan.FromMinutes(10);

    /// <summary>Without the lock it is what was true a moment ago.</summary>
    public bool IsGated => _phase == Phase.Gated && Environment.TickCount64 < _gateOpensAt;

    private bool MayBeForgotten(long now) =>
        _phase is Phase.Idle or Phase.Gated && !IsGated && _system.Unacknowledged == 0 && _quarantinedUid == null && (_hasShutDown || now - _silentSince > LongSilence.TotalMilliseconds);

    private bool IsQuarantined(int uid) => _quarantinedUid == uid;

    /// <summary>Ends the current connection, closes the gate and returns the messages that will not be sent. Under the lock.</summary>
    private OutboundEnvelope[] Disconnect()
    {
        var now = Environment.TickCount64;
        if (_connection != null) _undeliveredSince = now;
        _connection = null;
        if (_phase != Phase.Closed) _phase = Phase.Gated;
        _gateOpensAt = now + (long)_remoting.Settings.RetryGateClosedFor.TotalMilliseconds;
        _silentSince = now;
        _acknowledge = 0;
        var lost = _urgent.Concat(_waiting).Where(m => !m.IsSystem).ToArray();
        _urgent.Clear();
        _resend.Clear();
        _waiting.Clear();
        _waitingBytes = 0;
        return lost;
    }

    /// <summary>System messages were lost for good: to go on with that incarnation would leave watchers waiting for ever.</summary>
    private void GiveUp(string why)
    {
        int? uid;
        lock (_lock) uid = _uid;
        _remoting.Log.Error("{0}: {1}; they are dropped", RemoteAddress, why);
        Quarantine(uid);
        _remoting.AddressTerminated(RemoteAddress);
    }
}
