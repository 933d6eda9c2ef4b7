using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;
using Akka.Event;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class MailboxTests : ActorScene
{
    protected override string Hocon => $$"""
        small { mailbox-type = "Akka.Dispatch.BoundedMailbox, Akka", mailbox-capacity = 3, mailbox-push-timeout-time = 50ms }
        small-deque {
          mailbox-type = "Akka.Dispatch.BoundedDequeBasedMailbox, Akka", mailbox-capacity = 3, mailbox-push-timeout-time = 50ms
        }
        no-capacity { mailbox-type = "Akka.Dispatch.BoundedMailbox, Akka", mailbox-capacity = 0 }
        own { mailbox-type = "{{typeof(NewestFirst).FullName}}, StandIns.Tests" }
        no-type { mailbox-type = "No.Such.Type, Nowhere" }
        akka.actor.deployment { "/deployed" { mailbox = small }, "/parent/*" { mailbox = small } }
        """;

    private IActorRef Gated(string mailbox, ConcurrentQueue<object> seen, ManualResetEventSlim gate, string name = null)
    {
        Action<object, IActorContext> receive = (m, _) =>
        {
            if (m is "wait") gate.Wait(Patience);
            seen.Enqueue(m);
        };
        var props = Props.Create(() => new Doing(receive));
        return System.ActorOf(mailbox == null ? props : props.WithMailbox(mailbox), name);
    }

    [Theory, InlineData("small"), InlineData("small-deque")]
    public async Task A_full_bounded_mailbox_makes_the_sender_wait_and_then_the_message_a_dead_letter(string mailbox)
    {
        var dead = Published<DeadLetter>();
        var seen = new ConcurrentQueue<object>();
        using var gate = new ManualResetEventSlim();
        var actor = Gated(mailbox, seen, gate);
        actor.Tell("wait");
        await Eventually.TrueAsync(() => ((LocalActorRef)actor).Cell.NumberOfMessages == 0, "the first message to be taken");
        for (var i = 1; i <= 3; i++) actor.Tell(i);
        Assert.Equal(3, ((LocalActorRef)actor).Cell.NumberOfMessages);
        actor.Tell("too much");
        await Eventually.TrueAsync(() => dead.Any(d => d.Message is "too much" && d.Recipient.Equals(actor)), "the dead letter");
        var waiting = Task.Run(() => actor.Tell("in time"));
        gate.Set();
        await waiting.WaitAsync(Patience);
        await Eventually.TrueAsync(() => seen.Count >= 4, "the messages in the mailbox");
        Assert.Equal(["wait", 1, 2, 3], seen.Take(4));
    }

    [Theory, InlineData("/user/deployed"), InlineData("/user/parent/any")]
    public async Task A_deployment_gives_an_actor_its_mailbox(string path)
    {
        if (path.Contains("parent"))
        {
            var parent = Do((m, c) => c.Sender.Tell(c.ActorOf(Props.Empty, (string)m)), "parent");
            await parent.Ask<IActorRef>("any", Patience);
        }
        else
        {
            System.ActorOf(Props.Empty, "deployed");
        }
        var actor = (LocalActorRef)await System.ActorSelection(path).ResolveOne(Patience);
        Assert.IsType<BoundedMessageQueue>(actor.Cell.Mailbox.MessageQueue);
    }

    [Fact]
    public async Task A_mailbox_type_of_ones_own_decides_the_order()
    {
        var seen = new ConcurrentQueue<object>();
        using var gate = new ManualResetEventSlim();
        var actor = Gated("own", seen, gate);
        actor.Tell("wait");
        await Eventually.TrueAsync(() => ((LocalActorRef)actor).Cell.NumberOfMessages == 0, "the first message to be taken");
        foreach (var m in new[] { 1, 2, 3 }) actor.Tell(m);
        gate.Set();
        await Eventually.TrueAsync(() => seen.Count == 4, "all messages");
        Assert.Equal(["wait", 3, 2, 1], seen);
    }

    [Theory, InlineData("no-capacity"), InlineData("no-type"), InlineData("no-section")]
    public void A_mailbox_that_makes_no_sense_is_a_configuration_problem_that_names_it(string mailbox)
    {
        var problem = Assert.Throws<ConfigurationException>(() => System.ActorOf(Props.Empty.WithMailbox(mailbox)));
        Assert.Contains(mailbox, problem.Message);
        Assert.NotNull(problem.InnerException);
    }

    [Fact]
    public void An_actor_that_stashes_has_a_queue_with_two_ends()
    {
        var queue = ((LocalActorRef)System.ActorOf(Props.Create<Stasher>())).Cell.Mailbox.MessageQueue;
        Assert.IsType<UnboundedDequeMessageQueue>(queue);
        var problem = Assert.Throws<ConfigurationException>(() => System.ActorOf(Props.Create<Stasher>().WithMailbox("small")));
        Assert.IsType<ArgumentException>(problem.InnerException);
    }

    private sealed class Stasher : UntypedActorWithUnboundedStash
    {
        protected override void OnReceive(object message) => Stash.Stash();
    }

    public sealed class NewestFirst(Settings settings, Config config) : MailboxType(settings, config)
    {
        public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new Queue();

        private sealed class Queue : IMessageQueue
        {
            private readonly ConcurrentStack<Envelope> _stack = new();

            public bool HasMessages => !_stack.IsEmpty;

            public int Count => _stack.Count;

            public void Enqueue(IActorRef receiver, Envelope envelope) => _stack.Push(envelope);

            public bool TryDequeue(out Envelope envelope) => _stack.TryPop(out envelope);

            public void CleanUp(IActorRef owner, IMessageQueue deadletters)
            {
                while (TryDequeue(out var envelope)) deadletters.Enqueue(owner, envelope);
            }
        }
    }
}
