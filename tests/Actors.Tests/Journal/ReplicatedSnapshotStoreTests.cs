using Akka.Actor;
using Akka.Persistence;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Storage;
using TiKvActors.Tests.Shared.Persistence;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>What the replicated snapshot store does beyond <see cref="SnapshotStorePluginTests"/>.</summary>
public sealed class ReplicatedSnapshotStoreTests : SnapshotStorePluginTests
{
    private readonly GroupPlugins _plugins = new();

    protected override ActorSystem System => _plugins.System;

    protected override string PluginId => "akka.persistence.snapshot-store.replicated";

    [Fact]
    public async Task ASnapshotThatIsTooLargeForOneEntryFailsAndSaysSo()
    {
        var failure = await Succeeds<SaveSnapshotFailure>(
            new SaveSnapshot(new SnapshotMetadata(Id, 10, DateTime.UtcNow), Event(new string('x', 9 << 20))));
        Assert.Contains("raft entry too large", Assert.IsType<MetaGroupException>(failure.Cause.GetBaseException()).Message);
        Assert.Empty(await Numbers());
    }

    public override Task InitializeAsync() => _plugins.StartAsync();

    public override Task DisposeAsync() => _plugins.StopAsync();

    protected override Task ReopenAsync() => _plugins.ReopenAsync();

    protected override (int SerializerId, string Manifest) StoredWith()
    {
        using var snapshot = _plugins.Node.Tikv.Engines!.Data.NewSnapshot();
        var stored = MetaSnapshot.Parser.ParseFrom(snapshot.Get(ColumnFamily.Meta, MetaRegion.Snapshot(Id, 10)));
        return (stored.SerializerId, stored.SerializerManifest);
    }
}
