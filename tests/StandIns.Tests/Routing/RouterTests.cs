using Akka.Actor;
using Akka.Configuration;
using Akka.Routing;

namespace TiKvActors.StandIns.Tests.Routing;

/// <summary>What the recorded Routers scenario does not say.</summary>
public sealed class RouterTests : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private readonly ActorSystem _system =
        ActorSystem.Create("routers", ConfigurationFactory.ParseString("akka.loglevel = OFF, akka.stdout-loglevel = OFF"));

    private sealed class Echo : ReceiveActor
    {
        public Echo()
        {
            Receive<string>(m => m == "fail", _ => throw new InvalidOperationException("on purpose"));
            Receive<string>(m => m == "stop", _ => Context.Stop(Self));
            ReceiveAny(m => Sender.Tell((Self.Path.Name, m)));
        }
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _system.Terminate();

    private static Task<int> RouteesOf(IActorRef router) => CountOf(router.Ask<Routees>(GetRoutees.Instance, _patience));

    private static async Task<int> CountOf(Task<Routees> routees) => (await routees).Members.Count();

    private static async Task<string> RouteeFor(IActorRef router, object message) =>
        (await router.Ask<(string Name, object)>(message, _patience)).Name;

    [Fact]
    public async Task A_pool_grows_shrinks_and_forgets_stopped_routees()
    {
        var pool = _system.ActorOf(Props.Create<Echo>().WithRouter(new RoundRobinPool(2)), "pool");
        pool.Tell(new AdjustPoolSize(3));
        Assert.Equal(5, await RouteesOf(pool));
        pool.Tell(new AdjustPoolSize(-2));
        Assert.Equal(3, await RouteesOf(pool));
        pool.Tell("stop");
        await Eventually.TrueAsync(async () => await RouteesOf(pool) == 2, "two routees");
    }

    [Fact]
    public async Task A_pool_stops_with_its_last_routee_and_by_a_poison_pill()
    {
        var last = _system.ActorOf(Props.Create<Echo>().WithRouter(new RoundRobinPool(1)), "last");
        var watched = last.WatchAsync();
        last.Tell("stop");
        await watched.WaitAsync(_patience);

        var poisoned = _system.ActorOf(Props.Create<Echo>().WithRouter(new RoundRobinPool(3)), "poisoned");
        await poisoned.GracefulStop(_patience);
    }

    [Fact]
    public async Task A_failed_routee_is_restarted_and_stays()
    {
        var pool = _system.ActorOf(Props.Create<Echo>().WithRouter(new RoundRobinPool(2)), "failing");
        var before = new[] { await RouteeFor(pool, "x"), await RouteeFor(pool, "x") };
        pool.Tell("fail");
        pool.Tell("fail");
        Assert.Equal(before, new[] { await RouteeFor(pool, "x"), await RouteeFor(pool, "x") });
        Assert.Equal(2, await RouteesOf(pool));
    }

    [Fact]
    public async Task Consistent_hashing_moves_only_the_keys_of_a_routee_that_is_gone()
    {
        var pool = _system.ActorOf(Props.Create<Echo>().WithRouter(new ConsistentHashingPool(6, message => message)), "hashing");
        var keys = Enumerable.Range(0, 300).Select(i => "key" + i).ToArray();
        var before = new Dictionary<string, string>();
        foreach (var key in keys) before[key] = await RouteeFor(pool, key);
        // Nobody is left out.
        Assert.Equal(6, before.Values.Distinct().Count());
        var gone = before[keys[0]];
        pool.Tell(new ConsistentHashableEnvelope("stop", keys[0]));
        await Eventually.TrueAsync(async () => await RouteesOf(pool) == 5, "five routees");
        foreach (var key in keys)
        {
            var now = await RouteeFor(pool, key);
            Assert.NotEqual(gone, now);
            if (before[key] != gone) Assert.Equal(before[key], now);
        }
    }

    [Fact]
    public async Task A_router_without_routees_for_a_message_makes_it_a_dead_letter()
    {
        var deadLetter = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = _system.ActorOf(Props.Create(() => new DeadLetterListener(deadLetter)), "listener");
        _system.EventStream.Subscribe(listener, typeof(Akka.Event.DeadLetter));
        var group = _system.ActorOf(Props.Empty.WithRouter(new RoundRobinGroup()), "nobody");
        group.Tell("lost", listener);
        Assert.Equal("lost", await deadLetter.Task.WaitAsync(_patience));
    }

    private sealed class DeadLetterListener : ReceiveActor
    {
        public DeadLetterListener(TaskCompletionSource<object> seen) =>
            Receive<Akka.Event.DeadLetter>(letter => seen.TrySetResult(letter.Message));
    }
}
