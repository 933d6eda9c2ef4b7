using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Raft;
using TiKvActors.Storage;
using Command = TiKvActors.Protocol.MetaCommand.Types;
using Query = TiKvActors.Protocol.MetaQuery.Types;

namespace TiKvActors.Actors.Tests.Journal;

public sealed class MetaStateMachineTests
{
    private readonly MemoryMetaRows _rows = new();

    [Fact]
    public void RandomHistoriesAnswerAsTheModelDoes()
    {
        var seen = new Dictionary<string, int>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(MetaStep.Random.ListOf().Resize(80).ToArbitrary(), steps =>
        {
            var (model, rows) = (new MetaModel(), new MemoryMetaRows());
            foreach (var step in steps)
            {
                var command = model.ToCommand(step);
                var expected = model.Execute(command);
                Assert.Equal(expected, MetaStateMachine.Execute(command, rows));
                var what = $"{command.KindCase} {expected.KindCase}{(expected.Done?.Duplicate == true ? " again" : "")}";
                seen[what] = seen.GetValueOrDefault(what) + 1;
            }

            MetaAssert.Equal(model, rows);
        }));
        // Nothing is proven of what never happened.
        Assert.Equal(
            [
                "AppendEvents Done", "AppendEvents Done again", "AppendEvents Fenced", "DeleteEvents Done", "DeleteSnapshots Done",
                "PutRecord Conflict", "PutRecord Done", "PutRecord Done again", "SaveSnapshot Done",
            ],
            seen.Where(s => s.Value > 20).Select(s => s.Key).Order(StringComparer.Ordinal));
    }

    /// <summary>Both have recovered everything: the first to write is the only one that gets any further.</summary>
    [Fact]
    public void OfTwoIncarnationsOneIsFenced()
    {
        Assert.False(Append("pd", 1, "A", "B").Done.Duplicate);
        Assert.NotNull(Append("pd", 3, "B").Done);
        var fenced = Append("pd", 3, "A").Fenced;
        Assert.Equal((3, "B"), (fenced.HighestSequenceNr, fenced.Writer));
        // It may go on trying; nothing helps it but a recovery.
        Assert.NotNull(Append("pd", 4, "B").Done);
        Assert.NotNull(Append("pd", 4, "A").Fenced);
        Assert.Equal("ABBB", string.Concat(MetaAssert.Read(_rows, "pd", 1, 9, 9, 999).Events.Select(e => e.Writer)));
    }

    [Fact]
    public void ARetryIsADuplicateUntilItsEventsAreDeleted()
    {
        Append("pd", 1, "A", "A", "A");
        Append("pd", 4, "A");
        Assert.True(Append("pd", 1, "A", "A", "A").Done.Duplicate);
        Assert.True(Append("pd", 2, "A").Done.Duplicate);
        // Half of it is new: it is no retry.
        Assert.NotNull(Append("pd", 4, "A", "A").Fenced);
        Execute(new MetaCommand { DeleteEvents = new Command.DeleteEvents { PersistenceId = "pd", ToSequenceNr = 2 } });
        Assert.NotNull(Append("pd", 2, "A").Fenced);
        Assert.True(Append("pd", 3, "A").Done.Duplicate);
        Assert.NotNull(Append("pd", 5, "A").Done);
    }

    [Fact]
    public void WritersWithoutANameAreNeverTakenForTheSame()
    {
        Assert.NotNull(Append("pd", 1, "").Done);
        Assert.NotNull(Append("pd", 1, "").Fenced);
    }

    [Fact]
    public void AGapIsFencedAndAnEmptyOrBrokenWriteIsInvalid()
    {
        Assert.Equal(0, Append("pd", 2, "A").Fenced.HighestSequenceNr);
        Assert.Equal("a write without events", Append("pd", 1).Invalid.Why);
        var broken = new Command.AppendEvents { PersistenceId = "pd" };
        broken.Events.AddRange([new MetaEvent { SequenceNr = 1 }, new MetaEvent { SequenceNr = 3 }]);
        Assert.Equal("event 3 follows event 1", Execute(new MetaCommand { AppendEvents = broken }).Invalid.Why);
        Assert.NotNull(Execute(new MetaCommand { SaveSnapshot = new Command.SaveSnapshot { PersistenceId = "pd" } }).Invalid);
        Assert.NotNull(Execute(new MetaCommand { DeleteSnapshots = new Command.DeleteSnapshots { PersistenceId = "pd" } }).Invalid);
        Assert.Empty(_rows.All);
    }

    [Fact]
    public void ACommandOfANewerProgramStopsThePeer() => Assert.Throws<InvariantViolationException>(() => Execute(new MetaCommand()));

    [Fact]
    public void DamagedAndMissingRowsAreToldWithTheirKey()
    {
        Append("pd", 1, "A", "A");
        var key = MetaRegion.Event("pd", 2);
        _rows.Put(key, [0xFF]);
        var damaged = Assert.Throws<CorruptionException>(() => MetaAssert.Read(_rows, "pd", 1, 9, 9, 999));
        Assert.Contains($"key {KeyText.Brief(key)}: 1 bytes are no MetaEvent", damaged.Message);
        _rows.Delete(key);
        Assert.Throws<CorruptionException>(() => Append("pd", 2, "A"));
        var save = new Command.SaveSnapshot { PersistenceId = "pd", Snapshot = new MetaSnapshot { SequenceNr = 2 } };
        Execute(new MetaCommand { SaveSnapshot = save });
        _rows.Delete(MetaRegion.Snapshot("pd", 2));
        var load = new Query.LoadSnapshot { PersistenceId = "pd", Bounds = MetaModel.Bounds(0, 9) };
        Assert.Throws<CorruptionException>(() => MetaQueries.Answer(new MetaQuery { LoadSnapshot = load }, _rows));
    }

    private MetaResult Execute(MetaCommand command) => MetaStateMachine.Execute(command, _rows);

    /// <summary>One event for each writer.</summary>
    private MetaResult Append(string id, long first, params string[] writers)
    {
        var append = new Command.AppendEvents { PersistenceId = id };
        var payload = ByteString.CopyFromUtf8("payload");
        append.Events.AddRange(writers.Select((w, i) => new MetaEvent { SequenceNr = first + i, Writer = w, Payload = payload }));
        return Execute(new MetaCommand { AppendEvents = append });
    }
}
