using System.Net.Sockets;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Remote.Transport;

namespace Akka.Remote;

internal sealed partial class Remoting
{
    /// <summary>Connections that may be in their handshake at a time.</summary>
    private const int MaximumHandshakes = 512;

    private readonly Handshakes _handshakes = new(MaximumHandshakes);
    private readonly RateLimitedLog _rejections;
    private readonly RateLimitedLog _misdirected;
    private readonly RateLimitedLog _unreadable;
    private long _accepted;

    /// <summary>Connections that have not finished their handshake.</summary>
    public int HandshakeCount => _handshakes.Count;

    /// <summary>A message that cannot be deserialized or delivered is lost alone.</summary>
    public void ReportUnreadable(string what, Exception cause) => _unreadable.Write(what, cause);

    /// <summary>Gives a message that arrived to its recipient.</summary>
    public void Dispatch(IInternalActorRef recipient, object message, IActorRef sender, bool isSystem)
    {
        if (Settings.LogReceive) Log.Debug("received [{0}] for [{1}] from [{2}]", message, recipient, sender);
        if (recipient is RemoteActorRef)
        {
            _misdirected.Write($"Dropping a {message.GetType()} for the non-local recipient {recipient}; this system is {_defaultAddress}");
        }
        else if (UseUntrustedMode && IsHarmful(message))
        {
            Log.Debug("operating in UntrustedMode, dropping inbound [{0}] for {1}", message.GetType(), recipient);
        }
        else if (isSystem && message is ISystemMessage system)
        {
            recipient.SendSystemMessage(system);
            if (system is DeathWatchNotification ended) NotifyUnresolved(recipient, ended);
        }
        else if (message is ActorSelectionMessage selection)
        {
            ActorSelection.DeliverSelection(recipient, sender, selection);
        }
        else
        {
            recipient.Tell(message, sender);
        }
    }

    /// <summary>
    /// A reference that was made from a path without uid has watched whoever has the name there; what ended has a uid. The watcher
    /// ignores the end of what it does not watch.
    /// </summary>
    private void NotifyUnresolved(IInternalActorRef recipient, DeathWatchNotification ended)
    {
        if (ended.Actor is not RemoteActorRef || ended.Actor.Path.Uid == ActorCell.UndefinedUid || !recipient.Equals(Provider.RemoteWatcher)) return;
        var unresolved = Provider.ResolveActorRef(ended.Actor.Path.WithUid(ActorCell.UndefinedUid));
        recipient.SendSystemMessage(new DeathWatchNotification(unresolved, ended.ExistenceConfirmed, ended.AddressTerminated));
    }

    private bool IsHarmful(object message) => message switch
    {
        ActorSelectionMessage selection => selection.Message is IPossiblyHarmful || !Settings.TrustedSelectionPaths.Contains("/" + string.Join("/", selection.Elements.Select(e => e.ToString()))),
        _ => message is IPossiblyHarmful
    };

    private async Task AcceptAsync()
    {
        while (!IsStopped)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stopped.Token);
                _ = HandshakeAsync(socket);
            }
            catch (Exception e) when (IsStopped && e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of file descriptors, most likely: the listening socket is fine, so go on when some may be free.
                Publish(new RemotingErrorEvent(e));
                await Task.Delay(_housekeepingInterval);
            }
        }
    }

    private async Task HandshakeAsync(Socket socket)
    {
        Connection connection = null;
        Association association = null;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        timeout.CancelAfter(HandshakeTimeout);
        var entered = _handshakes.Enter(timeout);
        try
        {
            Tcp.Apply(socket);
            connection = new Connection(socket, this, isInbound: true);
            var hello = await connection.ReadHelloAsync(timeout.Token);
            var refusal = Misdirected(hello);
            // Only now: who is refused leaves nothing behind.
            if (refusal == null) refusal = (association = AssociationFor(hello.Origin)) == null ? new Refusal(RefusalReason.ShuttingDown, "this system is shutting down") : association.TryAccept(connection, hello);
            if (refusal != null)
            {
                association = null;
                await connection.RefuseAsync(refusal, timeout.Token);
                if (refusal.Reason != RefusalReason.Redundant) _rejections.Write($"Refused the connection of {hello.Origin} from {connection.Peer}: {refusal.Explanation}");
                connection.Dispose();
                return;
            }
            await connection.WelcomeAsync(new Welcome(_uid, Interlocked.Increment(ref _accepted), Tcp.MaximumFrameSize), timeout.Token);
            connection.Start(association);
        }
        catch (Exception e)
        {
            association?.ConnectionLost(connection, e);
            var pushedOut = _handshakes.Leave(entered);
            if (association == null && !IsStopped) _rejections.Write($"Closed a connection from {connection?.Peer ?? "a stranger"}: {Reason(e, pushedOut)}");
            connection?.Dispose();
            socket.Dispose();
        }
        finally
        {
            _handshakes.Leave(entered);
        }
    }

    private string Reason(Exception e, bool pushedOut) => e switch
    {
        OperationCanceledException when pushedOut => $"more than {MaximumHandshakes} connections have sent no greeting, and this was the oldest of them",
        OperationCanceledException => $"no greeting within {HandshakeTimeout} (akka.remote.handshake-timeout)",
        IOException and not TlsException when Tls != null => $"{e.Message} ({Tls.ClosedHint})",
        _ => e.Message
    };

    private Refusal Misdirected(Hello hello)
    {
        if (!hello.Target.Equals(_defaultAddress)) return new Refusal(RefusalReason.NotForThisSystem, $"this is {_defaultAddress} and not {hello.Target}; every part must be the same");
        if (hello.Origin.Protocol != Protocol || hello.Origin.Host == null || hello.Origin.Port == null)
            return new Refusal(RefusalReason.NotForThisSystem, $"{hello.Origin} is no address that could be answered");
        return hello.Origin.Equals(_defaultAddress) ? new Refusal(RefusalReason.NotForThisSystem, "the greeting is this system's own address") : null;
    }
}
