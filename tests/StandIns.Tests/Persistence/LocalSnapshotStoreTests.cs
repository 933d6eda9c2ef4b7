using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace TiKvActors.StandIns.Tests.Persistence;

public sealed class LocalSnapshotStoreTests : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("snapshots-");

    public void Dispose() => _folder.Delete(true);

    [Fact]
    public async Task Snapshots_outlive_the_actor_system_and_the_newest_that_matches_is_loaded()
    {
        await WithStore(async store =>
        {
            foreach (var (id, number) in new[] { ("a", 1), ("a", 2), ("a", 3), ("a-1", 9), ("with / and %", 4) })
                await Save(store, id, number);
        });
        await WithStore(async store =>
        {
            Assert.Equal("a 3", await Load(store, "a", SnapshotSelectionCriteria.Latest));
            Assert.Equal("a 2", await Load(store, "a", new SnapshotSelectionCriteria(2)));
            Assert.Equal("a-1 9", await Load(store, "a-1", SnapshotSelectionCriteria.Latest));
            Assert.Equal("with / and % 4", await Load(store, "with / and %", SnapshotSelectionCriteria.Latest));
            Assert.Null(await Load(store, "unknown", SnapshotSelectionCriteria.Latest));
            await store.Ask<DeleteSnapshotsSuccess>(
                new DeleteSnapshots("a", new SnapshotSelectionCriteria(3, DateTime.MaxValue, 2)), _patience);
            Assert.Equal("a 1", await Load(store, "a", SnapshotSelectionCriteria.Latest));
            await store.Ask<DeleteSnapshotSuccess>(new DeleteSnapshot(new SnapshotMetadata("a", 1, DateTime.MinValue)), _patience);
            Assert.Null(await Load(store, "a", SnapshotSelectionCriteria.Latest));
        });
    }

    [Fact]
    public async Task A_damaged_snapshot_is_passed_over_and_only_damaged_ones_are_an_error()
    {
        await WithStore(async store =>
        {
            await Save(store, "a", 1);
            await Save(store, "a", 2);
            Damage("snapshot-a-2-*");
            Assert.Equal("a 1", await Load(store, "a", SnapshotSelectionCriteria.Latest));
            Damage("snapshot-a-1-*");
            var answer = await store.Ask<object>(new LoadSnapshot("a", SnapshotSelectionCriteria.Latest, long.MaxValue), _patience);
            Assert.IsType<IOException>(Assert.IsType<LoadSnapshotFailed>(answer).Cause);
        });
    }

    private void Damage(string pattern) => File.WriteAllBytes(Directory.GetFiles(_folder.FullName, pattern).Single(), [77]);

    private async Task WithStore(Func<IActorRef, Task> test)
    {
        using var system = ActorSystem.Create("snapshots", ConfigurationFactory.ParseString($$"""
            akka { loglevel = OFF, stdout-loglevel = OFF }
            akka.persistence.snapshot-store.local.dir = "{{_folder.FullName}}"
            """));
        await test(Akka.Persistence.Persistence.Instance.Apply(system).SnapshotStoreFor("akka.persistence.snapshot-store.local"));
        await system.Terminate().WaitAsync(_patience);
    }

    private static Task Save(IActorRef store, string id, long number) =>
        store.Ask<SaveSnapshotSuccess>(
            new SaveSnapshot(new SnapshotMetadata(id, number, DateTime.UtcNow), System.Text.Encoding.UTF8.GetBytes($"{id} {number}")),
            _patience);

    private static async Task<string> Load(IActorRef store, string id, SnapshotSelectionCriteria criteria)
    {
        var result = await store.Ask<LoadSnapshotResult>(new LoadSnapshot(id, criteria, long.MaxValue), _patience);
        return result.Snapshot == null ? null : System.Text.Encoding.UTF8.GetString((byte[])result.Snapshot.Snapshot);
    }
}
