using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class EventTests : ActorScene
{
    private sealed record News(int Number);

    [Fact]
    public async Task A_subscriber_that_has_ended_is_forgotten()
    {
        var dead = Published<DeadLetter>();
        var subscriber = Do((_, _) => { });
        System.EventStream.Subscribe(subscriber, typeof(News));
        await subscriber.GracefulStop(Patience);
        await Eventually.TrueAsync(() => !System.EventStream.Unsubscribe(subscriber), "the subscription to end by itself");
        System.EventStream.Publish(new News(1));
        Assert.DoesNotContain(dead, d => d.Message is News);
    }

    [Fact]
    public async Task Events_published_while_others_subscribe_reach_those_who_had_subscribed()
    {
        var seen = new ConcurrentQueue<int>();
        var steady = Do((m, _) => seen.Enqueue(((News)m).Number));
        System.EventStream.Subscribe(steady, typeof(News));
        var done = false;
        var coming = Task.Run(() =>
        {
            while (!Volatile.Read(ref done))
            {
                var passing = Do((_, _) => { });
                System.EventStream.Subscribe(passing, typeof(News));
                System.EventStream.Unsubscribe(passing, typeof(News));
                System.Stop(passing);
            }
        });
        for (var i = 0; i < 20_000; i++) System.EventStream.Publish(new News(i));
        Volatile.Write(ref done, true);
        await coming.WaitAsync(Patience);
        await Eventually.TrueAsync(() => seen.Count == 20_000, "all events");
        Assert.Equal(Enumerable.Range(0, 20_000), seen);
    }

    [Fact]
    public async Task The_level_decides_what_is_published_and_may_change()
    {
        var logged = Published<LogEvent>();
        var log = Logging.GetLogger(System, this);
        Assert.False(log.IsErrorEnabled);
        log.Error("not published");
        System.EventStream.SetLogLevel(LogLevel.WarningLevel);
        log.Info("nor this");
        log.Warning("{0} and {1}", 1, "two");
        // The system's own logger may say something as well.
        bool IsOurs(LogEvent e) => e.LogSource.StartsWith("EventTests", StringComparison.Ordinal);
        await Eventually.TrueAsync(() => logged.Any(IsOurs), "the warning");
        var warning = Assert.IsType<Warning>(Assert.Single(logged, IsOurs));
        Assert.Equal("1 and two", warning.Message.ToString());
        Assert.Equal("EventTests (akka://Test)", warning.LogSource);
        Assert.Equal(["two"], Assert.IsAssignableFrom<LogMessage>(warning.Message).Parameters().Skip(1));
        Assert.Contains("[WARNING]", warning.ToString());
    }

    [Fact]
    public void A_malformed_template_says_so_instead_of_failing_the_logger()
    {
        var message = new List<object>();
        var bus = new LoggingBus();
        bus.Subscribe(new Catching(message), typeof(LogEvent));
        Logging.GetLogger(bus, "source").Info("{0} of {7}", 1);
        var text = Assert.IsType<Info>(Assert.Single(message)).Message.ToString();
        Assert.Contains("{0} of {7}", text);
        Assert.Contains("malformed", text);
    }

    [Fact]
    public async Task Dead_letters_are_logged_as_often_as_configured_and_then_no_more_for_a_while()
    {
        var system = Start("akka { loglevel = INFO, log-dead-letters = 3, log-dead-letters-suspend-duration = 1h, loggers = [\""
            + typeof(Silent).FullName + ", StandIns.Tests\"] }");
        var logged = new ConcurrentQueue<string>();
        Action<object, IActorContext> collect = (m, _) => logged.Enqueue(((Info)m).Message.ToString());
        system.EventStream.Subscribe(system.ActorOf(Props.Create(() => new Doing(collect))), typeof(Info));
        await Eventually.TrueAsync(
            () =>
            {
                system.DeadLetters.Tell("lost", ActorRefs.NoSender);
                return logged.Any(l => l.Contains("no more dead letters will be logged in next"));
            },
            "the last one");
        var listener = await system.ActorSelection("/system/deadLetterListener").ResolveOne(Patience);
        for (var i = 0; i < 10; i++) system.DeadLetters.Tell("lost", ActorRefs.NoSender);
        await listener.Ask<ActorIdentity>(new Identify(1), Patience);
        Assert.Equal(3, logged.Count(l => l.Contains("was not delivered")));
    }

    [Fact]
    public async Task Unhandled_messages_are_logged_if_that_is_configured()
    {
        var system = Start("akka.actor.debug.unhandled = on");
        var logged = new ConcurrentQueue<Debug>();
        Action<object, IActorContext> collect = (m, _) => logged.Enqueue((Debug)m);
        system.EventStream.Subscribe(system.ActorOf(Props.Create(() => new Doing(collect))), typeof(Debug));
        var actor = system.ActorOf(Props.Empty, "empty");
        await Eventually.TrueAsync(
            () =>
            {
                actor.Tell("what is this");
                return logged.Any(d => d.LogSource == "akka://Test/user/empty"
                    && d.Message.ToString().EndsWith("what is this", StringComparison.Ordinal));
            },
            "the log of an unhandled message");
    }

    public sealed class Silent : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is InitializeLogger) Sender.Tell(new LoggerInitialized());
        }
    }

    private sealed class Catching(List<object> messages) : MinimalActorRef
    {
        public override ActorPath Path { get; } = new RootActorPath(Address.AllSystems, "catching");

        public override IActorRefProvider Provider => throw new NotSupportedException();

        protected override void TellInternal(object message, IActorRef sender) => messages.Add(message);
    }
}
