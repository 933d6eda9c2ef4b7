using Akka.Actor;
using Akka.Persistence;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Storage;
using TiKvActors.Tests.Shared.Persistence;
using Entry = TiKvActors.Protocol.Eraftpb.Entry;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>What the replicated journal does beyond <see cref="JournalPluginTests"/>.</summary>
public sealed class ReplicatedJournalTests(GroupPlugins plugins) : JournalPluginTests, IClassFixture<GroupPlugins>
{
    protected override ActorSystem System => plugins.System;

    protected override string PluginId => "akka.persistence.journal.replicated";

    [Fact]
    public async Task LimitsCountAcrossChunks()
    {
        await Write(Id, 1, 20);
        await HoldsAlsoAfterReopening(async () =>
        {
            foreach (var max in new[] { 1, 2, 3, 4, 6, 7, 19, 20, 21 })
                Assert.Equal(Enumerable.Range(2, Math.Min(max, 19)).Select(n => (long)n), (await Replay(Id, 2, All, max)).Numbers);
            Assert.Equal([5, 6, 7, 8, 9, 10], (await Replay(Id, 5, 10, All)).Numbers);
        });
    }

    /// <summary>A rejection would let an actor go on that does nothing about it.</summary>
    [Fact]
    public async Task AnEventThatCannotBeSerializedFailsTheWholeWrite()
    {
        var (actor, received) = Listener.Start(System);
        Journal.Tell(new WriteMessages([Single(1, Event("1"), actor), Single(2, new Entry(), actor)], actor, 1));
        var answers = await Answers(received, 3);
        Assert.Contains("no manifest", Assert.IsType<WriteMessagesFailed>(answers[0]).Cause.Message);
        Assert.All(answers.Skip(1), a => Assert.IsType<WriteMessageFailure>(a));
        await HoldsAlsoAfterReopening(async () => Assert.Equal(0, (await Replay(Id)).Highest));
    }

    [Fact]
    public async Task OfTwoWritersTheSecondIsFencedAndARepetitionIsNot()
    {
        await Write(Id, 1, 3);
        var (actor, received) = Listener.Start(System);
        Journal.Tell(Writes(Id, 2, 3, actor));
        Assert.All((await Answers(received, 3)).Skip(1), a => Assert.IsType<WriteMessageSuccess>(a));

        var rival = new Persistent(Event("rival"), 3, Id, "", false, actor, "rival", 0);
        Journal.Tell(new WriteMessages([new AtomicWrite(rival)], actor, 1));
        var answers = await Answers(received, 2);
        var cause = Assert.IsType<WriteMessagesFailed>(answers[0]).Cause;
        Assert.Contains(Writer, Assert.IsType<FencedException>(cause.GetBaseException()).Message);
        Assert.Equal([1, 2, 3], (await Replay(Id)).Numbers);
    }

    /// <summary>The state that the recovery began from is not the one that the events which are left follow.</summary>
    [Fact]
    public async Task ARecoveryFailsIfWhatItNeedsWasReplacedByASnapshotThatItDoesNotHave()
    {
        await Write(Id, 1, 5);
        var metadata = new SnapshotMetadata(Id, 4, DateTime.UtcNow);
        var snapshots = Akka.Persistence.Persistence.Instance.Apply(System).SnapshotStoreFor("akka.persistence.snapshot-store.replicated");
        await snapshots.Ask<SaveSnapshotSuccess>(new SaveSnapshot(metadata, Event("4")), Patience);
        Assert.Equal([1, 2, 3, 4, 5], (await Replay(Id)).Numbers);
        await Delete(Id, 4);
        await HoldsAlsoAfterReopening(async () =>
        {
            foreach (var from in new[] { 0, 1, 4 })
                Assert.Contains("were deleted while it recovered", (await Assert.ThrowsAsync<MetaGroupException>(() => Replay(Id, from))).Message);
            Assert.Equal([5], (await Replay(Id, 5)).Numbers);
        });
    }

    [Fact]
    public async Task APayloadThatNobodyCanReadFailsTheRecoveryAndSaysWhy()
    {
        var append = new MetaCommand.Types.AppendEvents
        {
            PersistenceId = Id,
            Events = { new MetaEvent { SequenceNr = 1, SerializerId = 1000, SerializerManifest = "xXX", Payload = ByteString.Empty } },
        };
        await MetaClient.Get(System).ExecuteAsync(Id, new MetaCommand { AppendEvents = append });
        await HoldsAlsoAfterReopening(async () => Assert.Contains("xXX", (await Assert.ThrowsAnyAsync<Exception>(() => Replay(Id))).ToString()));
    }

    public override Task InitializeAsync() => Task.CompletedTask;

    public override Task DisposeAsync() => Task.CompletedTask;

    protected override Task ReopenAsync() => plugins.ReopenAsync();

    protected override (int SerializerId, string Manifest) StoredWith()
    {
        using var snapshot = plugins.Node.Tikv.Engines!.Data.NewSnapshot();
        var stored = MetaEvent.Parser.ParseFrom(snapshot.Get(ColumnFamily.Meta, MetaRegion.Event(Id, 1)));
        return (stored.SerializerId, stored.SerializerManifest);
    }
}
