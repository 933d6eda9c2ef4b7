using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>Warnings and errors that a node logged, over all of its starts.</summary>
internal sealed class NodeLog
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    /// <param name="ids">Such as TKA203; see <see cref="LogMessages"/>.</param>
    public List<string> Of(params IReadOnlyList<string> ids) =>
        [.. _lines.Where(line => ids.Any(id => line.StartsWith(id, StringComparison.Ordinal)))];

    public void Follow(ActorSystem system)
    {
        var listener = system.ActorOf(Props.Create(() => new Listener(_lines)));
        system.EventStream.Subscribe(listener, typeof(Warning));
        system.EventStream.Subscribe(listener, typeof(Error));
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(ConcurrentQueue<string> lines) => Receive<LogEvent>(e => lines.Enqueue($"{e.Message} [{e.LogSource}]"));
    }
}
