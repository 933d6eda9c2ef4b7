using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Snapshot;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Storage.Journal;
using Command = TiKvActors.Protocol.MetaCommand.Types;
using Query = TiKvActors.Protocol.MetaQuery.Types;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// The plugin <c>akka.persistence.snapshot-store.replicated</c>, beside <see cref="ReplicatedJournal"/>. One snapshot is kept for a sequence number; a later one with
/// the same number replaces it. A snapshot is one entry of the group's log and must stay below <c>tikv.region.max-entry-size</c>; a larger one fails.
/// </summary>
public sealed class ReplicatedSnapshotStore : SnapshotStore
{
    private readonly MetaClient _group;
    private readonly PayloadCodec _codec;

    public ReplicatedSnapshotStore(Config config)
    {
        _group = MetaClient.Get(Context.System);
        _codec = new PayloadCodec((ExtendedActorSystem)Context.System);
    }

    protected override async Task<SelectedSnapshot?> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var load = new Query.LoadSnapshot { PersistenceId = persistenceId, Bounds = BoundsOf(criteria) };
        var answer = await _group.QueryAsync(persistenceId, new MetaQuery { LoadSnapshot = load }).ConfigureAwait(false);
        if (answer.Snapshot is not { } stored)
            return null;
        var metadata = new SnapshotMetadata(persistenceId, stored.SequenceNr, new DateTime(stored.Timestamp, DateTimeKind.Utc));
        return new SelectedSnapshot(metadata, _codec.Decode(stored.Payload.Memory, stored.SerializerId, stored.SerializerManifest));
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        var (serializerId, manifest, payload) = _codec.Encode(snapshot);
        var stored = new MetaSnapshot
        {
            SequenceNr = metadata.SequenceNr,
            Timestamp = metadata.Timestamp.Ticks,
            SerializerId = serializerId,
            SerializerManifest = manifest,
            Payload = UnsafeByteOperations.UnsafeWrap(payload),
        };
        var save = new Command.SaveSnapshot { PersistenceId = metadata.PersistenceId, Snapshot = stored };
        return _group.ExecuteAsync(metadata.PersistenceId, new MetaCommand { SaveSnapshot = save });
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata)
    {
        // A caller that does not know the time gives the first or the last one there is.
        var isAnyTime = metadata.Timestamp == DateTime.MinValue || metadata.Timestamp == DateTime.MaxValue;
        return Delete(metadata.PersistenceId, new SnapshotBounds
        {
            MinSequenceNr = metadata.SequenceNr,
            MaxSequenceNr = metadata.SequenceNr,
            MinTimestamp = isAnyTime ? DateTime.MinValue.Ticks : metadata.Timestamp.Ticks,
            MaxTimestamp = isAnyTime ? DateTime.MaxValue.Ticks : metadata.Timestamp.Ticks,
        });
    }

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) => Delete(persistenceId, BoundsOf(criteria));

    private Task Delete(string persistenceId, SnapshotBounds bounds)
    {
        var delete = new Command.DeleteSnapshots { PersistenceId = persistenceId, Bounds = bounds };
        return _group.ExecuteAsync(persistenceId, new MetaCommand { DeleteSnapshots = delete });
    }

    private static SnapshotBounds BoundsOf(SnapshotSelectionCriteria criteria) => new()
    {
        MinSequenceNr = criteria.MinSequenceNr,
        MaxSequenceNr = criteria.MaxSequenceNr,
        MinTimestamp = (criteria.MinTimestamp ?? DateTime.MinValue).Ticks,
        MaxTimestamp = criteria.MaxTimeStamp.Ticks,
    };
}
