using System.Collections.Immutable;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Cluster.Membership;
using Akka.Configuration;
using Akka.Remote;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster;

public class ClusterExtension : ExtensionIdProvider<Cluster>
{
    public override Cluster CreateExtension(ExtendedActorSystem system) => new((ActorSystemImpl)system);
}

/// <summary>A system's part in the cluster. Safe for threads.</summary>
public class Cluster : IExtension
{
    private readonly IActorRef _daemon;
    private readonly TaskCompletionSource<Done> _exiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Done> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile View _view;

    /// <exception cref="ConfigurationException">The system's provider is not the cluster's, or a setting makes no sense.</exception>
    public Cluster(ActorSystemImpl system)
    {
        System = system;
        if (system.Provider is not IClusterActorRefProvider provider)
            throw new ConfigurationException(
                $"ActorSystem {system} needs to have a 'IClusterActorRefProvider' enabled in the configuration (akka.actor.provider = "
                    + $"cluster), currently uses {system.Provider.GetType().FullName}");
        Settings = new ClusterSettings(system.Settings.Config, system.Name);
        SelfUniqueAddress = new UniqueAddress(provider.DefaultAddress, AddressUidExtension.Uid(system));
        FailureDetector = new DefaultFailureDetectorRegistry<Address>(
            () => FailureDetectorLoader.Load(Settings.FailureDetectorImplementationClass, Settings.FailureDetectorConfig, system));
        // A class that does not exist is the owner's mistake, to be told now.
        FailureDetectorLoader.Load(Settings.FailureDetectorImplementationClass, Settings.FailureDetectorConfig, system);
        Show(new MembershipState(Gossip.Empty, SelfUniqueAddress));
        DowningProvider = LoadDowningProvider();
        _daemon = system.SystemActorOf(ClusterDaemon.PropsFor(this), ClusterDaemon.Name);
        AddShutdownTasks(CoordinatedShutdown.Get(system));
    }

    private sealed record View(CurrentClusterState State, Member Self);

    public ExtendedActorSystem System { get; }

    public ClusterSettings Settings { get; }

    public UniqueAddress SelfUniqueAddress { get; }

    public Address SelfAddress => SelfUniqueAddress.Address;

    public ImmutableHashSet<string> SelfRoles => Settings.Roles;

    public DefaultFailureDetectorRegistry<Address> FailureDetector { get; }

    public IDowningProvider DowningProvider { get; }

    /// <summary>What this node knows now.</summary>
    public CurrentClusterState State => _view.State;

    /// <summary>With the status Removed while this node is no member.</summary>
    public Member SelfMember => _view.Self;

    public bool IsUp => _view.Self.Status == MemberStatus.Up;

    /// <summary>Whether this node has been a member and is none any more. It takes a new actor system to join again.</summary>
    public bool IsTerminated => _ended.Task.IsCompleted;

    public static Cluster Get(ActorSystem system) => system.WithExtension<Cluster, ClusterExtension>();

    /// <param name="to">Kinds of <see cref="IClusterDomainEvent"/>.</param>
    public void Subscribe(IActorRef subscriber, params Type[] to) =>
        Subscribe(subscriber, SubscriptionInitialStateMode.InitialStateAsSnapshot, to);

    /// <exception cref="ArgumentException">There is no kind of event, or one that is none.</exception>
    public void Subscribe(IActorRef subscriber, SubscriptionInitialStateMode initialStateMode, params Type[] to)
    {
        if (to.Length == 0) throw new ArgumentException("At least one `IClusterDomainEvent` class is required", nameof(to));
        if (to.FirstOrDefault(type => !typeof(IClusterDomainEvent).IsAssignableFrom(type)) is { } wrong)
            throw new ArgumentException($"Subscribe to `IClusterDomainEvent` or subclasses, was [{wrong}]", nameof(to));
        _daemon.Tell(new ClusterEventPublisher.Subscribe(subscriber, initialStateMode, to));
    }

    public void Unsubscribe(IActorRef subscriber) => Unsubscribe(subscriber, null);

    public void Unsubscribe(IActorRef subscriber, Type to) => _daemon.Tell(new ClusterEventPublisher.Unsubscribe(subscriber, to));

    public void SendCurrentClusterState(IActorRef receiver) => _daemon.Tell(new ClusterEventPublisher.SendCurrentClusterState(receiver));

    /// <summary>Joins the cluster of that node; one that joins itself makes a new one. Without effect for a member.</summary>
    public void Join(Address address) => _daemon.Tell(new ClusterDaemon.JoinTo(Complete(address)));

    /// <returns>Ends when this node is Up.</returns>
    /// <exception cref="ClusterJoinFailedException">This node's part in the cluster ended before it was Up.</exception>
    public Task JoinAsync(Address address, CancellationToken token = default) => UpAfter(() => Join(address), token);

    /// <summary>Joins the cluster that one of these knows; the first of them makes it if there is none.</summary>
    public void JoinSeedNodes(IEnumerable<Address> seedNodes) =>
        _daemon.Tell(new ClusterDaemon.JoinSeeds(seedNodes.Select(Complete).ToImmutableList()));

    /// <returns>Ends when this node is Up.</returns>
    /// <exception cref="ClusterJoinFailedException">This node's part in the cluster ended before it was Up.</exception>
    public Task JoinSeedNodesAsync(IEnumerable<Address> seedNodes, CancellationToken token = default) =>
        UpAfter(() => JoinSeedNodes(seedNodes), token);

