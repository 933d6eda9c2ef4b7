using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class DispatcherTests : ActorScene
{
    protected override string Hocon => $$"""
        two-threads { type = ForkJoinDispatcher, throughput = 1, dedicated-thread-pool { thread-count = 2 }, shutdown-timeout = 50ms }
        own-thread { type = PinnedDispatcher, shutdown-timeout = 50ms }
        alias = two-threads
        circle = circle2
        circle2 = circle
        no-threads { type = ForkJoinDispatcher, dedicated-thread-pool { thread-count = 0 } }
        custom { type = "{{typeof(OneByOneConfigurator).FullName}}, StandIns.Tests", marker = here }
        no-type { type = "No.Such.Type, Nowhere" }
        deadline {
          type = Dispatcher, throughput = 1000000, throughput-deadline-time = 5ms
          executor = fork-join-executor, dedicated-thread-pool { thread-count = 1 }
        }
        """;

    private IActorRef On(string dispatcher, Action<object, IActorContext> receive) =>
        System.ActorOf(Props.Create(() => new Doing(receive)).WithDispatcher(dispatcher));

    private static IReadOnlyList<Thread> ThreadsSeen(ConcurrentDictionary<Thread, bool> threads) => threads.Keys.ToList();

    [Theory, InlineData("two-threads"), InlineData("own-thread")]
    public async Task Threads_end_after_the_last_actor_and_start_again_with_the_next_one(string dispatcher)
    {
        for (var round = 0; round < 2; round++)
        {
            var threads = new ConcurrentDictionary<Thread, bool>();
            var actors = Enumerable.Range(0, 4).Select(_ => On(dispatcher, (m, c) =>
            {
                threads.TryAdd(Thread.CurrentThread, true);
                c.Sender.Tell(m);
            })).ToList();
            foreach (var actor in actors) await actor.Ask("where", Patience);
            Assert.InRange(threads.Count, 1, dispatcher == "own-thread" ? 4 : 2);
            Assert.All(ThreadsSeen(threads), t => Assert.False(t.IsThreadPoolThread));
            foreach (var actor in actors) await actor.GracefulStop(Patience);
            await Eventually.TrueAsync(() => ThreadsSeen(threads).All(t => !t.IsAlive), "the threads to end");
        }
    }

    [Fact]
    public async Task No_more_actors_run_at_once_than_a_dedicated_pool_has_threads()
    {
        var (running, most) = (0, 0);
        using var two = new Barrier(2);
        var actors = Enumerable.Range(0, 6).Select(_ => On("two-threads", (m, c) =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            // Whoever comes waits for a second one; a third thread would come while these two wait or leave.
            Assert.True(two.SignalAndWait(Patience));
            Interlocked.Decrement(ref running);
            c.Sender.Tell(m);
        })).ToList();
        await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(i => actors.Select(a => a.Ask(i, Patience))));
        Assert.Equal(2, most);
    }

    /// <summary>Work that takes so long.</summary>
    private static void PassTime(TimeSpan time)
    {
        var watch = Stopwatch.StartNew();
        SpinWait.SpinUntil(() => watch.Elapsed >= time);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    [Fact]
    public async Task A_turn_ends_when_its_time_is_over()
    {
        var order = new ConcurrentQueue<string>();
        using var gate = new ManualResetEventSlim();
        var slow = On("deadline", (m, _) =>
        {
            if (m is "gate") gate.Wait(Patience);
            else PassTime(TimeSpan.FromMilliseconds(3));
            order.Enqueue("slow");
        });
        var other = On("deadline", (_, _) => order.Enqueue("other"));
        foreach (var actor in new[] { slow, other }) await actor.Ask<ActorIdentity>(new Identify(1), Patience);
        slow.Tell("gate");
        for (var i = 0; i < 20; i++) slow.Tell(i);
        other.Tell("x");
        gate.Set();
        await Eventually.TrueAsync(() => order.Count == 22, "all messages");
        Assert.InRange(order.ToList().IndexOf("other"), 1, 15);
    }

    [Fact]
    public void A_name_may_stand_for_another_section()
    {
        Assert.Equal(1, System.Dispatchers.Lookup("alias").Throughput);
        Assert.Throws<ConfigurationException>(() => System.Dispatchers.Lookup("circle"));
    }

    [Theory, InlineData("no-threads"), InlineData("no-type"), InlineData("nothing")]
    public void A_dispatcher_that_makes_no_sense_is_a_configuration_problem(string dispatcher) =>
        Assert.Throws<ConfigurationException>(() => System.Dispatchers.Lookup(dispatcher));

    [Fact]
    public async Task A_configurator_of_ones_own_gets_its_section()
    {
        var actor = On("custom", (_, c) => c.Sender.Tell(c.Dispatcher.Configurator.Config.GetString("marker")));
        Assert.Equal("here", await actor.Ask<string>("?", Patience));
    }

    [Fact]
    public async Task Work_can_be_scheduled_on_a_dispatcher_without_an_actor()
    {
        var thread = new TaskCompletionSource<bool>();
        System.Dispatchers.Lookup("two-threads").Schedule(() => thread.SetResult(Thread.CurrentThread.IsThreadPoolThread));
        Assert.False(await thread.Task.WaitAsync(Patience));
    }

    public sealed class OneByOneConfigurator(Config config, IDispatcherPrerequisites prerequisites)
        : MessageDispatcherConfigurator(config, prerequisites)
    {
        public override MessageDispatcher Dispatcher() =>
            new Akka.Dispatch.Dispatcher(this, "custom", 1, null, ConfigureExecutor(), TimeSpan.FromSeconds(1));
    }
}
