using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Nodes;

namespace TiKvActors.Actors.Membership;

/// <summary>
/// Makes this actor system a member of the cluster: it founds it or joins it, and says when the system has to be started again. Starts with
/// <see cref="Tikv"/>; a system without a store, a client's for example, starts it by itself. Thread-safe.
/// </summary>
public sealed class TikvMembership : IExtension
{
    private readonly TaskCompletionSource<RestartReason> _restartNeeded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TikvMembership(ExtendedActorSystem system)
    {
        if (system.Provider is not IClusterActorRefProvider)
            throw new ConfigurationException($"akka.actor.provider has to be cluster, not {system.Provider.GetType().Name}");
        var meta = TikvSettings.ReadMeta(system.Settings.Config);
        if (meta.Members.Count == 0)
            throw new ArgumentException("tikv.meta.members is empty: there is no meta group that could say which cluster is the newest");
        var cluster = Cluster.Get(system);
        if (!cluster.Settings.SeedNodes.IsEmpty)
            throw new ArgumentException(
                "akka.cluster.seed-nodes is not empty: with tikv.meta.members nodes find each other, "
                    + "and a seed node would make a cluster of its own");
        var settings = TikvSettings.ReadCluster(system.Settings.Config);
        system.RegisterOnTermination(() =>
        {
            if (CoordinatedShutdown.Get(system).ShutdownReason is CoordinatedShutdown.ClusterDowningReason)
                _restartNeeded.TrySetResult(ClusterFormation.Downed);
        });
        system.SystemActorOf(
            MembershipDoor.Props(
                cluster, settings, MetaClient.Get(system), reason => _restartNeeded.TrySetResult(reason)),
            NodePaths.MembershipDoor);
    }

    /// <exception cref="ArgumentException">There is no meta group, or there are seed nodes.</exception>
    /// <exception cref="ConfigurationException">The system's provider is not the cluster's.</exception>
    public static TikvMembership Get(ActorSystem system) => system.WithExtension<TikvMembership, Provider>();

    /// <summary>
    /// Completes when this actor system cannot be a member any more: whoever owns it terminates it and makes another one with the same
    /// configuration. Until then the stores here go on serving, unless <c>akka.cluster.run-coordinated-shutdown-when-down</c> has ended the
    /// system, and with it this task, already. Never completes for a system that left, or was terminated, by its owner's wish.
    /// </summary>
    public Task<RestartReason> RestartNeeded => _restartNeeded.Task;

    public sealed class Provider : ExtensionIdProvider<TikvMembership>
    {
        public override TikvMembership CreateExtension(ExtendedActorSystem system) => new(system);
    }
}
