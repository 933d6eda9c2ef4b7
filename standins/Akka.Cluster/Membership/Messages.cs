using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using Akka.Util;

namespace Akka.Cluster
{
    /// <summary>Travels between the nodes of a cluster.</summary>
    public interface IClusterMessage
    {
    }
}

namespace Akka.Cluster.Membership
{
    /// <summary>Is there a cluster? From a node that looks for one.</summary>
    internal sealed record InitJoin(UniqueAddress From) : IClusterMessage, IDeadLetterSuppression;

    /// <summary>There is one here.</summary>
    internal sealed record InitJoinAck(Address From) : IClusterMessage, IDeadLetterSuppression;

    /// <summary>Not here, or not yet.</summary>
    internal sealed record InitJoinNack(Address From) : IClusterMessage, IDeadLetterSuppression;

    internal sealed record Join(UniqueAddress Node, ImmutableHashSet<string> Roles, AppVersion AppVersion) : IClusterMessage;

    /// <summary>The answer to a join: you are in this state.</summary>
    internal sealed record Welcome(UniqueAddress From, Gossip Gossip) : IClusterMessage;

    internal sealed record GossipEnvelope(UniqueAddress From, UniqueAddress To, Gossip Gossip) : IClusterMessage, IDeadLetterSuppression;

    /// <summary>The version that a node has, where its content is likely to be known.</summary>
    internal sealed record GossipStatus(UniqueAddress From, VectorClock Version) : IClusterMessage, IDeadLetterSuppression;

    /// <summary>I have ended what I did as a member; do not wait for me.</summary>
    internal sealed record ExitingConfirmed(UniqueAddress From) : IClusterMessage, IDeadLetterSuppression;

    /// <param name="Sequence">counts a sender's heartbeats.</param>
    internal sealed record Heartbeat(Address From, long Sequence) : IClusterMessage, IUrgentMessage, IDeadLetterSuppression;

    internal sealed record HeartbeatRsp(UniqueAddress From, long Sequence) : IClusterMessage, IUrgentMessage, IDeadLetterSuppression;
}
