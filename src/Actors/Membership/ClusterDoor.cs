using Akka.Actor;
using Akka.Cluster;
using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Membership;

/// <summary><c>/user/tikv/cluster</c>: shows an administrator the Akka cluster as this node sees it, and carries out what he wants of it.</summary>
public sealed class ClusterDoor : UntypedActor
{
    private readonly Cluster _cluster = Cluster.Get(Context.System);

    public static Props Props() => Akka.Actor.Props.Create(() => new ClusterDoor());

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterStateRequest:
                Sender.Tell(State(_cluster));
                break;
            case ClusterChangeRequest request:
                Sender.Tell(new ClusterChangeResponse { Error = Change(_cluster, request) });
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    public static ClusterStateResponse State(Cluster cluster)
    {
        var state = cluster.State;
        var pd = state.Members.Where(m => m.Status == MemberStatus.Up && m.HasRole(PdSingleton.Role)).Order(Member.AgeOrdering).FirstOrDefault();
        return new ClusterStateResponse
        {
            Self = Describe(cluster.SelfMember, state),
            Members = { state.Members.Select(m => Describe(m, state)).OrderBy(m => m.Address, StringComparer.Ordinal) },
            Leader = state.Leader is { } leader ? HostAndPort(leader) : "",
            Pd = pd is null ? "" : HostAndPort(pd.Address),
        };
    }

    /// <returns>Why not; empty: it has begun.</returns>
    public static string Change(Cluster cluster, ClusterChangeRequest request)
    {
        if (cluster.State.Members.FirstOrDefault(m => HostAndPort(m.Address) == request.Address) is not { } member)
        {
            return $"{request.Address} is no member of the cluster that {HostAndPort(cluster.SelfAddress)} sees: "
                + $"[{string.Join(", ", cluster.State.Members.Select(m => HostAndPort(m.Address)))}]";
        }

        switch (request.Change)
        {
            case ClusterChangeRequest.Types.Change.Leave:
                cluster.Leave(member.Address);
                return "";
            case ClusterChangeRequest.Types.Change.Down:
                cluster.Down(member.Address);
                return "";
            default:
                return "this node does not know such a change";
        }
    }

    private static ClusterMember Describe(Member member, ClusterEvent.CurrentClusterState state) => new()
    {
        Address = HostAndPort(member.Address),
        Uid = member.UniqueAddress.Uid,
        Status = member.Status.ToString(),
        Roles = { member.Roles.Order(StringComparer.Ordinal) },
        Unreachable = state.Unreachable.Contains(member),
    };

    private static string HostAndPort(Address address) => $"{address.Host}:{address.Port}";
}