    /// <summary>Lets that member leave in good order.</summary>
    public void Leave(Address address) => _daemon.Tell(new ClusterDaemon.Leave(Complete(address)));

    /// <returns>Ends when this node is no member any more.</returns>
    public Task LeaveAsync() => LeaveAsync(CancellationToken.None);

    public Task LeaveAsync(CancellationToken cancellationToken)
    {
        Leave(SelfAddress);
        return _ended.Task.WaitAsync(cancellationToken);
    }

    /// <summary>That member is gone, in the caller's judgement: it is removed as soon as all others know.</summary>
    public void Down(Address address) => _daemon.Tell(new ClusterDaemon.Down(Complete(address)));

    /// <summary>Runs the callback when this node is Up, or at once if it is.</summary>
    public void RegisterOnMemberUp(Action callback) =>
        _daemon.Tell(new ClusterDaemon.AddListener(Props.Create(() => new OnMemberUp(this, callback))));

    /// <summary>Runs the callback when this node is no member any more, or at once if that has happened.</summary>
    public void RegisterOnMemberRemoved(Action callback) =>
        _ended.Task.ContinueWith(
            _ => Callback.Run(callback, System.Log, nameof(RegisterOnMemberRemoved)), CancellationToken.None, TaskContinuationOptions.None,
            TaskScheduler.Default);

    /// <summary>The path with which others find the actor.</summary>
    public ActorPath RemotePathOf(IActorRef actorRef)
    {
        var path = actorRef.Path;
        return path.Address.HasLocalScope ? (new RootActorPath(SelfAddress) / path.Elements).WithUid(path.Uid) : path;
    }

    internal void SubscribeToState(IActorRef subscriber) => _daemon.Tell(new ClusterEventPublisher.SubscribeToState(subscriber));

    internal void Show(MembershipState state) => _view = new View(
        ClusterEvents.Picture(state),
        state.SelfMember ?? Member.Create(SelfUniqueAddress, Settings.Roles, Settings.AppVersion).Copy(MemberStatus.Removed));

    internal bool IsMember => SelfMember.Status != MemberStatus.Removed;

    internal void IsExiting() => _exiting.TrySetResult(Done.Instance);

    internal void HasEnded()
    {
        _ended.TrySetResult(Done.Instance);
        _exiting.TrySetResult(Done.Instance);
    }

    private static Address CompleteOrThrow(Address address) =>
        address.HasGlobalScope
            ? address : throw new ArgumentException($"{address} has no host: it is not the address of a node", nameof(address));

    private Address Complete(Address address) =>
        address.HasLocalScope && address.System == System.Name ? SelfAddress : CompleteOrThrow(address);

    private async Task UpAfter(Action join, CancellationToken token)
    {
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        RegisterOnMemberUp(() => up.TrySetResult());
        RegisterOnMemberRemoved(() => up.TrySetException(
            new ClusterJoinFailedException("Node has not managed to join the cluster before it was shut down or removed")));
        join();
        await up.Task.WaitAsync(token);
    }

    private IDowningProvider LoadDowningProvider()
    {
        try
        {
            return (IDowningProvider)Activator.CreateInstance(Settings.DowningProviderType, System, this);
        }
        catch (Exception e) when (e is MissingMethodException or InvalidCastException
            or global::System.Reflection.TargetInvocationException)
        {
            throw new ConfigurationException(
                $"Could not create the cluster downing provider [{Settings.DowningProviderType}]: {(e.InnerException ?? e).Message}",
                e.InnerException ?? e);
        }
    }

    private void AddShutdownTasks(CoordinatedShutdown shutdown)
    {
        shutdown.AddTask(CoordinatedShutdown.PhaseClusterLeave, "leave", () =>
        {
            if (IsOver) return Task.FromResult(Done.Instance);
            var left = new TaskCompletionSource<Done>(TaskCreationOptions.RunContinuationsAsynchronously);
            _daemon.Tell(new ClusterDaemon.AddListener(Props.Create(() => new LeaveBeforeShutdown(this, left))));
            return Task.WhenAny(left.Task, _ended.Task).Unwrap();
        });
        shutdown.AddTask(
            CoordinatedShutdown.PhaseClusterExiting, "wait-exiting",
            () => IsOver || State.Members.IsEmpty ? Task.FromResult(Done.Instance) : _exiting.Task);
        shutdown.AddTask(CoordinatedShutdown.PhaseClusterExitingDone, "exiting-completed", () =>
        {
            if (IsOver) return Task.FromResult(Done.Instance);
            _daemon.Tell(ClusterDaemon.ExitingCompleted.Instance);
            return _ended.Task;
        });
        shutdown.AddTask(
            CoordinatedShutdown.PhaseClusterShutdown, "wait-shutdown",
            () => SelfMember.Status == MemberStatus.Down ? Task.FromResult(Done.Instance) : _ended.Task);
    }

    /// <summary>Nothing is left to be left.</summary>
    private bool IsOver => IsTerminated || SelfMember.Status == MemberStatus.Down;
}

/// <summary>A node could not join.</summary>
public class ClusterJoinFailedException : AkkaException
{
    public ClusterJoinFailedException(string message) : base(message)
    {
    }
}
