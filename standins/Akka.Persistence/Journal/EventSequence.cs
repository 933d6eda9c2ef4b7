namespace Akka.Persistence.Journal;

/// <summary>What a read adapter makes of one stored event: none, one or several.</summary>
public interface IEventSequence
{
    IEnumerable<object> Events { get; }
}

public interface IEmptyEventSequence : IEventSequence;

public sealed class EmptyEventSequence : IEmptyEventSequence
{
    public static readonly EmptyEventSequence Instance = new();

    private EmptyEventSequence()
    {
    }

    public IEnumerable<object> Events => [];
}

public class EventSequence<T>(IEnumerable<object> events) : IEventSequence
{
    public IEnumerable<object> Events { get; } = events.ToArray();
}

public struct SingleEventSequence(object e) : IEventSequence
{
    private readonly object[] _events = [e];

    public IEnumerable<object> Events => _events;
}

public static class EventSequence
{
    public static IEventSequence Empty = EmptyEventSequence.Instance;

    public static IEventSequence Single(object e) => new SingleEventSequence(e);

    public static IEventSequence Create(params object[] events) => new EventSequence<object>(events);

    public static IEventSequence Create(IEnumerable<object> events) => new EventSequence<object>(events);
}
