using Akka.Actor;
using Akka.Persistence;
using Entry = TiKvActors.Protocol.Eraftpb.Entry;

namespace TiKvActors.Tests.Shared.Persistence;

/// <summary>What every snapshot store plugin does.</summary>
public abstract class SnapshotStorePluginTests : PluginTests
{
    private static readonly DateTime Noon = new(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    protected abstract string PluginId { get; }

    private IActorRef Snapshots => Akka.Persistence.Persistence.Instance.Apply(System).SnapshotStoreFor(PluginId);

    // ---- Selection. The snapshots have the numbers 10, 20, ... 50, taken at noon and each a minute later.

    [Fact]
    public async Task An_id_that_saved_none_has_none()
    {
        await SaveFive();
        await HoldsAlsoAfterReopening(async () =>
        {
            foreach (var id in new[] { Id[..^2], $"{Id}2", "" }) Assert.Null(await Load(SnapshotSelectionCriteria.Latest, id: id));
        });
    }

    [Fact]
    public async Task The_newest_is_the_one_with_the_highest_number()
    {
        await SaveFive();
        await HoldsAlsoAfterReopening(async () =>
        {
            var loaded = await Load(SnapshotSelectionCriteria.Latest);
            Assert.Equal(Metadata(50, 4), loaded!.Metadata);
            Assert.Equal(DateTimeKind.Utc, loaded.Metadata.Timestamp.Kind);
            Assert.Equal(Event("50"), loaded.Snapshot);
            Assert.Null(await Load(SnapshotSelectionCriteria.None));
        });
    }

    [Theory]
    [InlineData(0, 50, 50L)]
    [InlineData(0, 49, 40L)]
    [InlineData(0, 30, 30L)]
    [InlineData(0, 10, 10L)]
    [InlineData(0, 9, null)]
    [InlineData(31, 50, 50L)]
    [InlineData(30, 39, 30L)]
    [InlineData(31, 39, null)]
    [InlineData(51, long.MaxValue, null)]
    [InlineData(40, 30, null)]
    public async Task Numbers_bound_what_is_selected(long min, long max, long? expected)
    {
        await SaveFive();
        await HoldsAlsoAfterReopening(async () => Assert.Equal(expected, (await Load(new SnapshotSelectionCriteria(max, DateTime.MaxValue, min)))?.Metadata.SequenceNr));
    }

    [Theory]
    [InlineData(null, 99, 50L)]
    [InlineData(null, 4, 50L)]
    [InlineData(null, 3, 40L)]
    [InlineData(null, 0, 10L)]
    [InlineData(null, -1, null)]
    [InlineData(2, 3, 40L)]
    [InlineData(2, 2, 30L)]
    [InlineData(5, 99, null)]
    public async Task Times_bound_what_is_selected(int? minMinute, int maxMinute, long? expected)
    {
        await SaveFive();
        var min = minMinute is { } minute ? Noon.AddMinutes(minute) : (DateTime?)null;
        await HoldsAlsoAfterReopening(async () =>
            Assert.Equal(expected, (await Load(new SnapshotSelectionCriteria(long.MaxValue, Noon.AddMinutes(maxMinute), 0, min)))?.Metadata.SequenceNr));
    }

    [Theory]
    [InlineData(40, 1, 20L)]
    [InlineData(20, 3, 20L)]
    [InlineData(9, 3, null)]
    [InlineData(40, -1, null)]
    public async Task Number_and_time_bound_together(long max, int maxMinute, long? expected)
    {
        await SaveFive();
        await HoldsAlsoAfterReopening(async () => Assert.Equal(expected, (await Load(new SnapshotSelectionCriteria(max, Noon.AddMinutes(maxMinute))))?.Metadata.SequenceNr));
    }

    [Fact]
    public async Task A_recovery_up_to_a_number_gets_no_later_snapshot()
    {
        await SaveFive();
        await HoldsAlsoAfterReopening(async () =>
        {
            Assert.Equal(30, (await Load(SnapshotSelectionCriteria.Latest, to: 35))!.Metadata.SequenceNr);
            Assert.Null(await Load(SnapshotSelectionCriteria.Latest, to: 9));
        });
    }

    // ---- Deletion

    [Fact]
    public async Task One_is_deleted_by_its_number_whatever_its_time()
    {
        await SaveFive();
        foreach (var anyTime in new[] { DateTime.MinValue, DateTime.MaxValue })
        {
            var number = anyTime == DateTime.MinValue ? 30 : 50;
            await Succeeds<DeleteSnapshotSuccess>(new DeleteSnapshot(new SnapshotMetadata(Id, number, anyTime)));
        }
        await HoldsAlsoAfterReopening(async () => Assert.Equal([10, 20, 40], await Numbers()));
    }

    [Fact]
    public async Task One_is_deleted_by_its_number_and_time_and_none_of_another_time()
    {
        await SaveFive();
        await Succeeds<DeleteSnapshotSuccess>(new DeleteSnapshot(Metadata(30, 2)));
        await Succeeds<DeleteSnapshotSuccess>(new DeleteSnapshot(Metadata(40, 2)));
        await Succeeds<DeleteSnapshotSuccess>(new DeleteSnapshot(Metadata(35, 2)));
        await Succeeds<DeleteSnapshotSuccess>(new DeleteSnapshot(new SnapshotMetadata($"{Id}2", 10, Noon)));
        await HoldsAlsoAfterReopening(async () => Assert.Equal([10, 20, 40, 50], await Numbers()));
    }

    [Theory]
    [InlineData(0, 30, null, 99, new long[] { 40, 50 })]
    [InlineData(0, 30, null, 1, new long[] { 30, 40, 50 })]
    [InlineData(0, 30, null, -1, new long[] { 10, 20, 30, 40, 50 })]
    [InlineData(20, 40, null, 99, new long[] { 10, 50 })]
    [InlineData(0, long.MaxValue, 1, 3, new long[] { 10, 50 })]
    [InlineData(0, long.MaxValue, null, 99, new long[] { })]
    public async Task Many_are_deleted_by_the_bounds_of_their_numbers_and_times(long min, long max, int? minMinute, int maxMinute, long[] left)
    {
        await SaveFive();
        await Save(Metadata(10, 0, $"{Id}2"));
        var criteria = new SnapshotSelectionCriteria(max, Noon.AddMinutes(maxMinute), min, minMinute is { } minute ? Noon.AddMinutes(minute) : null);
        Assert.Equal(criteria, (await Succeeds<DeleteSnapshotsSuccess>(new DeleteSnapshots(Id, criteria))).Criteria);
        await HoldsAlsoAfterReopening(async () =>
        {
            Assert.Equal(left, await Numbers());
            Assert.Equal([10], await Numbers($"{Id}2"));
        });
    }

    [Fact]
    public async Task Deleting_for_an_id_that_saved_none_succeeds()
    {
        await Succeeds<DeleteSnapshotSuccess>(new DeleteSnapshot(Metadata(1, 0, "nobody")));
        await Succeeds<DeleteSnapshotsSuccess>(new DeleteSnapshots("nobody", SnapshotSelectionCriteria.Latest));
    }

    [Fact]
    public async Task A_deletion_covers_what_was_saved_before_it()
    {
        var saved = Snapshots.Ask<SaveSnapshotSuccess>(new SaveSnapshot(Metadata(10, 0), Event("10")), Patience);
        await Succeeds<DeleteSnapshotsSuccess>(new DeleteSnapshots(Id, SnapshotSelectionCriteria.Latest));
        await saved;
        await HoldsAlsoAfterReopening(async () => Assert.Empty(await Numbers()));
    }

    // ---- Saving

    [Fact]
    public async Task The_same_metadata_again_replaces_the_snapshot()
    {
        await Save(Metadata(10, 0), Event("first"));
        await Save(Metadata(10, 0), Event("second"));
        await HoldsAlsoAfterReopening(async () =>
        {
            Assert.Equal(Event("second"), (await Load(SnapshotSelectionCriteria.Latest))!.Snapshot);
            Assert.Equal([10], await Numbers());
        });
    }

    [Fact]
    public async Task The_same_number_at_a_later_time_replaces_the_snapshot_and_its_time()
    {
        await Save(Metadata(10, 0), Event("first"));
        await Save(Metadata(10, 5), Event("second"));
        await HoldsAlsoAfterReopening(async () =>
        {
            var loaded = await Load(SnapshotSelectionCriteria.Latest);
            Assert.Equal(Metadata(10, 5), loaded!.Metadata);
            Assert.Equal(Event("second"), loaded.Snapshot);
            Assert.Equal([10], await Numbers());
        });
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_serialized_fails_and_leaves_the_one_before()
    {
        await Save(Metadata(10, 0));
        await Save(Metadata(20, 1));
        // Of a number and time that is there already, and of a new one.
        foreach (var metadata in new[] { Metadata(20, 2), Metadata(30, 3) })
        {
            var failure = await Succeeds<SaveSnapshotFailure>(new SaveSnapshot(metadata, new Entry()));
            Assert.Equal(metadata, failure.Metadata);
            Assert.Contains("no manifest", failure.Cause.Message);
        }
        await HoldsAlsoAfterReopening(async () => Assert.Equal([10, 20], await Numbers()));
    }

    [Fact]
    public async Task A_large_snapshot_comes_back_whole()
    {
        var large = Event(new string('x', 5_000_000));
        await Save(Metadata(10, 0), large);
        await HoldsAlsoAfterReopening(async () => Assert.Equal(large, (await Load(SnapshotSelectionCriteria.Latest))!.Snapshot));
    }

    [Theory]
    [MemberData(nameof(Payloads))]
    public async Task Every_kind_of_payload_comes_back_equal(string manifest)
    {
        await Save(Metadata(10, 0), Samples[manifest]);
        await HoldsAlsoAfterReopening(async () =>
        {
            Assert.Equal(Samples[manifest], (await Load(SnapshotSelectionCriteria.Latest))!.Snapshot);
            Assert.Equal((1000, manifest), StoredWith());
        });
    }

    /// <summary>Serializer and manifest of the only snapshot of <see cref="PluginTests.Id"/>, as they are stored.</summary>
    protected abstract (int SerializerId, string Manifest) StoredWith();

    private SnapshotMetadata Metadata(long number, int minute, string? id = null) => new(id ?? Id, number, Noon.AddMinutes(minute));

    protected async Task SaveFive()
    {
        for (var i = 0; i < 5; i++) await Save(Metadata(10 * (i + 1), i));
    }

    private async Task Save(SnapshotMetadata metadata, object? snapshot = null) =>
        Assert.Equal(metadata, (await Succeeds<SaveSnapshotSuccess>(new SaveSnapshot(metadata, snapshot ?? Event($"{metadata.SequenceNr}")))).Metadata);

    private async Task<SelectedSnapshot?> Load(SnapshotSelectionCriteria criteria, long to = long.MaxValue, string? id = null) =>
        (await Succeeds<LoadSnapshotResult>(new LoadSnapshot(id ?? Id, criteria, to))).Snapshot;

    /// <summary>Of all snapshots of an id, ascending: each found as the newest below the one before.</summary>
    protected async Task<IEnumerable<long>> Numbers(string? id = null)
    {
        var numbers = new List<long>();
        for (var criteria = SnapshotSelectionCriteria.Latest; await Load(criteria, id: id) is { } found; criteria = new SnapshotSelectionCriteria(found.Metadata.SequenceNr - 1))
            numbers.Insert(0, found.Metadata.SequenceNr);
        return numbers;
    }

    protected Task<T> Succeeds<T>(object request) => Snapshots.Ask<T>(request, Patience);
}
