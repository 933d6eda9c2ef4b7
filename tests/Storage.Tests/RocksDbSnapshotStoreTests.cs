using Akka.Actor;
using Akka.Persistence;
using TiKvActors.Tests.Shared.Persistence;

namespace TiKvActors.Storage.Tests;

/// <summary>What the local snapshot store does beyond <see cref="SnapshotStorePluginTests"/>.</summary>
public sealed class RocksDbSnapshotStoreTests : SnapshotStorePluginTests
{
    private readonly StorePlugins _plugins = new();

    protected override ActorSystem System => _plugins.System;

    protected override string PluginId => "akka.persistence.snapshot-store.rocksdb";

    private TestStore Store => _plugins.Store;

    [Fact]
    public async Task Events_and_snapshots_of_an_id_do_not_touch_each_other()
    {
        await SaveFive();
        await Store.Engines.Journal.AppendAsync(Id, [(1, Storage.Journal.JournalRecords.Encode(new Storage.Journal.StoredEvent(1, 1000, "dIW", "", "writer", 0, Array.Empty<byte>())))]);
        await Store.Engines.Journal.DeleteEventsToAsync(Id, 1);
        await HoldsAlsoAfterReopening(async () =>
        {
            Assert.Equal([10, 20, 30, 40, 50], await Numbers());
            Assert.Equal(1, Store.Engines.Journal.ReadHighestSequenceNr(Id));
        });
        await Succeeds<DeleteSnapshotsSuccess>(new DeleteSnapshots(Id, SnapshotSelectionCriteria.Latest));
        await HoldsAlsoAfterReopening(() =>
        {
            Assert.Equal(1, Store.Engines.Journal.ReadHighestSequenceNr(Id));
            return Task.CompletedTask;
        });
    }

    public override Task InitializeAsync() => Task.CompletedTask;

    public override Task DisposeAsync() => _plugins.DisposeAsync();

    protected override Task ReopenAsync() => _plugins.ReopenAsync();

    protected override (int SerializerId, string Manifest) StoredWith()
    {
        var stored = Store.Engines.Journal.ReadSnapshot(Id, 0, long.MaxValue, _ => true)!.Value;
        return (stored.SerializerId, stored.SerializerManifest);
    }
}
