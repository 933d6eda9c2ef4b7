using Akka;
using Akka.Actor;
using Akka.Configuration;

namespace TiKvActors.StandIns.Tests.Shutdown;

/// <summary>What the recorded scenarios of coordinated shutdown do not say.</summary>
public class CoordinatedShutdownTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private static ActorSystem Start(string hocon = "") =>
        ActorSystem.Create("shutdown", ConfigurationFactory.ParseString(hocon + "\nakka.loglevel = OFF, akka.stdout-loglevel = OFF"));

    [Fact]
    public async Task Phases_of_ones_own_run_where_they_depend()
    {
        var system = Start("""
            akka.coordinated-shutdown.phases {
              drain { depends-on = [service-unbind], timeout = 7s }
              service-requests-done.depends-on = [drain]
              off { depends-on = [drain], enabled = off }
            }
            """);
        var order = new List<string>();
        var shutdown = CoordinatedShutdown.Get(system);
        foreach (var phase in new[]
        {
            "off",
            CoordinatedShutdown.PhaseServiceRequestsDone,
            "drain",
            CoordinatedShutdown.PhaseServiceUnbind
        })
        {
            shutdown.AddTask(phase, "note", () =>
            {
                lock (order) order.Add(phase);
                return Task.FromResult(Done.Instance);
            });
        }
        Assert.Equal(TimeSpan.FromSeconds(7), shutdown.Timeout("drain"));
        await system.Terminate().WaitAsync(_patience);
        Assert.Equal([CoordinatedShutdown.PhaseServiceUnbind, "drain", CoordinatedShutdown.PhaseServiceRequestsDone], order);
    }

    [Fact]
    public void Phases_in_a_circle_are_refused()
    {
        var phases = ShutdownPhase.AllOf(ConfigurationFactory.ParseString(
            "default-phase-timeout = 1s, phases { a.depends-on = [c], b.depends-on = [a], c.depends-on = [b] }"));
        Assert.Contains("Cycle", Assert.Throws<ArgumentException>(() => ShutdownPhase.InOrder(phases)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_that_throws_at_once_is_passed_over_too()
    {
        var system = Start();
        var later = false;
        CoordinatedShutdown.Get(system)
            .AddTask(CoordinatedShutdown.PhaseServiceUnbind, "throws", () => throw new InvalidOperationException("on purpose"));
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseServiceStop, "later", () =>
        {
            later = true;
            return Task.FromResult(Done.Instance);
        });
        await system.Terminate().WaitAsync(_patience);
        Assert.True(later);
    }

    [Fact]
    public async Task An_unknown_phase_to_start_from_is_refused_and_nothing_runs()
    {
        var system = Start();
        await Assert.ThrowsAsync<ArgumentException>(
            () => CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.UnknownReason.Instance, "none"));
        Assert.Null(CoordinatedShutdown.Get(system).ShutdownReason);
        await system.Terminate().WaitAsync(_patience);
    }
}
