using System.Collections.Concurrent;
using Akka.Actor;

namespace TiKvActors.StandIns.Tests.Actors;

/// <summary>A quiet system for one test, and waiting for conditions.</summary>
public abstract class ActorScene : IAsyncLifetime
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private const string Quiet = "akka { loglevel = OFF, stdout-loglevel = OFF, coordinated-shutdown.run-by-clr-shutdown-hook = off }\n";

    private readonly List<ActorSystem> _systems = [];

    protected ActorSystem System { get; private set; }

    public Task InitializeAsync()
    {
        System = Start(Hocon);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var system in _systems) await system.Terminate().WaitAsync(Patience);
    }

    protected virtual string Hocon => "";

    protected ActorSystem Start(string hocon)
    {
        var system = ActorSystem.Create("Test", Quiet + hocon);
        _systems.Add(system);
        return system;
    }

    protected IActorRef Do(Action<object, IActorContext> receive, string name = null) =>
        System.ActorOf(Props.Create(() => new Doing(receive)), name);

    /// <summary>What was published on the event stream, in order.</summary>
    protected ConcurrentQueue<T> Published<T>() where T : class
    {
        var seen = new ConcurrentQueue<T>();
        var listener = Do((m, _) => seen.Enqueue((T)m));
        System.EventStream.Subscribe(listener, typeof(T));
        return seen;
    }

    /// <summary>An actor made of a function.</summary>
    internal sealed class Doing(Action<object, IActorContext> receive) : UntypedActor
    {
        protected override void OnReceive(object message) => receive(message, Context);
    }
}
