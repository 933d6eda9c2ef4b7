using System.Net.Sockets;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Remote.Transport;

namespace Akka.Remote;

internal sealed partial class Remoting
{
    /// <summary>Connections that may be in their handshake at a time; who opens more and says nothing is not waited for.</summary>
    private const int MaximumHandshakes = 512;

    private readonly RateLimitedLog _rejections;
    private readonly RateLimitedLog _misdirected;
    private long _accepted;
    private int _handshakes;

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
        try
        {
            if (Interlocked.Increment(ref _handshakes) > MaximumHandshakes) throw new AkkaProtocolException($"{MaximumHandshakes} connections are in their handshake already");
            Tcp.Apply(socket);
            connection = new Connection(socket, this, isInbound: true);
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
            timeout.CancelAfter(HandshakeTimeout);
            var hello = await connection.ReadHelloAsync(timeout.Token);
            association = AssociationFor(hello.Origin);
            var refusal = Misdirected(hello) ?? association?.TryAccept(connection, hello) ?? (association == null ? new Refusal(RefusalReason.ShuttingDown, "this system is shutting down") : null);
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
            if (association == null && !IsStopped) _rejections.Write($"Closed a connection from {connection?.Peer ?? "a stranger"}: {Reason(e)}");
            connection?.Dispose();
            socket.Dispose();
        }
        finally
        {
            Interlocked.Decrement(ref _handshakes);
        }
    }

    private string Reason(Exception e) => e is OperationCanceledException ? $"no greeting within {HandshakeTimeout} (akka.remote.handshake-timeout)" : e.Message;

    private Refusal Misdirected(Hello hello)
    {
        if (!hello.Target.Equals(_defaultAddress)) return new Refusal(RefusalReason.NotForThisSystem, $"this is {_defaultAddress} and not {hello.Target}; every part must be the same");
        if (hello.Origin.Protocol != Protocol || hello.Origin.Host == null || hello.Origin.Port == null)
            return new Refusal(RefusalReason.NotForThisSystem, $"{hello.Origin} is no address that could be answered");
        return hello.Origin.Equals(_defaultAddress) ? new Refusal(RefusalReason.NotForThisSystem, "the greeting is this system's own address") : null;
    }
}
