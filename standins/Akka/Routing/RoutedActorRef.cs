using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Dispatch;

namespace Akka.Routing;

/// <summary>The props of a router's own actor, with those of its routees inside.</summary>
internal sealed class RouterProps : Props
{
    public RouterProps(Props routeeProps)
        : base(routeeProps.WithDispatcher(routeeProps.RouterConfig.RouterDispatcher).WithMailbox(Deploy.NoMailboxGiven)) =>
        RouteeProps = (routeeProps.RouterConfig as Pool)?.RouteePropsFor(routeeProps).WithRouter(NoRouter.Instance);

    private RouterProps(RouterProps copy)
        : base(copy) => RouteeProps = copy.RouteeProps;

    /// <summary>null for a group.</summary>
    public Props RouteeProps { get; }

    public override ActorBase NewActor() => RouterConfig.CreateRouterActor();

    protected override Props Copy() => new RouterProps(this);
}

/// <summary>The reference to a router: what is told to it goes to a routee on the sender's own thread.</summary>
internal sealed class RoutedActorRef : LocalActorRef
{
    private RoutedActorRef(
        ActorSystemImpl system, RouterProps props, MessageDispatcher dispatcher, MailboxType mailboxType, IInternalActorRef supervisor,
        ActorPath path)
        : base(system, props, dispatcher, mailboxType, supervisor, path)
    {
    }

    /// <param name="props">with the router configuration that counts, and what the routees are made of.</param>
    /// <exception cref="ConfigurationException">the router is not configured, or its dispatcher or mailbox is not.</exception>
    public static RoutedActorRef Create(ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path)
    {
        try
        {
            props.RouterConfig.VerifyConfig(path);
            var routerProps = new RouterProps(props);
            var dispatcher = system.Dispatchers.Lookup(routerProps.Dispatcher);
            var mailboxType = system.Mailboxes.GetMailboxType(routerProps, dispatcher.Configurator.Config);
            return new RoutedActorRef(system, routerProps, dispatcher, mailboxType, supervisor, path);
        }
        catch (Exception e)
        {
            throw new ConfigurationException(
                $"Configuration problem while creating router [{path}] with router dispatcher [{props.RouterConfig.RouterDispatcher}] and "
                    + $"routee dispatcher [{props.Dispatcher}]",
                e);
        }
    }

    protected override ActorCell NewActorCell(
        ActorSystemImpl system, IInternalActorRef self, Props props, MessageDispatcher dispatcher, IInternalActorRef supervisor) =>
        new RoutedActorCell(system, self, (RouterProps)props, dispatcher, supervisor);
}

/// <summary>The cell of a router's actor. Routees change on the actor's thread only; <see cref="Router"/> is read by all senders.</summary>
internal sealed class RoutedActorCell : ActorCell
{
    /// <summary>Messages of senders that still see the old set of routees must reach a removed one before its end.</summary>
    private static readonly TimeSpan _graceOfRemovedRoutee = TimeSpan.FromMilliseconds(100);

    private readonly Props _routeeProps;
    private volatile Router _router;

    public RoutedActorCell(
        ActorSystemImpl system, IInternalActorRef self, RouterProps props, MessageDispatcher dispatcher, IInternalActorRef supervisor)
        : base(system, self, props, dispatcher, supervisor)
    {
        _routeeProps = props.RouteeProps;
        RouterConfig = props.RouterConfig;
        _router = RouterConfig.CreateRouter(system);
    }

    public RouterConfig RouterConfig { get; }

    public Router Router => _router;

    // The routees are there before the reference is.
    public override void Start()
    {
        switch (RouterConfig)
        {
            case Pool pool:
                AdjustPoolSize(pool.GetNrOfInstances(System));
                break;
            case Group group:
                AddRoutees([.. group.GetPaths(System).Select(path => new ActorSelectionRoutee(System.ActorSelection(path)))]);
                break;
        }
        base.Start();
    }

    public override void SendMessage(IActorRef sender, object message)
    {
        if (RouterConfig.IsManagementMessage(message)) base.SendMessage(sender, message);
        else _router.Route(message, sender);
    }

    public void AddRoutees(IReadOnlyCollection<Routee> added)
    {
        foreach (var routee in added.OfType<ActorRefRoutee>()) Watch(routee.Actor);
        _router = _router.WithRoutees([.. _router.Routees, .. added]);
    }

    public void RemoveRoutees(IReadOnlyCollection<Routee> removed, bool stopChildren)
    {
        _router = _router.WithRoutees([.. _router.Routees.Where(routee => !removed.Contains(routee))]);
        foreach (var routee in removed.OfType<ActorRefRoutee>())
        {
            Unwatch(routee.Actor);
            if (stopChildren && TryGetChildStatsByRef(routee.Actor, out _))
                System.Scheduler.ScheduleTellOnce(_graceOfRemovedRoutee, routee.Actor, PoisonPill.Instance, Self);
        }
    }

    public void AdjustPoolSize(int change)
    {
        if (change >= 0) AddRoutees([.. Enumerable.Range(0, change).Select(_ => Routee.FromActorRef(ActorOf(_routeeProps)))]);
        else RemoveRoutees([.. _router.Routees.Take(-change)], stopChildren: true);
    }
}
