using Akka.Actor;
using Akka.Persistence;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Storage;
using TiKvActors.Tests.Shared.Persistence;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>What the replicated snapshot store does beyond <see cref="SnapshotStorePluginTests"/>.</summary>
public sealed class ReplicatedSnapshotStoreTests(GroupPlugins plugins) : SnapshotStorePluginTests, IClassFixture<GroupPlugins>
{
    protected override ActorSystem System => plugins.System;

    protected override string PluginId => "akka.persistence.snapshot-store.replicated";

    [Fact]
    public async Task ASnapshotThatIsTooLargeForOneEntryFailsAndSaysSo()
    {
        var failure = await Succeeds<SaveSnapshotFailure>(
            new SaveSnapshot(new SnapshotMetadata(Id, 10, DateTime.UtcNow), Event(new string('x', 9 << 20))));
        Assert.Contains("raft entry too large", Assert.IsType<MetaGroupException>(failure.Cause.GetBaseException()).Message);
        Assert.Empty(await Numbers());
    }

    public override Task InitializeAsync() => Task.CompletedTask;

    public override Task DisposeAsync() => Task.CompletedTask;

    protected override Task ReopenAsync() => plugins.ReopenAsync();

    protected override (int SerializerId, string Manifest) StoredWith()
    {
        using var snapshot = plugins.Node.Tikv.Engines!.Data.NewSnapshot();
        var stored = MetaSnapshot.Parser.ParseFrom(snapshot.Get(ColumnFamily.Meta, MetaRegion.Snapshot(Id, 10)));
        return (stored.SerializerId, stored.SerializerManifest);
    }
}
