using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Raft;
using TiKvActors.Storage;
using Command = TiKvActors.Protocol.MetaCommand.Types;
using Result = TiKvActors.Protocol.MetaResult.Types;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// What a committed command of the meta group does: a journal, a snapshot store and a few named records. Pure and deterministic
/// (invariant 8): nothing but the command and the rows decides, so every member answers alike.
/// <para>
/// Fencing: events are accepted exactly if the first one's number is the highest plus one. The same events of the same writer once more
/// are a duplicate, which succeeds: their writer asks again when it could not learn what became of them. Everything else is fenced:
/// another incarnation of the actor was first.
/// </para>
/// </summary>
internal static class MetaStateMachine
{
    /// <exception cref="InvariantViolationException">A newer program wrote the command: the peer must stop, not skip it.</exception>
    /// <exception cref="CorruptionException"/>
    public static MetaResult Execute(MetaCommand command, IMetaRows rows) => command.KindCase switch
    {
        MetaCommand.KindOneofCase.AppendEvents => Append(command.AppendEvents, rows),
        MetaCommand.KindOneofCase.DeleteEvents => Delete(command.DeleteEvents, rows),
        MetaCommand.KindOneofCase.SaveSnapshot => Save(command.SaveSnapshot, rows),
        MetaCommand.KindOneofCase.DeleteSnapshots => Delete(command.DeleteSnapshots, rows),
        MetaCommand.KindOneofCase.PutRecord => Put(command.PutRecord, rows),
        _ => throw new InvariantViolationException("a command of the meta group of an unknown kind: was it written by a newer program?"),
    };

    // ---- events

    private static MetaResult Append(Command.AppendEvents append, IMetaRows rows)
    {
        var (id, events) = (append.PersistenceId, append.Events);
        if (WhyInvalid(events) is { } why)
            return Invalid(why);
        var head = HeadOf(id, rows);
        if (events[0].SequenceNr != head.Highest + 1)
            return events.All(e => IsStored(id, e, head, rows)) ? Done(duplicate: true) : Fenced(id, events[0].SequenceNr, head, rows);
        foreach (var e in events)
            rows.Put(MetaRegion.Event(id, e.SequenceNr), e.ToByteArray());
        head.Highest = events[^1].SequenceNr;
        rows.Put(MetaRegion.Head(id), head.ToByteArray());
        return Done();
    }

    private static string? WhyInvalid(IList<MetaEvent> events)
    {
        if (events.Count == 0)
            return "a write without events";
        for (var i = 1; i < events.Count; i++)
        {
            if (events[i].SequenceNr != events[0].SequenceNr + i)
                return $"event {events[i].SequenceNr} follows event {events[i - 1].SequenceNr}";
        }

        return null;
    }

    private static bool IsStored(string id, MetaEvent e, MetaJournalHead head, IMetaRows rows) =>
        e.Writer.Length > 0 && EventAt(id, e.SequenceNr, head, rows)?.Writer == e.Writer;

    private static MetaEvent? EventAt(string id, long sequenceNr, MetaJournalHead head, IMetaRows rows)
    {
        if (sequenceNr <= head.DeletedTo || sequenceNr > head.Highest)
            return null;
        var key = MetaRegion.Event(id, sequenceNr);
        return MetaRecords.Parse(key, rows.Get(key), MetaEvent.Parser)
            ?? throw new CorruptionException(
                "the meta group's rows", key, $"event {sequenceNr} is missing between {head.DeletedTo} and {head.Highest}");
    }

    private static MetaResult Delete(Command.DeleteEvents delete, IMetaRows rows)
    {
        var id = delete.PersistenceId;
        var head = HeadOf(id, rows);
        var to = Math.Min(delete.ToSequenceNr, head.Highest);
        if (to <= head.DeletedTo)
            return Done();
        rows.DeleteRange(MetaRegion.Event(id, head.DeletedTo + 1), MetaRegion.Event(id, to + 1));
        head.DeletedTo = to;
        rows.Put(MetaRegion.Head(id), head.ToByteArray());
        return Done();
    }

