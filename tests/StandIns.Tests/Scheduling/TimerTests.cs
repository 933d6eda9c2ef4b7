using Akka.Actor;
using Akka.Configuration;

namespace TiKvActors.StandIns.Tests.Scheduling;

/// <summary>What the recorded TimersByKey scenario does not say.</summary>
public sealed class TimerTests : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _soon = TimeSpan.FromMilliseconds(1);

    private readonly ActorSystem _system =
        ActorSystem.Create("timers", ConfigurationFactory.ParseString("akka.loglevel = OFF, akka.stdout-loglevel = OFF"));

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _system.Terminate();

    private sealed class Scripted : ReceiveActor, IWithTimers, IWithUnboundedStash
    {
        public Scripted(Action<Scripted, object> handle) => ReceiveAny(message => handle(this, message));

        public ITimerScheduler Timers { get; set; }

        public IStash Stash { get; set; }

        public IActorRef From => Sender;
    }

    private IActorRef Actor(Action<Scripted, object> handle) => _system.ActorOf(Props.Create(() => new Scripted(handle)));

    [Fact]
    public async Task A_timer_can_end_its_actor_with_a_poison_pill()
    {
        var actor = Actor((self, _) => self.Timers.StartSingleTimer("end", PoisonPill.Instance, _soon));
        var ended = actor.WatchAsync();
        actor.Tell("begin");
        await ended.WaitAsync(_patience);
    }

    [Fact]
    public async Task A_timers_message_can_be_stashed_like_any_other()
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var stashed = false;
        var actor = Actor((self, message) =>
        {
            switch (message)
            {
                case "begin":
                    self.Timers.StartSingleTimer("key", "tick", _soon);
                    break;
                case "tick" when !stashed:
                    stashed = true;
                    self.Stash.Stash();
                    self.Timers.StartSingleTimer("open", "open", _soon);
                    break;
                case "open":
                    self.Stash.UnstashAll();
                    break;
                case "tick":
                    seen.TrySetResult("tick");
                    break;
            }
        });
        actor.Tell("begin");
        Assert.Equal("tick", await seen.Task.WaitAsync(_patience));
    }

    [Fact]
    public async Task The_keys_of_active_timers_are_known_and_a_sender_can_be_given()
    {
        var done = new TaskCompletionSource<(string[] Keys, string Sender)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var other = _system.ActorOf(Props.Empty, "other");
        var actor = Actor((self, message) =>
        {
            if (message is "begin")
            {
                self.Timers.StartPeriodicTimer("periodic", "x", TimeSpan.FromHours(1));
                self.Timers.StartSingleTimer("gone", "x", TimeSpan.FromHours(1));
                self.Timers.Cancel("gone");
                self.Timers.StartSingleTimer("single", "tick", _soon, other);
            }
            else
            {
                done.TrySetResult(([.. self.Timers.ActiveTimers.Cast<string>()], self.From.Path.Name));
            }
        });
        actor.Tell("begin");
        var (keys, sender) = await done.Task.WaitAsync(_patience);
        Assert.Equal(["periodic"], keys);
        Assert.Equal("other", sender);
    }

    [Fact]
    public async Task Timers_end_with_their_actor()
    {
        var scheduler = (HashedWheelTimerScheduler)_system.Scheduler;
        var before = scheduler.Waiting;
        var actor = Actor((self, _) =>
        {
            for (var i = 0; i < 100; i++) self.Timers.StartPeriodicTimer(i, "x", TimeSpan.FromHours(1));
            self.From.Tell("set");
        });
        await actor.Ask<string>("begin", _patience);
        Assert.Equal(before + 100, scheduler.Waiting);
        await actor.GracefulStop(_patience);
        var deadline = DateTime.UtcNow + _patience;
        while (scheduler.Waiting > before)
        {
            Assert.True(DateTime.UtcNow < deadline, $"{scheduler.Waiting} timers left, {before} before");
            await Task.Delay(2);
        }
    }
}
