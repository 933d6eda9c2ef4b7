namespace TiKvActors.Actors.Tests.Placement;

public sealed class StoreRemovalSimulationTests
{
    private const int Seeds = 300;

    [Fact]
    public void RemovedStoresAreLeftWhateverHappens()
    {
        var removed = 0;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var simulation = new StoreRemovalSimulation(seed);
            try
            {
                simulation.Run(400);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }

            removed += simulation.Removed;
        }

        Assert.True(removed > Seeds, $"{Seeds} runs removed {removed} stores only");
    }
}
