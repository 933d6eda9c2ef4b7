using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using TiKvActors.Actors.Nodes;

namespace TiKvActors.Actors.Placement;

/// <summary>
/// PD on the nodes of an Akka cluster: <c>/user/tikv/pd-singleton</c> on those with the role <c>pd</c>, of which the oldest runs PD, and
/// <c>/user/tikv/pd</c> on all, which hands requests on to it. Answers go straight back to who asked. That there may be two for a while is
/// taken care of by the journal, not here.
/// </summary>
internal static class PdSingleton
{
    public const string Role = "pd";
    public const string ManagerName = "pd-singleton";

    private const string SingletonName = "pd";
    private const string ManagerPath = $"/user/tikv/{ManagerName}";

    /// <summary>Without a meta group PD stays where its journal is, in a cluster, too.</summary>
    public static bool IsUsedBy(ActorSystem system, TikvSettings settings) =>
        system.Settings.HasCluster && settings.Meta.Members.Count > 0;

    /// <param name="pd">Of <see cref="Pd.Props"/>.</param>
    public static Props Manager(ActorSystem system, Props pd) => ClusterSingletonManager.Props(
        pd, Pd.Release.Instance, ClusterSingletonManagerSettings.Create(system).WithRole(Role).WithSingletonName(SingletonName));

    public static Props Door(ActorSystem system) => ClusterSingletonProxy.Props(
        ManagerPath, ClusterSingletonProxySettings.Create(system).WithRole(Role).WithSingletonName(SingletonName));

    /// <summary>Whether PD on some node has this path.</summary>
    public static bool Has(ActorPath path) =>
        path.ToStringWithoutAddress().StartsWith($"{ManagerPath}/{SingletonName}/", StringComparison.Ordinal);
}
