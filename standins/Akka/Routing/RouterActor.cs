using Akka.Actor;

namespace Akka.Routing;

/// <summary>The router's own actor: routees come, go and are asked for here; messages to routees do not pass it.</summary>
internal class RouterActor : UntypedActor
{
    private RoutedActorCell Cell => (RoutedActorCell)((ActorRefWithCell)Self).Underlying;

    /// <summary>Routees outlive a restart of the router, which restarts them.</summary>
    protected override void PreRestart(Exception reason, object message)
    {
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case GetRoutees:
                Sender.Tell(new Routees(Cell.Router.Routees));
                break;
            case AddRoutee add:
                Cell.AddRoutees([add.Routee]);
                break;
            case RemoveRoutee remove:
                Cell.RemoveRoutees([remove.Routee], stopChildren: true);
                StopIfAllGone();
                break;
            case Terminated gone:
                Cell.RemoveRoutees([new ActorRefRoutee(gone.ActorRef)], stopChildren: false);
                StopIfAllGone();
                break;
            case AdjustPoolSize adjust when Cell.RouterConfig is Pool:
                Cell.AdjustPoolSize(adjust.Change);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void StopIfAllGone()
    {
        if (!Cell.Router.Routees.Any() && Cell.RouterConfig.StopRouterWhenAllRouteesRemoved) Context.Stop(Self);
    }
}

internal sealed class RouterPoolActor(SupervisorStrategy supervisorStrategy) : RouterActor
{
    protected override SupervisorStrategy SupervisorStrategy() => supervisorStrategy;
}
