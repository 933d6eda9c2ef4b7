using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit.Internal;

namespace Akka.TestKit;

public interface INoImplicitSender;

/// <summary>
/// A test with an actor system and a test actor, whose messages the test takes and judges. Where nothing else is the sender, the
/// test actor is, on the thread that made the kit.
/// </summary>
public abstract partial class TestKitBase : IActorRefFactory
{
    private static int _testActors;

    private readonly ITestKitAssertions _assertions;
    private readonly MessageQueue _queue = new();
    private MessageEnvelope _last = NullMessageEnvelope.Instance;
    private ActorCellKeepingSynchronizationContext _context;
    private SynchronizationContext _outerContext;

    protected TestKitBase(ITestKitAssertions assertions, ActorSystem system = null, string testActorName = null)
        : this(assertions, system, ActorSystemSetup.Empty, null, testActorName)
    {
    }

    protected TestKitBase(ITestKitAssertions assertions, ActorSystemSetup setup, string actorSystemName = null, string testActorName = null)
        : this(assertions, null, setup, actorSystemName, testActorName)
    {
    }

    protected TestKitBase(ITestKitAssertions assertions, Config config, string actorSystemName = null, string testActorName = null)
        : this(assertions, null, SetupOf(config), actorSystemName, testActorName)
    {
    }

    protected TestKitBase(
        ITestKitAssertions assertions, ActorSystem system, ActorSystemSetup config, string actorSystemName, string testActorName)
    {
        _assertions = assertions
            ?? throw new ArgumentNullException(nameof(assertions), "The test kit needs the assertions of a test framework.");
        InitializeTest(system, config, actorSystemName, testActorName);
    }

    public static Config DefaultConfig { get; } = ConfigurationFactory.FromResource<TestKitBase>("Akka.TestKit.Internal.Reference.conf");

    public static Config FullDebugConfig { get; } = ConfigurationFactory.ParseString("""
        akka {
          loglevel = DEBUG
          log-dead-letters = on
          actor.debug { receive = on, autoreceive = on, lifecycle = on, event-stream = on, unhandled = on }
        }
        """);

    /// <summary>Monotonic; only differences mean anything.</summary>
    public static TimeSpan Now => TimeSpan.FromTicks(Environment.TickCount64 * TimeSpan.TicksPerMillisecond);

    public ActorSystem Sys { get; private set; }

    public TestKitSettings TestKitSettings { get; private set; }

    public IActorRef TestActor { get; private set; }

    public ILoggingAdapter Log { get; private set; }

    public EventFilterFactory EventFilter { get; private set; }

    internal ITestKitAssertions Assertions => _assertions;

    public bool HasMessages => _queue.Count > 0;

    /// <summary>Of the message that the test took last.</summary>
    public IActorRef LastSender => _last.Sender;

    public object LastMessage => _last.Message;

    protected virtual void InitializeTest(ActorSystem system, ActorSystemSetup config, string actorSystemName, string testActorName)
    {
        Sys = system ?? ActorSystem.Create(actorSystemName ?? "test", WithDefaults(config));
        TestKitSettings = TestKitExtension.For(Sys);
        Log = Logging.GetLogger(Sys, GetType());
        EventFilter = new EventFilterFactory(this, Sys);
        TestActor = CreateTestActor(_queue, testActorName);
        if (this is not INoImplicitSender) MarkThread((ActorCell)((ActorRefWithCell)TestActor).Underlying);
    }

    protected void InitializeTest(ActorSystem system, Config config, string actorSystemName, string testActorName) =>
        InitializeTest(system, SetupOf(config), actorSystemName, testActorName);

    public IActorRef CreateTestActor(string name) => CreateTestActor(_queue, name);

    public EventFilterFactory CreateEventFilter(ActorSystem system) => new(this, system);

    public virtual TestProbe CreateTestProbe(string name = null) => CreateTestProbe(Sys, name);

