namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>The file <c>stores</c> is a hint: nothing that is wrong with it may keep a store down for good.</summary>
public sealed class StoreHintsTests
{
    [Fact]
    public async Task ADamagedFileIsAsGoodAsNone()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        var node = cluster.Node(1);
        var file = FileOf(node);
        await node.StopAsync();
        await File.WriteAllBytesAsync(file, [0xFF]);
        node.Start();
        await node.Tikv.Started;
        await cluster.LeaderOfAsync("a");
    }

    [Fact]
    public async Task WhatFailsAfterTheEnginesWereOpenedClosesThemForTheNextAttempt()
    {
        await using var cluster = await TestCluster.StartAsync(1, "tikv.store.engine-restart-backoff = 100ms");
        var node = cluster.Node(1);
        var file = FileOf(node);
        await node.StopAsync();
        await using (new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            node.Start();
            var failure = await Assert.ThrowsAsync<IOException>(() => node.Tikv.Started);
            Assert.Contains(file, failure.Message);
        }

        await Eventually.TrueAsync(() => node.Tikv.Engines is not null, "the engines were opened by a later attempt");
    }

    private static string FileOf(TestNode node) => Path.Combine(node.Tikv.Engines!.Directory, "stores");
}
