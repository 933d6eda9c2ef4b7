using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace TiKvActors.StandIns.Tests.Persistence;

public class RecoveryTests
{
    [Fact]
    public async Task Ten_thousand_actors_recover_together_a_bounded_number_at_a_time()
    {
        const int Actors = 10_000, Limit = 64;
        await using var scene = new PersistenceScene(typeof(CountingJournal), $"akka.persistence.max-concurrent-recoveries = {Limit}");
        var store = KeptJournal.Of(scene.System);
        for (var i = 0; i < Actors; i++)
            store["account-" + i] = Enumerable.Range(1, 3)
                .Select(n => (IPersistentRepresentation)new Persistent(n, n, "account-" + i, writerGuid: "earlier")).ToImmutableList();
        CountingJournal.Reset();

        for (var i = 0; i < Actors; i++) scene.System.ActorOf(Account.Props(scene, "account-" + i));
        await Eventually.TrueAsync(() => scene.ReportCount >= Actors, "all recoveries");

        Assert.Equal(Actors, scene.Reports.Count(r => r.EndsWith("recovered 6 at 3", StringComparison.Ordinal)));
        Assert.InRange(CountingJournal.Most, 2, Limit);
    }

    [Fact]
    public async Task Commands_sent_during_recovery_wait_and_keep_their_order()
    {
        await using var scene = new PersistenceScene(typeof(GatedJournal));
        GatedJournal.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var account = scene.System.ActorOf(Account.Props(scene, "a"));
        for (var i = 1; i <= 5; i++) account.Tell(i);
        Assert.Empty(scene.Reports);
        GatedJournal.Gate.SetResult();
        await scene.Reported("a stored 5 at 5");
        Assert.Equal(["a recovered 0 at 0", .. Enumerable.Range(1, 5).Select(i => $"a stored {i} at {i}")], scene.Reports);
    }

    [Fact]
    public async Task A_recovery_that_hangs_fails_after_its_timeout_and_makes_room_for_the_next()
    {
        await using var scene = new PersistenceScene(
            typeof(HangingReplayJournal), "akka.persistence.max-concurrent-recoveries = 1\ntested.recovery-event-timeout = 150ms");
        KeptJournal.Of(scene.System)["hangs"] = [new Persistent(1, 1, "hangs")];
        HangingReplayJournal.Replaying = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        scene.System.ActorOf(Account.Props(scene, "hangs"));
        // Two actors that start at once may take the permit in either order.
        await HangingReplayJournal.Replaying.Task.WaitAsync(TimeSpan.FromSeconds(60));
        scene.System.ActorOf(Account.Props(scene, "next"));
        await scene.Reported("next recovered 0 at 0");
        await scene.Reported("hangs stopped");
        Assert.Equal(["hangs recovery failed: RecoveryTimedOutException", "hangs stopped", "next recovered 0 at 0"], scene.Reports.OrderBy(
            r => r, StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_actor_that_stops_while_it_waits_for_its_turn_does_not_hold_up_the_others()
    {
        await using var scene = new PersistenceScene(typeof(GatedJournal), "akka.persistence.max-concurrent-recoveries = 1");
        GatedJournal.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        scene.System.ActorOf(Account.Props(scene, "first"));
        var waiting = scene.System.ActorOf(Account.Props(scene, "waiting"));
        scene.System.ActorOf(Account.Props(scene, "last"));
        scene.System.Stop(waiting);
        await scene.Reported("waiting stopped");
        GatedJournal.Gate.SetResult();
        await scene.Reported("last recovered 0 at 0");
        Assert.DoesNotContain("waiting recovered 0 at 0", scene.Reports);
    }

    [Fact]
    public async Task An_actor_that_stops_in_its_recovery_gives_its_permit_back()
    {
        await using var scene = new PersistenceScene(typeof(HangingReplayJournal), "akka.persistence.max-concurrent-recoveries = 1");
        KeptJournal.Of(scene.System)["hangs"] = [new Persistent(1, 1, "hangs")];
        var hangs = scene.System.ActorOf(Account.Props(scene, "hangs"));
        scene.System.ActorOf(Account.Props(scene, "next"));
        scene.System.Stop(hangs);
        await scene.Reported("next recovered 0 at 0");
    }

    [Fact]
    public async Task A_snapshot_saved_under_an_earlier_number_is_followed_by_the_events_after_it()
    {
        await using var scene = new PersistenceScene(typeof(KeptJournal));
        var account = scene.System.ActorOf(Account.Props(scene, "a"));
        for (var i = 1; i <= 4; i++) account.Tell(i);
        await scene.Reported("a stored 4 at 4");
        var snapshots = Akka.Persistence.Persistence.Instance.Apply(scene.System).SnapshotStoreFor(null);
        var saved = await snapshots.Ask<SaveSnapshotSuccess>(
            new SaveSnapshot(new SnapshotMetadata("a", 2, DateTime.UtcNow), "state of 2"), TimeSpan.FromSeconds(10));
        Assert.Equal(2, saved.Metadata.SequenceNr);
        scene.System.Stop(account);
        await scene.Reported("a stopped");
        scene.System.ActorOf(Props.Create(() => new Reader(scene, "a")));
        await scene.Reported("completed at 4");
        Assert.Equal(
            ["offer state of 2 at 2", "event 3", "event 4", "completed at 4"], scene.Reports.SkipWhile(r => r != "a stopped").Skip(1));
    }

    private sealed class Reader : UntypedPersistentActor
    {
        private readonly PersistenceScene _scene;

        public Reader(PersistenceScene scene, string persistenceId)
        {
            _scene = scene;
            PersistenceId = persistenceId;
        }

        public override string PersistenceId { get; }

        protected override void OnCommand(object message) => Unhandled(message);

        protected override void OnRecover(object message) => _scene.Report(message switch
        {
            SnapshotOffer offer => $"offer {offer.Snapshot} at {offer.Metadata.SequenceNr}",
            RecoveryCompleted => "completed at " + LastSequenceNr,
            _ => "event " + message
        });
    }

    /// <summary>Counts the recoveries that are between their first question and their last event.</summary>
    public sealed class CountingJournal : KeptJournal
    {
        private static int _now;
        private static int _most;

        public static int Most => Volatile.Read(ref _most);

        public static void Reset() => (_now, _most) = (0, 0);

        public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr)
        {
            var now = Interlocked.Increment(ref _now);
            for (var most = Most; now > most && Interlocked.CompareExchange(ref _most, now, most) != most;) most = Most;
            return base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr);
        }

        public override async Task ReplayMessagesAsync(
            IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
            Action<IPersistentRepresentation> recoveryCallback)
        {
            await Task.Yield();
            await base.ReplayMessagesAsync(context, persistenceId, fromSequenceNr, toSequenceNr, max, recoveryCallback);
            Interlocked.Decrement(ref _now);
        }
    }

    /// <summary>Answers nothing before the gate opens.</summary>
    public sealed class GatedJournal : KeptJournal
    {
        public static TaskCompletionSource Gate { get; set; }

        public override async Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr)
        {
            await Gate.Task;
            return await base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr);
        }
    }

    /// <summary>Never ends a replay.</summary>
    public sealed class HangingReplayJournal : KeptJournal
    {
        /// <summary>Done when a replay has begun.</summary>
        public static TaskCompletionSource Replaying { get; set; } = new();

        public override Task ReplayMessagesAsync(
            IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
            Action<IPersistentRepresentation> recoveryCallback)
        {
            Replaying.TrySetResult();
            return new TaskCompletionSource().Task;
        }
    }
}