    private static MetaJournalHead HeadOf(string id, IMetaRows rows)
    {
        var key = MetaRegion.Head(id);
        return MetaRecords.Parse(key, rows.Get(key), MetaJournalHead.Parser) ?? new MetaJournalHead();
    }

    // ---- snapshots

    private static MetaResult Save(Command.SaveSnapshot save, IMetaRows rows)
    {
        var (id, snapshot) = (save.PersistenceId, save.Snapshot);
        if (snapshot is null || snapshot.SequenceNr < 0)
            return Invalid("there is no snapshot with a sequence number to be saved");
        var table = TableOf(id, rows);
        var at = 0;
        while (at < table.Entries.Count && table.Entries[at].SequenceNr < snapshot.SequenceNr)
            at++;
        if (at < table.Entries.Count && table.Entries[at].SequenceNr == snapshot.SequenceNr)
            table.Entries.RemoveAt(at);
        table.Entries.Insert(at, new MetaSnapshotTable.Types.Entry { SequenceNr = snapshot.SequenceNr, Timestamp = snapshot.Timestamp });
        rows.Put(MetaRegion.Snapshot(id, snapshot.SequenceNr), snapshot.ToByteArray());
        rows.Put(MetaRegion.SnapshotTable(id), table.ToByteArray());
        return Done();
    }

    private static MetaResult Delete(Command.DeleteSnapshots delete, IMetaRows rows)
    {
        if (delete.Bounds is null)
            return Invalid("snapshots are deleted within bounds, and there are none");
        var id = delete.PersistenceId;
        var table = TableOf(id, rows);
        var left = new MetaSnapshotTable();
        foreach (var entry in table.Entries)
        {
            if (IsWithin(entry, delete.Bounds))
                rows.Delete(MetaRegion.Snapshot(id, entry.SequenceNr));
            else
                left.Entries.Add(entry);
        }

        if (left.Entries.Count == table.Entries.Count)
            return Done();
        if (left.Entries.Count == 0)
            rows.Delete(MetaRegion.SnapshotTable(id));
        else
            rows.Put(MetaRegion.SnapshotTable(id), left.ToByteArray());
        return Done();
    }

    public static bool IsWithin(MetaSnapshotTable.Types.Entry entry, SnapshotBounds bounds) =>
        entry.SequenceNr >= bounds.MinSequenceNr && entry.SequenceNr <= bounds.MaxSequenceNr
        && entry.Timestamp >= bounds.MinTimestamp && entry.Timestamp <= bounds.MaxTimestamp;

    private static MetaSnapshotTable TableOf(string id, IMetaRows rows)
    {
        var key = MetaRegion.SnapshotTable(id);
        return MetaRecords.Parse(key, rows.Get(key), MetaSnapshotTable.Parser) ?? new MetaSnapshotTable();
    }

    // ---- named records

    /// <summary>A value that has to be told from another writer's equal one carries what tells them apart.</summary>
    private static MetaResult Put(Command.PutRecord put, IMetaRows rows)
    {
        var key = MetaRegion.Record(put.Name);
        var current = MetaRecords.Parse(key, rows.Get(key), MetaRecord.Parser);
        var revision = current?.Revision ?? 0;
        if (revision == put.ExpectedRevision)
        {
            rows.Put(key, new MetaRecord { Revision = revision + 1, Value = put.Value }.ToByteArray());
            return Done();
        }

        if (revision == put.ExpectedRevision + 1 && current!.Value.Equals(put.Value))
            return Done(duplicate: true);
        var conflict = new Result.Conflict();
        if (current is not null)
            conflict.Current = current;
        return new MetaResult { Conflict = conflict };
    }

    // ---- answers

    private static MetaResult Done(bool duplicate = false) => new() { Done = new Result.Done { Duplicate = duplicate } };

    private static MetaResult Invalid(string why) => new() { Invalid = new Result.Invalid { Why = why } };

    private static MetaResult Fenced(string id, long refused, MetaJournalHead head, IMetaRows rows) => new()
    {
        Fenced = new Result.Fenced { HighestSequenceNr = head.Highest, Writer = EventAt(id, refused, head, rows)?.Writer ?? "" },
    };
}
