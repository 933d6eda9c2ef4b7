using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>An actor system that others reach on the loopback address, with short timers.</summary>
internal sealed class Node : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private Node(ActorSystem system) => System = (ExtendedActorSystem)system;

    public ExtendedActorSystem System { get; }

    public Address Address => System.Provider.DefaultAddress;

    public static Node Start(string name, string hocon = "", int port = 0, params Setup[] setups) =>
        new(ActorSystem.Create(name, ActorSystemSetup.Create([BootstrapSetup.Create().WithConfig(ConfigOf(hocon, port)), .. setups])));

    private static Config ConfigOf(string hocon, int port) => ConfigurationFactory.ParseString(hocon).WithFallback(
        ConfigurationFactory.ParseString($$"""
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        akka.actor.provider = remote
        akka.remote {
          dot-netty.tcp { hostname = "127.0.0.1", port = {{port}}, connection-timeout = 2s }
          handshake-timeout = 2s
          retry-gate-closed-for = 100ms
          watch-failure-detector { heartbeat-interval = 100ms, acceptable-heartbeat-pause = 1s, expected-response-after = 100ms, unreachable-nodes-reaper-interval = 100ms }
        }
        """));

    /// <summary>An actor that keeps what it gets; also for events.</summary>
    public Inbox Listen(string name, params Type[] events)
    {
        var inbox = new Inbox();
        inbox.Ref = System.ActorOf(Props.Create(() => new Keeper(inbox)), name);
        foreach (var type in events) System.EventStream.Subscribe(inbox.Ref, type);
        return inbox;
    }

    public ActorSelection Select(Node node, string path) => System.ActorSelection(new RootActorPath(node.Address) + path);

    public Task<IActorRef> Find(Node node, string path) => Find(node.Address, path);

    /// <summary>The actor there, as soon as it can be reached.</summary>
    public async Task<IActorRef> Find(Address address, string path)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await System.ActorSelection(new RootActorPath(address) + path).ResolveOne(TimeSpan.FromMilliseconds(500));
            }
            catch (ActorNotFoundException) when (watch.Elapsed < _patience)
            {
            }
        }
    }

    public async ValueTask DisposeAsync() => await System.Terminate().WaitAsync(_patience);

    public static async Task Eventually(Func<bool> condition, Func<string> what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > _patience) throw new TimeoutException("Waited in vain for " + what());
            await Task.Delay(5);
        }
    }

    private sealed class Keeper : UntypedActor
    {
        private readonly Inbox _inbox;

        public Keeper(Inbox inbox) => _inbox = inbox;

        protected override void OnReceive(object message)
        {
            if (message is Watch watch) Context.Watch(watch.Actor);
            else _inbox.Add(message, Sender);
            if (_inbox.Answers && message is not Watch) Sender.Tell(message);
        }
    }
}

/// <summary>For a keeper: watch this actor, and keep its Terminated.</summary>
internal sealed record Watch(IActorRef Actor);

internal sealed class Inbox
{
    private readonly ConcurrentQueue<(object Message, IActorRef Sender)> _got = new();

    public IActorRef Ref { get; set; }

    /// <summary>Sends everything back.</summary>
    public bool Answers { get; init; }

    public IEnumerable<object> Got => _got.Select(g => g.Message);

    public int Count => _got.Count;

    public void Add(object message, IActorRef sender) => _got.Enqueue((message, sender));

    public Task Has(Func<object, bool> wanted, string what) => Node.Eventually(() => Got.Any(wanted), () => $"{what}; so far: {string.Join(", ", Got.Take(20))}");

    public Task Has(object message) => Has(m => Equals(m, message), $"\"{message}\"");

    public Task HasCount(int count) => Node.Eventually(() => Count >= count, () => $"{count} messages, {Count} so far");
}