    public virtual TestProbe CreateTestProbe(ActorSystem system, string name = null) => new(system, _assertions, name);

    /// <summary>Messages that the function accepts are dropped from now on; those that wait already are not.</summary>
    public void IgnoreMessages(Func<object, bool> shouldIgnoreMessage) =>
        TestActor.Tell(new InternalTestActor.SetIgnore(shouldIgnoreMessage), ActorRefs.NoSender);

    public void IgnoreMessages<TMsg>() => IgnoreMessages(static m => m is TMsg);

    public void IgnoreMessages<TMsg>(Func<TMsg, bool> shouldIgnoreMessage) =>
        IgnoreMessages(m => m is TMsg typed && shouldIgnoreMessage(typed));

    public void IgnoreNoMessages() => IgnoreMessages(static _ => false);

    public IActorRef Watch(IActorRef actorToWatch)
    {
        TestActor.Tell(new InternalTestActor.Watch(actorToWatch), ActorRefs.NoSender);
        return actorToWatch;
    }

    public IActorRef Unwatch(IActorRef actorToUnwatch)
    {
        TestActor.Tell(new InternalTestActor.Unwatch(actorToUnwatch), ActorRefs.NoSender);
        return actorToUnwatch;
    }

    /// <summary>A waiting time, longer on a slow machine: <c>akka.test.timefactor</c>.</summary>
    public TimeSpan Dilated(TimeSpan duration) =>
        duration == Timeout.InfiniteTimeSpan ? duration : duration * TestKitSettings.TestTimeFactor;

    /// <summary>Ends the actor system and waits for it.</summary>
    public virtual void Shutdown(TimeSpan? duration = null, bool verifySystemShutdown = false)
    {
        UnmarkThread();
        Shutdown(Sys, duration, verifySystemShutdown);
    }

    protected virtual void Shutdown(ActorSystem system, TimeSpan? duration = null, bool verifySystemShutdown = false)
    {
        var timeout = duration ?? Dilated(TestKitSettings.DefaultTimeout);
        if (system.Terminate().Wait(timeout)) return;
        var text = $"Failed to stop [{system.Name}] within [{timeout}]";
        if (verifySystemShutdown) throw new TimeoutException(text);
        system.Log.Warning(text);
    }

    private void MarkThread(ActorCell cell)
    {
        InternalCurrentActorCellKeeper.Current = cell;
        _outerContext = SynchronizationContext.Current;
        // Asynchronous tests go on in other threads, which take the sender along.
        _context = new ActorCellKeepingSynchronizationContext(cell);
        SynchronizationContext.SetSynchronizationContext(_context);
    }

    private void UnmarkThread()
    {
        if (_context == null || !ReferenceEquals(InternalCurrentActorCellKeeper.Current?.Self, TestActor)) return;
        InternalCurrentActorCellKeeper.Current = null;
        if (ReferenceEquals(SynchronizationContext.Current, _context)) SynchronizationContext.SetSynchronizationContext(_outerContext);
    }

    private IActorRef CreateTestActor(MessageQueue queue, string name) =>
        ((ExtendedActorSystem)Sys).SystemActorOf(
            Props.Create(() => new InternalTestActor(queue)).WithDispatcher("akka.test.calling-thread-dispatcher"),
            (name ?? "testActor") + Interlocked.Increment(ref _testActors));

    private static ActorSystemSetup SetupOf(Config config) =>
        ActorSystemSetup.Empty.And(BootstrapSetup.Create().WithConfig(config ?? ConfigurationFactory.Empty));

    private static ActorSystemSetup WithDefaults(ActorSystemSetup setup)
    {
        var bootstrap = setup.Get<BootstrapSetup>();
        var given = bootstrap.HasValue ? bootstrap.Value : BootstrapSetup.Create();
        var config = given.Config.HasValue ? given.Config.Value.WithFallback(DefaultConfig) : DefaultConfig;
        return setup.And(given.WithConfig(config));
    }
}
