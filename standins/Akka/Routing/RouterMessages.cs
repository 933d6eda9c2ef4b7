using Akka.Actor;

namespace Akka.Routing;

/// <summary>For the router itself, not for a routee.</summary>
public abstract class RouterManagementMessage
{
}

/// <summary>Answered with <see cref="Routees"/>.</summary>
public sealed class GetRoutees : RouterManagementMessage
{
    public static GetRoutees Instance { get; } = new();
}

public sealed class Routees
{
    public Routees(IEnumerable<Routee> routees) => Members = routees.ToArray();

    public IEnumerable<Routee> Members { get; }
}

public sealed class AddRoutee : RouterManagementMessage
{
    public AddRoutee(Routee routee) => Routee = routee;

    public Routee Routee { get; }
}

/// <summary>A routee that is a child of the router is stopped once it has handled what it got so far.</summary>
public sealed class RemoveRoutee : RouterManagementMessage
{
    public RemoveRoutee(Routee routee) => Routee = routee;

    public Routee Routee { get; }
}

/// <summary>Starts so many routees more in a pool, or with a negative number stops some.</summary>
public sealed class AdjustPoolSize : RouterManagementMessage
{
    public AdjustPoolSize(int change) => Change = change;

    public int Change { get; }
}

/// <summary>A message with something for the router; routees get only what is inside.</summary>
public class RouterEnvelope
{
    public RouterEnvelope(object message) => Message = message;

    public object Message { get; }
}

/// <summary>For all routees, whatever the router's logic is.</summary>
public class Broadcast : RouterEnvelope
{
    public Broadcast(object message)
        : base(message)
    {
    }
}

/// <summary>A message that says which routee of a consistent hashing router it belongs to.</summary>
public interface IConsistentHashable
{
    object ConsistentHashKey { get; }
}

/// <summary>Says the key of a message that does not say it itself.</summary>
public sealed class ConsistentHashableEnvelope : RouterEnvelope, IConsistentHashable, IWrappedMessage
{
    public ConsistentHashableEnvelope(object message, object hashKey)
        : base(message) => HashKey = hashKey;

    public object HashKey { get; }

    public object ConsistentHashKey => HashKey;
}

/// <returns>The message's key; null where it has none.</returns>
public delegate object ConsistentHashMapping(object msg);
