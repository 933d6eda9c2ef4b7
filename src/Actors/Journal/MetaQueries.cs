using TiKvActors.Protocol;
using TiKvActors.Storage;
using Query = TiKvActors.Protocol.MetaQuery.Types;

namespace TiKvActors.Actors.Journal;

/// <summary>Answers from the meta group's rows at one moment. Reads the disk.</summary>
internal static class MetaQueries
{
    /// <exception cref="ArgumentException">A newer program asks.</exception>
    /// <exception cref="CorruptionException"/>
    public static MetaAnswer Answer(MetaQuery query, IMetaView view) => query.KindCase switch
    {
        MetaQuery.KindOneofCase.ReadEvents => ReadEvents(query.ReadEvents, view),
        MetaQuery.KindOneofCase.ReadHighestSequenceNr =>
            new MetaAnswer { HighestSequenceNr = HeadOf(query.ReadHighestSequenceNr.PersistenceId, view).Highest },
        MetaQuery.KindOneofCase.LoadSnapshot => LoadSnapshot(query.LoadSnapshot, view),
        MetaQuery.KindOneofCase.ReadRecord => ReadRecord(query.ReadRecord, view),
        _ => throw new ArgumentException("a query of a kind that this program does not know: is the one that asks newer?", nameof(query)),
    };

    private static MetaAnswer ReadEvents(Query.ReadEvents read, IMetaView view)
    {
        var id = read.PersistenceId;
        var head = HeadOf(id, view);
        var answer = new MetaAnswer
        {
            HighestSequenceNr = head.Highest,
            DeletedTo = head.DeletedTo,
            NewestSnapshot = TableOf(id, view)?.Entries.LastOrDefault()?.SequenceNr ?? 0,
        };
        var from = Math.Max(read.FromSequenceNr, head.DeletedTo + 1);
        var to = Math.Min(read.ToSequenceNr, head.Highest);
        if (from > to || read.MaxEvents <= 0)
            return answer;
        long bytes = 0;
        foreach (var row in view.Values(MetaRegion.Event(id, from), MetaRegion.Event(id, to + 1)))
        {
            if (answer.Events.Count > 0 && bytes >= read.MaxBytes)
            {
                answer.More = true;
                break;
            }

            var e = MetaRecords.Parse(MetaRegion.Event(id, from + answer.Events.Count), row, MetaEvent.Parser)!;
            bytes += e.Payload.Length;
            answer.Events.Add(e);
            if (answer.Events.Count == read.MaxEvents)
                break;
        }

        return answer;
    }

    private static MetaAnswer LoadSnapshot(Query.LoadSnapshot load, IMetaView view)
    {
        var answer = new MetaAnswer();
        if (load.Bounds is null || TableOf(load.PersistenceId, view)?.Entries.LastOrDefault(e => MetaStateMachine.IsWithin(e, load.Bounds)) is not { } entry)
            return answer;
        var key = MetaRegion.Snapshot(load.PersistenceId, entry.SequenceNr);
        answer.Snapshot = MetaRecords.Parse(key, view.Get(key), MetaSnapshot.Parser)
            ?? throw new CorruptionException("the meta group's rows", key, $"snapshot {entry.SequenceNr} is in its table and nowhere else");
        return answer;
    }

    private static MetaAnswer ReadRecord(Query.ReadRecord read, IMetaView view)
    {
        var answer = new MetaAnswer();
        var key = MetaRegion.Record(read.Name);
        if (MetaRecords.Parse(key, view.Get(key), MetaRecord.Parser) is { } record)
            answer.Record = record;
        return answer;
    }

    private static MetaSnapshotTable? TableOf(string id, IMetaView view)
    {
        var key = MetaRegion.SnapshotTable(id);
        return MetaRecords.Parse(key, view.Get(key), MetaSnapshotTable.Parser);
    }

    private static MetaJournalHead HeadOf(string id, IMetaView view)
    {
        var key = MetaRegion.Head(id);
        return MetaRecords.Parse(key, view.Get(key), MetaJournalHead.Parser) ?? new MetaJournalHead();
    }
}
