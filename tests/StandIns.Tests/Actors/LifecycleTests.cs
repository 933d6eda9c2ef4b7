using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Event;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class LifecycleTests : ActorScene
{
    [Fact]
    public async Task Ten_thousand_actors_come_and_go_and_leave_no_child_and_no_instance()
    {
        const int Actors = 10_000;
        var instances = new ConcurrentBag<WeakReference>();
        var gone = 0;
        var parent = System.ActorOf(Props.Create(() => new Breeder(instances, () => Interlocked.Increment(ref gone))));
        parent.Tell(Actors);
        await Eventually.TrueAsync(() => Volatile.Read(ref gone) == Actors, "all children to end");
        Assert.Equal(0, await parent.Ask<int>("children", Patience));
        Assert.Equal(Actors, instances.Count);
        await Eventually.TrueAsync(
            () =>
            {
                GC.Collect();
                return Alive(instances) <= 2;
            },
            "the instances to be collected");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Alive(ConcurrentBag<WeakReference> instances) => instances.Count(i => i.IsAlive);

    [Fact]
    public async Task Every_watcher_is_told_once_however_the_watch_and_the_end_meet()
    {
        for (var round = 0; round < 200; round++)
        {
            var told = new int[3];
            var target = Do((_, _) => { });
            var watchers = Enumerable.Range(0, told.Length).Select(i => Do((m, c) =>
            {
                if (m is Terminated) Interlocked.Increment(ref told[i]);
                else c.Watch(target);
            })).ToList();
            var stopping = Task.Run(() => System.Stop(target));
            foreach (var watcher in watchers) watcher.Tell("watch", ActorRefs.NoSender);
            await stopping;
            await Eventually.TrueAsync(() => told.All(t => t >= 1), $"all watchers to be told in round {round}");
            Assert.All(told, t => Assert.Equal(1, t));
        }
    }

    [Fact]
    public async Task An_actor_below_a_guardian_that_is_made_while_the_system_ends_ends_too()
    {
        var system = Start("");
        var (started, stopped) = (0, 0);
        var makers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            try
            {
                while (true)
                    system.ActorOf(Props.Create(
                        () => new Counted(() => Interlocked.Increment(ref started), () => Interlocked.Increment(ref stopped))));
            }
            catch (InvalidOperationException)
            {
                // The system has begun to end.
            }
        })).ToList();
        await Eventually.TrueAsync(() => Volatile.Read(ref started) > 100, "some actors");
        await system.Terminate().WaitAsync(Patience);
        Assert.Equal(Volatile.Read(ref started), Volatile.Read(ref stopped));
        await Task.WhenAll(makers).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_failure_in_PostStop_does_not_keep_an_actor_from_its_end()
    {
        var actor = System.ActorOf(
            Props.Create(typeof(Counted), Nothing, (Action)(() => throw new InvalidOperationException("on purpose"))));
        Assert.True(await actor.GracefulStop(Patience));
    }

    [Fact]
    public async Task An_actor_whose_restart_fails_is_stopped_by_default()
    {
        var made = 0;
        var actor = System.ActorOf(Props.Create(() => new OnceOnly(() => Interlocked.Increment(ref made))));
        var end = actor.WatchAsync();
        actor.Tell("fail");
        Assert.True(await end.WaitAsync(Patience));
        Assert.Equal(2, made);
    }

    [Fact]
    public async Task A_decider_that_fails_is_the_supervisors_own_failure()
    {
        var made = 0;
        var parent = System.ActorOf(Props.Create(() => new Undecided(() => Interlocked.Increment(ref made))));
        parent.Tell("fail");
        await Eventually.TrueAsync(() => Volatile.Read(ref made) == 2, "the parent's restart");
        Assert.Equal("alive", await parent.Ask<string>("?", Patience));
    }

    [Fact]
    public async Task A_restart_of_the_system_guardians_child_is_not_the_end()
    {
        var unhandled = Published<UnhandledMessage>();
        var service = ((ExtendedActorSystem)System).SystemActorOf(Props.Create(() => new Undecided(Nothing)), "service");
        service.Tell("fail");
        Assert.Equal("alive", await service.Ask<string>("?", Patience));
        Assert.Equal("akka://Test/system/service", service.Path.ToString());
        Assert.Empty(unhandled);
    }

    [Fact]
    public async Task Names_are_found_from_everywhere_and_free_after_the_end()
    {
        for (var i = 0; i < 50; i++)
        {
            var named = Do((m, c) => c.Sender.Tell(m), "again");
            Assert.Equal(i, await System.ActorSelection("/user/again").Ask<int>(i, Patience));
            Assert.Equal(named, await System.ActorSelection("akka://Test/user/again").ResolveOne(Patience));
            await named.GracefulStop(Patience);
            await Eventually.TrueAsync(
                () => ((ExtendedActorSystem)System).Provider.ResolveActorRef("akka://Test/user/again") is EmptyLocalActorRef,
                "the name to be free");
        }
    }

    private static readonly Action Nothing = () => { };

    private sealed class Breeder : ReceiveActor
    {
        public Breeder(ConcurrentBag<WeakReference> instances, Action gone)
        {
            Receive<int>(n =>
            {
                for (var i = 0; i < n; i++)
                {
                    var child = Context.ActorOf(Props.Create(() => new Remembered(instances)));
                    Context.Watch(child);
                    if (i % 2 == 0) child.Tell(PoisonPill.Instance);
                    else Context.Stop(child);
                }
            });
            Receive<Terminated>(_ => gone());
            Receive<string>(_ => Sender.Tell(Context.GetChildren().Count()));
        }
    }

    private sealed class Remembered : UntypedActor
    {
        public Remembered(ConcurrentBag<WeakReference> instances) => instances.Add(new WeakReference(this));

        protected override void OnReceive(object message) => Unhandled(message);
    }

    private sealed class Counted(Action started, Action stopped) : UntypedActor
    {
        protected override void PreStart() => started();

        protected override void PostStop() => stopped();

        protected override void OnReceive(object message) => Unhandled(message);
    }

    private sealed class OnceOnly : UntypedActor
    {
        public OnceOnly(Func<int> made)
        {
            if (made() > 1) throw new InvalidOperationException("only once");
        }

        protected override void OnReceive(object message) => throw new InvalidOperationException("on purpose");
    }

    private sealed class Undecided : UntypedActor
    {
        private readonly IActorRef _child;

        public Undecided(Action made)
        {
            made();
            _child = Context.ActorOf(Props.Create(() => new Failing()));
        }

        protected override SupervisorStrategy SupervisorStrategy() =>
            new OneForOneStrategy(_ => throw new InvalidOperationException("cannot decide"));

        protected override void OnReceive(object message)
        {
            if (message is "fail") _child.Tell(message);
            else Sender.Tell("alive");
        }
    }

    private sealed class Failing : UntypedActor
    {
        protected override void OnReceive(object message) => throw new InvalidOperationException("on purpose");
    }
}
