using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

namespace TiKvActors.StandIns.Tests.Mailboxes;

/// <summary>What the recorded PriorityMailbox scenario does not say.</summary>
public class PriorityMailboxTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    public sealed class LowestFirst(Settings settings, Config config) : UnboundedPriorityMailbox(settings, config)
    {
        protected override int PriorityGenerator(object message) => message is int n ? n : int.MinValue;
    }

    private sealed class Stashing : ReceiveActor, IWithUnboundedStash
    {
        public Stashing(List<object> seen, TaskCompletionSource stashed, ManualResetEventSlim gate, TaskCompletionSource all)
        {
            var count = 0;
            Receive<string>(m => m == "wait", _ => gate.Wait(_patience));
            Receive<string>(m => m == "open", _ =>
            {
                Become(() => ReceiveAny(m =>
                {
                    seen.Add(m);
                    if (seen.Count == 5) all.SetResult();
                }));
                Stash.UnstashAll();
            });
            ReceiveAny(_ =>
            {
                Stash.Stash();
                if (++count == 3) stashed.SetResult();
            });
        }

        public IStash Stash { get; set; }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public void Equal_priorities_keep_their_order_in_the_stable_queue_and_what_is_put_first_comes_first()
    {
        var queue = new UnboundedStablePriorityMessageQueue(message => message is string text ? text[0] : 0, 4);
        foreach (var text in new[] { "b1", "a1", "b2", "a2", "c1" }) queue.Enqueue(null, new Envelope(text, null));
        queue.EnqueueFirst(new Envelope("z", null));
        Assert.Equal(6, queue.Count);
        var order = new List<object>();
        while (queue.TryDequeue(out var envelope)) order.Add(envelope.Message);
        Assert.Equal(["z", "a1", "a2", "b1", "b2", "c1"], order);
        Assert.False(queue.HasMessages);
    }

    [Fact]
    public async Task A_stash_puts_back_before_everything_that_waits()
    {
        var system = ActorSystem.Create("priorities", ConfigurationFactory.ParseString($$"""
            akka.loglevel = OFF, akka.stdout-loglevel = OFF
            lowest-first.mailbox-type = "{{typeof(LowestFirst).FullName}}, {{typeof(LowestFirst).Assembly.GetName().Name}}"
            """));
        var (seen, stashed, gate, all) = (new List<object>(), NewSource(), new ManualResetEventSlim(), NewSource());
        var actor = system.ActorOf(Props.Create(() => new Stashing(seen, stashed, gate, all)).WithMailbox("lowest-first"));
        foreach (var n in new[] { 7, 9, 8 }) actor.Tell(n);
        await stashed.Task.WaitAsync(_patience);
        foreach (var message in new object[] { "wait", 2, 1, "open" }) actor.Tell(message);
        gate.Set();
        await all.Task.WaitAsync(_patience);
        await system.Terminate();
        // The three in the order in which they came to the actor, which depends on when it began; then the rest by priority.
        Assert.Equal([7, 8, 9], seen.Take(3).Cast<int>().Order());
        Assert.Equal([1, 2], seen.Skip(3).Cast<int>());
    }
}
