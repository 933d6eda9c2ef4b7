using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class AsyncHandlerTests : ActorScene
{
    [Fact]
    public async Task Code_after_an_await_never_runs_beside_other_code_of_the_actor()
    {
        var (inside, overlaps, handled) = (0, 0, 0);
        var actor = Handle(async (_, _) =>
        {
            for (var i = 0; i < 5; i++)
            {
                if (Interlocked.Increment(ref inside) != 1) overlaps++;
                Thread.SpinWait(50);
                Interlocked.Decrement(ref inside);
                await Task.Yield();
            }
            Interlocked.Increment(ref handled);
        });
        for (var i = 0; i < 2_000; i++) actor.Tell(i);
        await Eventually.TrueAsync(() => Volatile.Read(ref handled) == 2_000, "all messages");
        Assert.Equal(0, overlaps);
    }

    [Fact]
    public async Task Context_and_sender_are_there_after_every_await()
    {
        var actor = Handle(async (m, context) =>
        {
            await Task.Delay(1);
            await Task.WhenAll(Task.Delay(1), Task.Yield().AsTask());
            context().Sender.Tell($"{m} by {context().Self.Path.Name}");
        }, "named");
        for (var i = 0; i < 20; i++) Assert.Equal($"{i} by named", await actor.Ask<string>(i, Patience));
    }

    [Fact]
    public async Task A_handler_that_has_nothing_to_wait_for_costs_no_turn()
    {
        var seen = new ConcurrentQueue<object>();
        var actor = Handle((m, _) =>
        {
            seen.Enqueue(m);
            return Task.CompletedTask;
        });
        for (var i = 0; i < 1_000; i++) actor.Tell(i);
        await Eventually.TrueAsync(() => seen.Count == 1_000, "all messages");
        Assert.Equal(Enumerable.Range(0, 1_000).Cast<object>(), seen);
    }

    [Fact]
    public async Task Stopping_an_actor_that_waits_ends_it_at_once_and_forgets_the_rest_of_its_handler()
    {
        var dead = Published<DeadLetter>();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (begun, ended) = (false, false);
        var actor = Handle(async (_, _) =>
        {
            begun = true;
            await gate.Task;
            ended = true;
        });
        actor.Tell("x");
        await Eventually.TrueAsync(() => Volatile.Read(ref begun), "the handler to begin");
        actor.Tell("behind");
        System.Stop(actor);
        Assert.True(await actor.WatchAsync().WaitAsync(Patience));
        gate.SetResult();
        await Eventually.TrueAsync(() => dead.Any(d => d.Message is "behind"), "the message behind it");
        Assert.False(ended);
        Assert.DoesNotContain(dead, d => d.Message is Akka.Dispatch.SysMsg.ActorTask);
    }

    [Fact]
    public async Task A_restart_from_outside_gives_up_what_the_old_instance_waits_for()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var parent = System.ActorOf(Props.Create(() => new Siblings(gate.Task, begun)));
        parent.Tell("wait");
        await begun.Task.WaitAsync(Patience);
        parent.Tell("fail");
        // The waiting sibling was restarted with the failed one and handles messages again.
        Assert.Equal("alive", await parent.Ask<string>("ask", Patience));
        gate.SetResult();
        for (var i = 0; i < 10; i++) Assert.Equal("alive", await parent.Ask<string>("ask", Patience));
    }

    [Fact]
    public void RunTask_outside_of_an_actor_is_refused()
    {
        // On a thread of its own: TestKit leaves its test actor's context on threads of the pool that it has begun a test on.
        Exception refusal = null;
        var thread = new Thread(() => refusal = Record.Exception(() => Akka.Dispatch.ActorTaskScheduler.RunTask(() => Task.CompletedTask)));
        thread.Start();
        thread.Join();
        Assert.IsType<InvalidOperationException>(refusal);
    }

    private IActorRef Handle(Func<object, Func<IActorContext>, Task> handle, string name = null) =>
        System.ActorOf(Props.Create(() => new Handling(handle)), name);

    private sealed class Handling : ReceiveActor
    {
        public Handling(Func<object, Func<IActorContext>, Task> handle) => ReceiveAnyAsync(m => handle(m, () => Context));
    }

    private sealed class Siblings : ReceiveActor
    {
        public Siblings(Task gate, TaskCompletionSource begun)
        {
            var waiting = Context.ActorOf(Props.Create(() => new Waiting(gate, begun)));
            var failing = Context.ActorOf(Props.Create(() => new Failing()));
            Receive<string>(m => m == "fail", failing.Forward);
            ReceiveAny(waiting.Forward);
        }

        protected override SupervisorStrategy SupervisorStrategy() => new AllForOneStrategy(_ => Directive.Restart);
    }

    private sealed class Waiting : ReceiveActor
    {
        public Waiting(Task gate, TaskCompletionSource begun)
        {
            ReceiveAsync<string>(m => m == "wait", async _ =>
            {
                begun.SetResult();
                await gate;
                throw new InvalidOperationException("of an instance that is gone");
            });
            ReceiveAny(_ => Sender.Tell("alive"));
        }
    }

    private sealed class Failing : UntypedActor
    {
        protected override void OnReceive(object message) => throw new InvalidOperationException("on purpose");
    }
}

internal static class YieldExtensions
{
    public static async Task AsTask(this System.Runtime.CompilerServices.YieldAwaitable yielding) => await yielding;
}
