using Akka.Actor;
using Akka.Configuration;
using Akka.Pattern;

namespace TiKvActors.StandIns.Tests.Patterns;

/// <summary>What the recorded scenario of the back-off supervisor does not say.</summary>
public sealed class BackoffSupervisorTests : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _soon = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan _late = TimeSpan.FromMilliseconds(100);

    private readonly ActorSystem _system =
        ActorSystem.Create("backoff", ConfigurationFactory.ParseString("akka.loglevel = OFF, akka.stdout-loglevel = OFF"));
    private readonly List<string> _seen = [];

    private sealed class Child : ReceiveActor
    {
        public Child(List<string> seen)
        {
            lock (seen) seen.Add("started");
            Receive<string>(m => m == "stop", _ => Context.Stop(Self));
            Receive<string>(m => m == "fail", _ => throw new InvalidOperationException("on purpose"));
            Receive<string>(m => m == "resume", _ => throw new ArgumentException("on purpose"));
            Receive<string>(m => m == "tell parent", _ => Context.Parent.Tell("from child"));
            ReceiveAny(m => Sender.Tell(m));
        }
    }

    private sealed class Grandparent : ReceiveActor
    {
        public Grandparent(Props props, TaskCompletionSource<object> heard)
        {
            var supervisor = Context.ActorOf(props, "supervisor");
            Receive<string>(m => m == "from child", m => heard.TrySetResult(m));
            Receive<string>(supervisor.Forward);
        }
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _system.Terminate();

    private Props ChildProps => Props.Create(() => new Child(_seen));

    private int Started
    {
        get
        {
            lock (_seen) return _seen.Count;
        }
    }

    private static async Task<int> Restarts(IActorRef supervisor) =>
        (await supervisor.Ask<BackoffSupervisor.RestartCount>(BackoffSupervisor.GetRestartCount.Instance, _patience)).Count;

    [Theory]
    [InlineData("stop")]
    [InlineData("fail")]
    public async Task Stops_itself_after_as_many_restarts_as_allowed(string how)
    {
        var options = how == "stop"
            ? Backoff.OnStop(ChildProps, "child", _soon, _late, 0, 2)
            : Backoff.OnFailure(ChildProps, "child", _soon, _late, 0, 2);
        var supervisor = _system.ActorOf(BackoffSupervisor.Props(options.WithManualReset()), "limited-" + how);
        var ended = supervisor.WatchAsync();
        for (var restart = 1; restart <= 3; restart++)
        {
            await Eventually.TrueAsync(() => Started == restart, $"start {restart}");
            supervisor.Tell(how);
        }
        await ended.WaitAsync(_patience);
        Assert.Equal(3, Started);
    }

    [Fact]
    public async Task Forgets_the_restarts_of_a_child_that_has_run_for_long_enough()
    {
        var supervisor = _system.ActorOf(
            BackoffSupervisor.Props(Backoff.OnStop(ChildProps, "child", _soon, _late, 0, -1).WithAutoReset(TimeSpan.FromMilliseconds(50))),
            "auto");
        supervisor.Tell("stop");
        await Eventually.TrueAsync(() => Started == 2, "the second start");
        await Eventually.TrueAsync(async () => await Restarts(supervisor) == 0, "no restart counted");
    }

    [Fact]
    public async Task A_final_message_makes_the_childs_end_its_own()
    {
        var supervisor = _system.ActorOf(
            BackoffSupervisor.Props(Backoff.OnStop(ChildProps, "child", _soon, _late, 0, -1).WithFinalStopMessage(m => m is "stop")),
            "final");
        var ended = supervisor.WatchAsync();
        supervisor.Tell("stop");
        await ended.WaitAsync(_patience);
        Assert.Equal(1, Started);
    }

    [Fact]
    public async Task On_failure_it_ends_with_a_child_that_stops_itself()
    {
        var supervisor = _system.ActorOf(BackoffSupervisor.Props(Backoff.OnFailure(ChildProps, "child", _soon, _late, 0, -1)), "ends");
        var ended = supervisor.WatchAsync();
        supervisor.Tell("stop");
        await ended.WaitAsync(_patience);
    }

    [Fact]
    public async Task Its_strategy_decides_which_failures_count()
    {
        var strategy = new OneForOneStrategy(cause => cause is ArgumentException ? Directive.Resume : Directive.Restart);
        var supervisor = _system.ActorOf(BackoffSupervisor.Props(
            Backoff.OnFailure(ChildProps, "child", _soon, _late, 0, -1).WithSupervisorStrategy(strategy).WithManualReset()), "decides");
        supervisor.Tell("resume");
        Assert.Equal("still there", await supervisor.Ask<string>("still there", _patience));
        Assert.Equal((0, 1), (await Restarts(supervisor), Started));
        supervisor.Tell("fail");
        await Eventually.TrueAsync(async () => await Restarts(supervisor) == 1 && Started == 2, "one restart");
    }

    [Fact]
    public async Task What_the_child_tells_its_parent_goes_to_the_supervisors_parent()
    {
        var heard = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        var props = BackoffSupervisor.Props(Backoff.OnStop(ChildProps, "child", _soon, _late, 0, -1));
        _system.ActorOf(Props.Create(() => new Grandparent(props, heard)), "grandparent").Tell("tell parent");
        Assert.Equal("from child", await heard.Task.WaitAsync(_patience));
    }

    [Fact]
    public void Delays_double_up_to_the_longest_and_stay_there()
    {
        var settings = new BackoffSettings(
            TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), new ManualReset(), 0, SupervisorStrategy.DefaultStrategy, null, null);
        Assert.Equal([1, 2, 4, 8, 10, 10, 10], new[] { 0, 1, 2, 3, 4, 30, int.MaxValue }.Select(n => settings.DelayOf(n).TotalSeconds));
        var random = settings with { RandomFactor = 0.5 };
        for (var i = 0; i < 100; i++) Assert.InRange(random.DelayOf(1).TotalSeconds, 2, 3);
    }

    [Fact]
    public void Impossible_options_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Backoff.OnStop(ChildProps, "child", TimeSpan.Zero, _late, 0, -1));
        Assert.Throws<ArgumentException>(() => Backoff.OnStop(ChildProps, "child", _late, _soon, 0, -1));
        Assert.Throws<ArgumentException>(() => Backoff.OnStop(ChildProps, "child", _soon, _late, 2, -1));
        Assert.Throws<ArgumentException>(
            () => BackoffSupervisor.Props(Backoff.OnStop(ChildProps, "child", _soon, _late, 0, -1).WithAutoReset(TimeSpan.FromMinutes(1))));
    }
}
