using Akka.Actor;
using Akka.Persistence;
using TiKvActors.Tests.Shared.Persistence;
using Entry = TiKvActors.Protocol.Eraftpb.Entry;

namespace TiKvActors.Storage.Tests;

/// <summary>What the local journal does beyond <see cref="JournalPluginTests"/>; <see cref="PersistenceTests"/> has it under real persistent actors.</summary>
public sealed class RocksDbJournalTests : JournalPluginTests
{
    private readonly StorePlugins _plugins = new();

    protected override ActorSystem System => _plugins.System;

    protected override string PluginId => "akka.persistence.journal.rocksdb";

    private TestStore Store => _plugins.Store;

    [Fact]
    public async Task A_limit_counts_across_chunks()
    {
        Store.Options = Store.Options with { Settings = StorageSettings.Default with { ReplayChunkEvents = 3 } };
        Store.Reopen();
        await Write(Id, 1, 20);
        await HoldsAlsoAfterReopening(async () =>
        {
            foreach (var max in new[] { 1, 2, 3, 4, 6, 7, 19, 20, 21 }) Assert.Equal(Math.Min(max, 19), (await Replay(Id, 2, All, max)).Events.Count);
            Assert.Equal([5, 6, 7, 8, 9, 10], (await Replay(Id, 5, 10, All)).Numbers);
        });
    }

    [Fact]
    public async Task An_event_that_cannot_be_serialized_is_rejected_and_the_others_of_its_batch_are_stored()
    {
        var (actor, received) = Listener.Start(System);
        Journal.Tell(new WriteMessages([Single(1, Event("1"), actor), Single(2, new Entry(), actor), Single(3, Event("3"), actor)], actor, 1));
        var answers = await Answers(received, 4);
        Assert.IsType<WriteMessagesSuccessful>(answers[0]);
        Assert.Equal(1, Assert.IsType<WriteMessageSuccess>(answers[1]).Persistent.SequenceNr);
        var rejected = Assert.IsType<WriteMessageRejected>(answers[2]);
        Assert.Equal(2, rejected.Persistent.SequenceNr);
        Assert.Contains("no manifest", rejected.Cause.Message);
        Assert.Equal(3, Assert.IsType<WriteMessageSuccess>(answers[3]).Persistent.SequenceNr);
        await HoldsAlsoAfterReopening(async () => Assert.Equal([1, 3], (await Replay(Id)).Numbers));
    }

    [Fact]
    public async Task Of_an_atomic_write_with_one_event_that_cannot_be_serialized_nothing_is_stored()
    {
        var (actor, received) = Listener.Start(System);
        Journal.Tell(new WriteMessages([new AtomicWrite([Represent(1, Event("1"), actor), Represent(2, new Entry(), actor)])], actor, 1));
        var answers = await Answers(received, 3);
        Assert.Equal([1L, 2L], answers.Skip(1).Select(a => Assert.IsType<WriteMessageRejected>(a).Persistent.SequenceNr));
        await HoldsAlsoAfterReopening(async () => Assert.Equal(0, (await Replay(Id)).Highest));
    }

    [Fact]
    public async Task A_payload_that_nobody_can_read_fails_the_recovery_and_says_why()
    {
        await Store.Engines.Journal.AppendAsync(Id, [(1, Storage.Journal.JournalRecords.Encode(new Storage.Journal.StoredEvent(1, 1000, "xXX", "", Writer, 0, Array.Empty<byte>())))]);
        await HoldsAlsoAfterReopening(async () =>
        {
            var (actor, received) = Listener.Start(System);
            Journal.Tell(new ReplayMessages(0, All, All, Id, actor));
            Assert.Contains("xXX", Assert.IsType<ReplayMessagesFailure>((await Answers(received, 1))[0]).Cause.ToString());
        });
    }

    public override Task InitializeAsync() => Task.CompletedTask;

    public override Task DisposeAsync() => _plugins.DisposeAsync();

    protected override Task ReopenAsync() => _plugins.ReopenAsync();

    protected override (int SerializerId, string Manifest) StoredWith()
    {
        var stored = Store.Engines.Journal.ReadEvents(Id, 1, 1, All).Single();
        return (stored.SerializerId, stored.SerializerManifest);
    }
}
