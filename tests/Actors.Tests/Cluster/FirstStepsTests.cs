namespace TiKvActors.Actors.Tests.Cluster;

public sealed class FirstStepsTests
{
    [Fact]
    public async Task ThreeNodesFoundAClusterAndServe()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.Client.PutAsync("a", "1");
        Assert.Equal("1", await cluster.Client.GetAsync("a"));
        Assert.Null(await cluster.Client.GetAsync("b"));
        await cluster.AllReplicasAreEqualAsync();
    }
}
