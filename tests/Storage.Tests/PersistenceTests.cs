using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Storage.Tests;

/// <summary>The journal and the snapshot store with real persistent actors, across actor systems and reopened engines.</summary>
public sealed class PersistenceTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestStore _store = new();
    private ActorSystem? _system;

    private ActorSystem System => _system ??= Start();

    public void Dispose()
    {
        _system?.Dispose();
        _store.Dispose();
    }

    [Fact]
    public async Task Events_survive_the_system_and_the_engines()
    {
        var peer = Peer("region/1/2");
        await peer.Ask<Done>(new Append(1, 3), Patience);
        await peer.Ask<Done>(new Append(4, 2), Patience);
        await Restart();
        Assert.Equal([1, 2, 3, 4, 5], await Entries("region/1/2"));
        Assert.Empty(await Entries("region/1/3"));
    }

    [Fact]
    public async Task Recovery_starts_from_the_snapshot_and_deleted_events_stay_deleted()
    {
        var peer = Peer("region/1/2");
        for (ulong i = 1; i <= 6; i++) await peer.Ask<Done>(new Append(i, 1), Patience);
        await peer.Ask<Done>(new Truncate(4, 4), Patience);
        await Restart();
        var state = await Peer("region/1/2").Ask<State>(new GetState(), Patience);
        Assert.Equal([5, 6], state.Entries);
        Assert.Equal(4ul, state.TruncatedIndex);
        Assert.Equal(6, state.LastSequenceNr);
        Assert.Equal([5L, 6L], _store.Engines.Journal.ReadEvents("region/1/2", 1, long.MaxValue, long.MaxValue).Select(e => e.SequenceNr));
    }

    [Fact]
    public async Task Sequence_numbers_go_on_when_all_events_are_deleted()
    {
        var peer = Peer("region/1/2");
        for (ulong i = 1; i <= 3; i++) await peer.Ask<Done>(new Append(i, 1), Patience);
        await peer.Ask<Done>(new Truncate(3, 3), Patience);
        await Restart();
        peer = Peer("region/1/2");
        Assert.Equal(3, (await peer.Ask<State>(new GetState(), Patience)).LastSequenceNr);
        await peer.Ask<Done>(new Append(4, 1), Patience);
        await Restart();
        var state = await Peer("region/1/2").Ask<State>(new GetState(), Patience);
        Assert.Equal([4], state.Entries);
        Assert.Equal(4, state.LastSequenceNr);
    }

    [Fact]
    public async Task Recovery_in_chunks_gives_every_event_once_in_order()
    {
        _store.Options = _store.Options with { Settings = StorageSettings.Default with { ReplayChunkEvents = 7 } };
        _store.Reopen();
        var peer = Peer("region/1/2");
        for (ulong i = 1; i <= 50; i++) await peer.Ask<Done>(new Append(i, 1), Patience);
        await Restart();
        Assert.Equal(Enumerable.Range(1, 50).Select(i => (ulong)i), await Entries("region/1/2"));
    }

    [Fact]
    public async Task Concurrent_actors_share_syncs_and_all_recover()
    {
        const int peers = 200;
        var before = _store.Engines.Journal.Statistics;
        var actors = Enumerable.Range(0, peers).Select(i => Peer($"region/{i}/1")).ToArray();
        for (ulong round = 1; round <= 5; round++)
        {
            var index = round;
            await Task.WhenAll(actors.Select(a => a.Ask<Done>(new Append(index, 1), Patience)));
        }
        var after = _store.Engines.Journal.Statistics;
        Assert.Equal(5 * peers, after.Events - before.Events);
        Assert.InRange(after.Batches - before.Batches, 1, 5 * peers / 2);
        Assert.Equal(after.Batches - before.Batches, after.Syncs - before.Syncs);
        await Restart();
        for (var i = 0; i < peers; i++) Assert.Equal([1, 2, 3, 4, 5], await Entries($"region/{i}/1"));
    }

    [Fact]
    public async Task Old_entries_are_read_by_sequence_number_without_recovery()
    {
        var peer = Peer("region/1/2");
        await peer.Ask<Done>(new Append(1, 3), Patience);
        await peer.Ask<Done>(new Append(4, 2), Patience);
        var read = StorageExtension.Get(System).ReadEvents("region/1/2", 2, 2, long.MaxValue);
        Assert.Equal(2, read.Single().SequenceNr);
        Assert.Equal([4, 5], Assert.IsType<RaftAdvanced>(read.Single().Event).Entries.Select(e => e.Index));
    }

    [Fact]
    public async Task A_failed_write_stops_the_actor_and_fails_the_journal_until_the_store_reopens()
    {
        var peer = Peer("region/1/2");
        await peer.Ask<Done>(new Append(1, 1), Patience);
        var stopped = peer.WatchAsync();
        _store.FailPoints.Set(FailPoints.JournalCommit, () => throw new IOException("no space left"));
        peer.Tell(new Append(2, 1));
        await stopped.WaitAsync(Patience);
        Assert.Contains("no space left", (await _store.Engines.Journal.Failed.WaitAsync(Patience)).Message);
        _store.FailPoints.Clear(FailPoints.JournalCommit);

        // In the same actor system: the store closes its engines, reopens them and recovers every peer.
        var storage = StorageExtension.Get(System);
        storage.Detach();
        storage.Attach(_store.Reopen());
        peer = Peer("region/1/2", "second");
        Assert.Equal([1], (await peer.Ask<State>(new GetState(), Patience)).Entries);
        await peer.Ask<Done>(new Append(2, 1), Patience);
        await Restart();
        Assert.Equal([1, 2], await Entries("region/1/2"));
    }

    [Fact]
    public async Task A_recovery_waits_for_what_an_earlier_incarnation_has_under_way()
    {
        var first = Peer("region/1/2");
        await first.Ask<Done>(new Append(1, 1), Patience);
        using var disk = new ManualResetEventSlim(false);
        var writing = new TaskCompletionSource();
        _store.FailPoints.Set(FailPoints.JournalCommit, () =>
        {
            writing.TrySetResult();
            disk.Wait();
        });
        first.Tell(new Append(2, 1));
        await writing.Task.WaitAsync(Patience);
        System.Stop(first);
        // What a recovery asks for; of events only how many there are.
        var journal = Persistence.Instance.Apply(System).JournalFor("");
        var recovered = journal.Ask<RecoverySuccess>(
            asker => new ReplayMessages(long.MaxValue, long.MaxValue, long.MaxValue, "region/1/2", asker), Patience,
            CancellationToken.None);
        await AllReadsDone(journal);
        disk.Set();
        Assert.Equal(2, (await recovered).HighestSequenceNr);
        Assert.Equal([1, 2], await Entries("region/1/2"));
    }

    [Fact]
    public async Task Without_engines_actors_do_not_start()
    {
        StorageExtension.Get(System).Detach();
        var stopped = Peer("region/1/2").WatchAsync();
        await stopped.WaitAsync(Patience);
    }

    [Fact]
    public async Task An_event_that_cannot_be_serialized_is_rejected_and_its_actor_goes_on()
    {
        var peer = Peer("region/1/2");
        await peer.Ask<Done>(new Append(1, 1), Patience);
        Assert.Contains("no manifest", (await peer.Ask<Rejected>(new AppendUnserializable(), Patience)).Reason);
        await peer.Ask<Done>(new Append(2, 1), Patience);
        await Restart();
        Assert.Equal([1, 2], await Entries("region/1/2"));
    }

    [Fact]
    public async Task Systems_of_a_process_have_their_own_journals()
    {
        using var other = new TestStore();
        using var otherSystem = Start(other);
        await Peer("region/1/2").Ask<Done>(new Append(1, 1), Patience);
        await otherSystem.ActorOf(RaftLog.Props("region/1/2")).Ask<Done>(new Append(100, 1), Patience);
        Assert.Equal(1, _store.Engines.Journal.ReadHighestSequenceNr("region/1/2"));
        Assert.Equal([100], (await otherSystem.ActorOf(RaftLog.Props("region/1/2")).Ask<State>(new GetState(), Patience)).Entries);
        await otherSystem.Terminate();
        await Restart();
        Assert.Equal([1], await Entries("region/1/2"));
    }

    [Fact]
    public async Task Snapshots_are_deleted_one_and_many()
    {
        var peer = Peer("region/1/2");
        for (ulong i = 1; i <= 4; i++)
        {
            await peer.Ask<Done>(new Append(i, 1), Patience);
            await peer.Ask<Done>(new Truncate(i, 0), Patience);
        }
        await peer.Ask<Done>(new DeleteOne(4), Patience);
        await Restart();
        Assert.Equal(3ul, (await Peer("region/1/2").Ask<State>(new GetState(), Patience)).TruncatedIndex);
        await Peer("region/1/2", "again").Ask<Done>(new DeleteMany(3), Patience);
        await Restart();
        Assert.Equal(0ul, (await Peer("region/1/2").Ask<State>(new GetState(), Patience)).TruncatedIndex);
    }

    internal static ActorSystem Start(TestStore store) =>
        ActorSystem.Create("storage", BootstrapSetup.Create().WithConfig(Configuration).And(new StorageSetup { Engines = store.Engines }));

    private static Config Configuration => ConfigurationFactory.ParseString("""
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        akka.persistence.journal.plugin = "akka.persistence.journal.rocksdb"
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.rocksdb"
        # One, so that reads are done in the order in which they began.
        akka.persistence.dispatchers.rocksdb-replay-dispatcher.dedicated-thread-pool.thread-count = 1
        """)
        .WithFallback(StorageHocon.Reference())
        .WithFallback(ConfigurationFactory.ParseString(ProtocolHocon.Reference));

    private ActorSystem Start() => Start(_store);

    private IActorRef Peer(string persistenceId, string? name = null) => System.ActorOf(RaftLog.Props(persistenceId), name);

    private async Task<ulong[]> Entries(string persistenceId) => (await Peer(persistenceId).Ask<State>(new GetState(), Patience)).Entries;

    /// <summary>The plugin has handled what it was told before, and every read that it did not put off is over.</summary>
    private async Task AllReadsDone(IActorRef plugin)
    {
        await plugin.Ask<ActorIdentity>(new Identify(null), Patience);
        var turn = new TaskCompletionSource();
        System.Dispatchers.Lookup("akka.persistence.dispatchers.rocksdb-replay-dispatcher").Schedule(turn.SetResult);
        await turn.Task.WaitAsync(Patience);
    }

    private async Task Restart()
    {
        await System.Terminate().WaitAsync(Patience);
        _system = null;
        _store.Reopen();
    }

    private sealed record Append(ulong FirstIndex, int Count);

    private sealed record AppendUnserializable;

    private sealed record Truncate(ulong Index, long DeleteTo);

    private sealed record DeleteOne(long SequenceNr);

    private sealed record DeleteMany(long MaxSequenceNr);

    private sealed record GetState;

    private sealed record State(ulong[] Entries, ulong TruncatedIndex, long LastSequenceNr);

    private sealed record Done;

    private sealed record Rejected(string Reason);

    /// <summary>A Raft log as a peer keeps it: one event for each advance, a snapshot for what is cut off.</summary>
    private sealed class RaftLog : ReceivePersistentActor
    {
        private readonly SortedSet<ulong> _entries = [];
        private ulong _truncatedIndex;
        private IActorRef _waiting = ActorRefs.Nobody;
        private long _deleteTo;

        public RaftLog(string persistenceId)
        {
            PersistenceId = persistenceId;
            Recover<RaftAdvanced>(Apply);
            Recover<SnapshotOffer>(offer => _truncatedIndex = ((RaftTruncated)offer.Snapshot).Index);
            Command<Append>(append => PersistAsync(Advanced(append), e =>
            {
                Apply(e);
                Sender.Tell(new Done());
            }));
            Command<AppendUnserializable>(_ => PersistAsync(new Entry(), _ => Sender.Tell(new Done())));
            Command<Truncate>(truncate =>
            {
                (_waiting, _deleteTo) = (Sender, truncate.DeleteTo);
                // Under its own number: Eventsourced.SaveSnapshot takes the last one handed out, and recovery would skip the tail.
                var metadata = new Akka.Persistence.SnapshotMetadata(
                    PersistenceId, truncate.DeleteTo > 0 ? truncate.DeleteTo : LastSequenceNr, DateTime.UtcNow);
                SnapshotStore.Tell(new SaveSnapshot(
                    metadata, new RaftTruncated { HardState = new HardState { Term = 1 }, Index = truncate.Index, Term = 1 }), Self);
            });
            Command<SaveSnapshotSuccess>(_ =>
            {
                if (_deleteTo > 0) DeleteMessages(_deleteTo);
                else _waiting.Tell(new Done());
            });
            Command<DeleteMessagesSuccess>(_ => _waiting.Tell(new Done()));
            Command<DeleteOne>(delete =>
            {
                _waiting = Sender;
                DeleteSnapshot(delete.SequenceNr);
            });
            Command<DeleteSnapshotSuccess>(_ => _waiting.Tell(new Done()));
            Command<DeleteMany>(delete =>
            {
                _waiting = Sender;
                DeleteSnapshots(new SnapshotSelectionCriteria(delete.MaxSequenceNr));
            });
            Command<DeleteSnapshotsSuccess>(_ => _waiting.Tell(new Done()));
            Command<GetState>(_ => Sender.Tell(new State([.. _entries], _truncatedIndex, LastSequenceNr)));
        }

        public override string PersistenceId { get; }

        public static Props Props(string persistenceId) => Akka.Actor.Props.Create(() => new RaftLog(persistenceId));

        protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
            Sender.Tell(new Rejected(cause.Message));

        private static RaftAdvanced Advanced(Append append)
        {
            var advanced = new RaftAdvanced { HardState = new HardState { Term = 1 } };
            for (var i = 0; i < append.Count; i++)
                advanced.Entries.Add(new Entry { Index = append.FirstIndex + (ulong)i, Term = 1, Data = ByteString.CopyFromUtf8("data") });
            return advanced;
        }

        private void Apply(RaftAdvanced advanced) => _entries.UnionWith(advanced.Entries.Select(e => e.Index));
    }
}
