namespace Akka.Cluster.Tools.Singleton;

/// <summary>Travels between the managers of a singleton.</summary>
public interface IClusterSingletonMessage
{
}

/// <summary>From who has become the oldest: stop your singleton.</summary>
/// <param name="To">the incarnation that is asked; another one at its address has none of its singletons.</param>
internal sealed record HandOverToMe(UniqueAddress From, UniqueAddress To) : IClusterSingletonMessage, Akka.Event.IDeadLetterSuppression;

/// <summary>It is stopping.</summary>
internal sealed record HandOverInProgress(UniqueAddress From) : IClusterSingletonMessage, Akka.Event.IDeadLetterSuppression;

/// <summary>The member runs no singleton and will not run one again.</summary>
/// <param name="WasLast">It was the one that ran it last: neither do those older than it.</param>
internal sealed record HandOverDone(UniqueAddress Of, bool WasLast) : IClusterSingletonMessage, Akka.Event.IDeadLetterSuppression;
