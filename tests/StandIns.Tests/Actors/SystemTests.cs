using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class SystemTests : ActorScene
{
    [Fact]
    public void An_extension_that_could_not_be_made_is_tried_again()
    {
        var flaky = new FlakyProvider();
        Assert.Throws<TimeoutException>(() => flaky.Apply(System));
        Assert.False(System.HasExtension<Flaky>());
        Assert.NotNull(flaky.Apply(System));
        Assert.Same(flaky.Get(System), System.GetExtension<Flaky>());
    }

    [Theory]
    [InlineData("akka.loggers = [\"No.Such.Logger\"]", "No.Such.Logger")]
    [InlineData("akka.actor.provider = \"No.Such.Provider\"", "No.Such.Provider")]
    [InlineData("akka.scheduler.implementation = \"No.Such.Scheduler\"", "No.Such.Scheduler")]
    [InlineData("akka.coordinated-shutdown.terminate-actor-system = off", "terminate-actor-system")]
    public void A_setting_that_makes_no_sense_is_named(string hocon, string named) =>
        Assert.Contains(
            named, Assert.Throws<ConfigurationException>(() => ActorSystem.Create("Test", hocon + "\nakka.stdout-loglevel = OFF")).Message);

    [Fact]
    public async Task Setups_reach_the_system_and_its_configuration()
    {
        var bootstrap = BootstrapSetup.Create().WithConfig("akka { loglevel = OFF, stdout-loglevel = OFF }\nmine = 1")
            .WithConfigFallback("mine = 2, yours = 3").WithActorRefProvider(ProviderSelection.Local.Instance);
        var system = ActorSystem.Create("Test", bootstrap.And(new Custom("handed over")));
        Assert.Equal(1, system.Settings.Config.GetInt("mine"));
        Assert.Equal(3, system.Settings.Config.GetInt("yours"));
        Assert.Equal("handed over", system.Settings.Setup.Get<Custom>().Value.Text);
        Assert.False(system.Settings.Setup.Get<Other>().HasValue);
        await system.Terminate().WaitAsync(Patience);
    }

    [Fact]
    public async Task Fifty_systems_come_and_go_side_by_side_and_leave_no_thread()
    {
        var before = global::System.Diagnostics.Process.GetCurrentProcess().Threads.Count;
        for (var round = 0; round < 5; round++)
        {
            var systems = Enumerable.Range(0, 10)
                .Select(i => Start($"own {{ type = PinnedDispatcher, shutdown-timeout = 10ms }}")).ToList();
            foreach (var system in systems)
            {
                var actor = system.ActorOf(Props.Create(() => new Echo()).WithDispatcher("own"));
                Assert.Equal(1, await actor.Ask<int>(1, Patience));
            }
            await Task.WhenAll(systems.Select(s => s.Terminate())).WaitAsync(Patience);
        }
        // Threads of the pool come and go; a leak would be one or two for each system.
        await Eventually.TrueAsync(
            () =>
            {
                using var process = global::System.Diagnostics.Process.GetCurrentProcess();
                return process.Threads.Count < before + 30;
            },
            "the threads of fifty systems to end");
    }

    [Fact]
    public async Task A_callback_that_fails_does_not_keep_the_others_from_running()
    {
        var system = Start("");
        var ran = 0;
        system.RegisterOnTermination(() => ran++);
        system.RegisterOnTermination(() => throw new InvalidOperationException("on purpose"));
        system.RegisterOnTermination(() => ran++);
        await system.Terminate().WaitAsync(Patience);
        Assert.Equal(2, ran);
    }

    [Fact]
    public async Task A_failure_that_reaches_the_top_is_decided_by_the_guardians_strategy()
    {
        var system = Start("akka.actor.guardian-supervisor-strategy = \"Akka.Actor.StoppingSupervisorStrategy\"");
        var actor = system.ActorOf(Props.Create(() => new Echo()));
        actor.Tell("fail");
        Assert.True(await actor.WatchAsync().WaitAsync(Patience));
        Assert.False(system.WhenTerminated.IsCompleted);
    }

    [Fact]
    public async Task Disposing_a_system_terminates_it()
    {
        var system = Start("");
        system.Dispose();
        await system.WhenTerminated.WaitAsync(Patience);
    }

    private sealed record Flaky : IExtension;

    private sealed class FlakyProvider : ExtensionIdProvider<Flaky>
    {
        private int _attempts;

        public override Flaky CreateExtension(ExtendedActorSystem system) =>
            ++_attempts == 1 ? throw new TimeoutException("not yet") : new Flaky();
    }

    private sealed class Custom(string text) : Setup
    {
        public string Text { get; } = text;
    }

    private sealed class Other : Setup;

    private sealed class Echo : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is "fail") throw new InvalidOperationException("on purpose");
            Sender.Tell(message);
        }
    }
}
