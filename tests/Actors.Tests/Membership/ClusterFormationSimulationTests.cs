using TiKvActors.Actors.Membership;
using Xunit.Abstractions;

namespace TiKvActors.Actors.Tests.Membership;

public sealed class ClusterFormationSimulationTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(120);

    /// <summary>A node that is in another cluster than its incarnation's, or makes one without a commit, fails within the run.</summary>
    [Fact]
    public void WhateverHappensThereIsOneClusterInTheEnd()
    {
        var causes = new Dictionary<RestartCause, int>();
        var (incarnations, restarts) = (0, 0);
        for (var seed = 1; seed <= 1000; seed++)
        {
            var simulation = new FormationSimulation(seed, voters: seed % 3 == 0 ? 5 : 3, others: seed % 4);
            try
            {
                simulation.StartAll();
                simulation.Trouble(TimeSpan.FromSeconds(120));
                simulation.Settle();
                simulation.Run(Long);
                Assert.True(simulation.IsOneCluster(), simulation.Show());
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }

            incarnations += simulation.Incarnations;
            restarts += simulation.Restarts;
            foreach (var (cause, count) in simulation.Causes)
                causes[cause] = causes.GetValueOrDefault(cause) + count;
        }

        output.WriteLine($"{incarnations} incarnations; started again: {string.Join(", ", causes.Select(c => $"{c.Key} {c.Value}"))}");
        // What it is about has happened.
        Assert.True(incarnations > 1500, $"{incarnations} incarnations");
        foreach (var cause in new[] { RestartCause.Downed, RestartCause.OutdatedIncarnation, RestartCause.Forgotten })
            Assert.True(causes.GetValueOrDefault(cause) > 10, $"{cause}: {causes.GetValueOrDefault(cause)} of {restarts} restarts");
    }

    [Fact]
    public void WithoutFaultsEachStartMakesOneIncarnationAndNobodyIsStartedAgain()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var simulation = new FormationSimulation(seed, voters: 3, others: 2);
            simulation.StartAll();
            simulation.Run(Long);
            Assert.True(simulation.IsOneCluster(), $"seed {seed}: {simulation.Show()}");
            Assert.Equal((1, 1, 0), (simulation.Incarnations, simulation.SelfJoins, simulation.Restarts));

            simulation.StopAll();
            simulation.StartSome(voters: 2);
            simulation.Run(Long);
            Assert.True(simulation.IsOneCluster(), $"seed {seed}: {simulation.Show()}");
            Assert.Equal((2, 2, 0), (simulation.Incarnations, simulation.SelfJoins, simulation.Restarts));

            simulation.StartAll();
            simulation.Run(Long);
            Assert.True(simulation.IsOneCluster(), $"seed {seed}: {simulation.Show()}");
            Assert.Equal((2, 2, 0), (simulation.Incarnations, simulation.SelfJoins, simulation.Restarts));
        }
    }
}
