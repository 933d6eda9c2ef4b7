using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using TiKvActors.Protocol;
using Command = TiKvActors.Protocol.MetaCommand.Types;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>A step of a random history. What it means depends on what was accepted before, so that most appends are interesting.</summary>
/// <param name="Kind">Of <see cref="MetaModel.ToCommand"/>.</param>
/// <param name="A">Position, count or time, as the kind needs it.</param>
internal sealed record MetaStep(int Kind, int Id, int A, int B, int Writer)
{
    public static Gen<MetaStep> Random { get; } =
        from kind in Gen.Elements(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 3, 4, 5, 5)
        from id in Gen.Choose(0, MetaModel.Ids.Length - 1)
        from a in Gen.Choose(0, 9)
        from b in Gen.Choose(1, 3)
        from writer in Gen.Choose(0, 2)
        select new MetaStep(kind, id, a, b, writer);
}

/// <summary>What the meta group's state machine ought to do, said in the plainest way.</summary>
internal sealed class MetaModel
{
    /// <summary>Names that are prefixes of others, that end where memcomparable's groups end, and an empty one.</summary>
    public static readonly string[] Ids = ["a", "ab", "abcdefgh", "abcdefghi", ""];

    private static readonly string[] Writers = ["first", "second", ""];

    private readonly Dictionary<string, List<MetaEvent>> _accepted = Ids.ToDictionary(i => i, _ => new List<MetaEvent>());
    private readonly Dictionary<string, long> _deletedTo = Ids.ToDictionary(i => i, _ => 0L);
    private readonly Dictionary<string, SortedDictionary<long, MetaSnapshot>> _snapshots =
        Ids.ToDictionary(i => i, _ => new SortedDictionary<long, MetaSnapshot>());
    private readonly Dictionary<string, MetaRecord> _records = [];
    private int _payloads;

    public long Highest(string id) => _accepted[id].Count;

    public IReadOnlyList<MetaEvent> Events(string id) => [.. _accepted[id].Where(e => e.SequenceNr > _deletedTo[id])];

    public IReadOnlyList<MetaSnapshot> Snapshots(string id) => [.. _snapshots[id].Values];

    public MetaRecord? Record(string name) => _records.GetValueOrDefault(name);

    public MetaCommand ToCommand(MetaStep step)
    {
        var id = Ids[step.Id];
        return step.Kind switch
        {
            // The next events; or some at another place, such as a retry's or another incarnation's.
            0 => new MetaCommand { AppendEvents = Append(id, Highest(id) + 1, step.B, Writers[step.Writer]) },
            1 => new MetaCommand { AppendEvents = Append(id, Highest(id) + 3 - step.A, step.B, Writers[step.Writer]) },
            2 => new MetaCommand
            {
                DeleteEvents = new Command.DeleteEvents { PersistenceId = id, ToSequenceNr = Highest(id) + 2 - step.A },
            },
            3 => new MetaCommand { SaveSnapshot = new Command.SaveSnapshot { PersistenceId = id, Snapshot = Snapshot(step.A, step.B) } },
            4 => new MetaCommand
            {
                DeleteSnapshots = new Command.DeleteSnapshots
                {
                    PersistenceId = id,
                    Bounds = Bounds(step.A - 3, step.A, step.B == 1 ? 2 : 0, step.B),
                },
            },
            _ => new MetaCommand
            {
                PutRecord = new Command.PutRecord
                {
                    Name = id,
                    ExpectedRevision = (ulong)Math.Max(0, (long)(Record(id)?.Revision ?? 0) + 1 - step.B),
                    Value = ByteString.CopyFromUtf8($"{step.A % 2}"),
                },
            },
        };
    }

    public static SnapshotBounds Bounds(long min, long max, long minTime = long.MinValue, long maxTime = long.MaxValue) =>
        new() { MinSequenceNr = min, MaxSequenceNr = max, MinTimestamp = minTime, MaxTimestamp = maxTime };

