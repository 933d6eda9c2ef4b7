using TiKvActors.Protocol;

namespace TiKvActors.Actors.Membership;

/// <summary>Where an actor system is in its one membership: it joins once in its life.</summary>
internal enum MemberPhase
{
    Outside,

    /// <summary>Let in, and not Up yet.</summary>
    Joining,
    Up,

    /// <summary>On its way out by its owner's wish.</summary>
    Leaving,

    /// <summary>By its owner's wish.</summary>
    Left,

    /// <summary>By somebody else's.</summary>
    Downed,
}

/// <summary>What the cluster extension of this system says at one moment.</summary>
/// <param name="Members">Of the same cluster, this system included; without those that are down.</param>
/// <param name="Clients">Those among them that only use the cluster.</param>
internal sealed record ClusterView(MemberPhase Phase, IReadOnlySet<SystemAddress> Members, IReadOnlySet<SystemAddress> Clients)
{
    public static readonly ClusterView None = new(MemberPhase.Outside, new HashSet<SystemAddress>(), new HashSet<SystemAddress>());

    public bool IsMember => Phase is MemberPhase.Joining or MemberPhase.Up or MemberPhase.Leaving;
}
