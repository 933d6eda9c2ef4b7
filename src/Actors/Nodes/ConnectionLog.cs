using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace TiKvActors.Actors.Nodes;

/// <summary>
/// <c>/system/tikv-connections</c>: says once that a node cannot be reached, and once that it is reached again. Remoting itself would say so at
/// every try, twice a second (<c>akka.remote.log-remote-lifecycle-events</c>).
/// </summary>
internal sealed class ConnectionLog : UntypedActor
{
    /// <summary>Addresses, also of clients that never come back; beyond it all are forgotten, and said once more.</summary>
    private const int MaxUnreachable = 1024;

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<Address> _unreachable = [];

    public static Props Props() => Akka.Actor.Props.Create(() => new ConnectionLog());

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(AssociationEvent));

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case AssociatedEvent associated:
                if (_unreachable.Remove(associated.RemoteAddress))
                    _log.NodeReached(Show(associated.RemoteAddress));
                break;
            case AssociationErrorEvent { IsInbound: false } error:
                if (_unreachable.Count == MaxUnreachable)
                    _unreachable.Clear();
                if (_unreachable.Add(error.RemoteAddress))
                    _log.NodeUnreachable(Show(error.RemoteAddress), error.Cause.GetBaseException().Message);
                break;
        }
    }

    private static string Show(Address address) => $"{address.Host}:{address.Port}";
}