    /// <returns>What the answer must be.</returns>
    public MetaResult Execute(MetaCommand command) => command.KindCase switch
    {
        MetaCommand.KindOneofCase.AppendEvents => Execute(command.AppendEvents),
        MetaCommand.KindOneofCase.DeleteEvents => Execute(command.DeleteEvents),
        MetaCommand.KindOneofCase.SaveSnapshot => Execute(command.SaveSnapshot),
        MetaCommand.KindOneofCase.DeleteSnapshots => Execute(command.DeleteSnapshots),
        _ => Execute(command.PutRecord),
    };

    private MetaResult Execute(Command.AppendEvents append)
    {
        var (id, accepted) = (append.PersistenceId, _accepted[append.PersistenceId]);
        var first = append.Events[0].SequenceNr;
        if (first == accepted.Count + 1)
        {
            accepted.AddRange(append.Events);
            return Done(false);
        }

        MetaEvent? Held(long n) => Events(id).FirstOrDefault(e => e.SequenceNr == n);
        if (append.Events.All(e => e.Writer != "" && Held(e.SequenceNr)?.Writer == e.Writer))
            return Done(true);
        var fenced = new MetaResult.Types.Fenced { HighestSequenceNr = accepted.Count, Writer = Held(first)?.Writer ?? "" };
        return new MetaResult { Fenced = fenced };
    }

    private MetaResult Execute(Command.DeleteEvents delete)
    {
        var id = delete.PersistenceId;
        _deletedTo[id] = Math.Max(_deletedTo[id], Math.Min(delete.ToSequenceNr, Highest(id)));
        return Done(false);
    }

    private MetaResult Execute(Command.SaveSnapshot save)
    {
        _snapshots[save.PersistenceId][save.Snapshot.SequenceNr] = save.Snapshot;
        return Done(false);
    }

    private MetaResult Execute(Command.DeleteSnapshots delete)
    {
        var snapshots = _snapshots[delete.PersistenceId];
        foreach (var doomed in snapshots.Values.Where(s => Fits(s, delete.Bounds)).ToList())
            snapshots.Remove(doomed.SequenceNr);
        return Done(false);
    }

    public static bool Fits(MetaSnapshot s, SnapshotBounds b) =>
        b.MinSequenceNr <= s.SequenceNr && s.SequenceNr <= b.MaxSequenceNr
        && b.MinTimestamp <= s.Timestamp && s.Timestamp <= b.MaxTimestamp;

    private MetaResult Execute(Command.PutRecord put)
    {
        var current = Record(put.Name);
        var revision = current?.Revision ?? 0;
        if (revision == put.ExpectedRevision)
        {
            _records[put.Name] = new MetaRecord { Revision = revision + 1, Value = put.Value };
            return Done(false);
        }

        if (revision == put.ExpectedRevision + 1 && current!.Value == put.Value)
            return Done(true);
        var conflict = new MetaResult.Types.Conflict();
        if (current is not null)
            conflict.Current = current;
        return new MetaResult { Conflict = conflict };
    }

    private static MetaResult Done(bool duplicate) => new() { Done = new MetaResult.Types.Done { Duplicate = duplicate } };

    private Command.AppendEvents Append(string id, long first, int count, string writer)
    {
        var append = new Command.AppendEvents { PersistenceId = id };
        for (var i = 0; i < count; i++)
        {
            append.Events.Add(new MetaEvent
            {
                SequenceNr = first + i,
                SerializerId = 1000,
                SerializerManifest = "dIW",
                Writer = writer,
                Timestamp = first,
                Payload = ByteString.CopyFromUtf8($"payload {++_payloads}"),
            });
        }

        return append;
    }

    private MetaSnapshot Snapshot(long sequenceNr, long timestamp) => new()
    {
        SequenceNr = sequenceNr,
        Timestamp = timestamp,
        SerializerId = 1000,
        SerializerManifest = "dPS",
        Payload = ByteString.CopyFromUtf8($"snapshot {++_payloads}"),
    };
}
