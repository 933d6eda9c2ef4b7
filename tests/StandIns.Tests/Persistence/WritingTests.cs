using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;

namespace TiKvActors.StandIns.Tests.Persistence;

public class WritingTests
{
    [Fact]
    public async Task Handlers_run_in_the_order_of_their_calls_whatever_persists_or_defers_them()
    {
        await using var scene = new PersistenceScene(typeof(SlowJournal));
        var actor = scene.System.ActorOf(Props.Create(() => new Mixed(scene)));
        const int Commands = 300;
        for (var i = 0; i < Commands; i++) actor.Tell(i);
        await scene.Reported($"deferred {Commands - 1}");
        var expected = new List<string>();
        for (var i = 0; i < Commands; i++)
        {
            expected.Add(i % 7 == 0 ? $"persisted {i}" : $"persisted async {i}");
            if (i % 5 == 0) expected.AddRange([$"one of all {i}", $"one of all {i + 1}"]);
            expected.Add($"deferred {i}");
        }
        Assert.Equal(expected, scene.Reports);
    }

    [Fact]
    public async Task Persist_holds_back_later_commands_also_when_the_handler_of_PersistAsync_calls_it()
    {
        await using var scene = new PersistenceScene(typeof(SlowJournal));
        scene.System.ActorOf(Props.Create(() => new Nested(scene))).Tell("first");
        await scene.Reported("command second");
        Assert.Equal(["first async", "first nested", "command second"], scene.Reports);
    }

    [Fact]
    public async Task An_asynchronous_command_ends_before_the_next_begins()
    {
        await using var scene = new PersistenceScene(typeof(SlowJournal));
        var actor = scene.System.ActorOf(Props.Create(() => new Asynchronous(scene)));
        for (var i = 1; i <= 3; i++) actor.Tell(i);
        await scene.Reported("stored 3");
        Assert.Equal(Enumerable.Range(1, 3).SelectMany(i => new[] { $"begin {i}", $"end {i}", $"stored {i}" }), scene.Reports);
    }

    [Fact]
    public async Task A_write_that_takes_too_long_fails_stops_the_actor_and_opens_the_breaker()
    {
        await using var scene = new PersistenceScene(
            typeof(StuckJournal), "tested.circuit-breaker { call-timeout = 100ms, max-failures = 1, reset-timeout = 1h }");
        scene.System.ActorOf(Account.Props(scene, "a")).Tell(1);
        await scene.Reported("a stopped");
        Assert.Equal(["a recovered 0 at 0", "a write 1 failed: TimeoutException", "a stopped"], scene.Reports);

        // The journal is not asked any more: a recovery fails like a write.
        scene.System.ActorOf(Account.Props(scene, "b"));
        await scene.Reported("b stopped");
        Assert.Contains("b recovery failed: OpenCircuitException", scene.Reports);
    }

    [Fact]
    public async Task A_journal_that_was_restarted_goes_on()
    {
        await using var scene = new PersistenceScene(typeof(FragileJournal));
        var account = scene.System.ActorOf(Account.Props(scene, "a"));
        account.Tell(1);
        await scene.Reported("a stored 1 at 1");
        FragileJournal.Restarts = 0;
        scene.Journal.Tell("break");
        account.Tell(2);
        await scene.Reported("a stored 2 at 2");
        Assert.Equal(1, FragileJournal.Restarts);
        Assert.Equal(3, await account.Ask<long>("sum", TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task What_an_earlier_incarnation_wrote_is_recovered_and_its_handlers_are_not_called()
    {
        await using var scene = new PersistenceScene(typeof(GatedWriteJournal));
        GatedWriteJournal.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var actor = scene.System.ActorOf(Props.Create(() => new Restarting(scene)));
        actor.Tell(1);
        await scene.Reported("command 1");
        actor.Tell(new InvalidOperationException("restart"));
        actor.Tell(2);
        GatedWriteJournal.Gate.SetResult();
        await scene.Reported("stored 2");
        Assert.Equal(["command 1", "recovered 1", "command 2", "stored 2"], scene.Reports);
    }

    private sealed class Mixed : UntypedPersistentActor
    {
        private readonly PersistenceScene _scene;

        public Mixed(PersistenceScene scene) => _scene = scene;

        public override string PersistenceId => "mixed";

        protected override void OnCommand(object message)
        {
            if (message is not int n) return;
            if (n % 7 == 0) Persist(n, e => _scene.Report($"persisted {e}"));
            else PersistAsync(n, e => _scene.Report($"persisted async {e}"));
            if (n % 5 == 0) PersistAllAsync([n, n + 1], e => _scene.Report($"one of all {e}"));
            DeferAsync(n, e => _scene.Report($"deferred {e}"));
        }

        protected override void OnRecover(object message)
        {
        }
    }

    private sealed class Nested : ReceivePersistentActor
    {
        public Nested(PersistenceScene scene)
        {
            Command<string>(m => m == "first", m => PersistAsync(m, _ =>
            {
                scene.Report("first async");
                Persist(m, _ => scene.Report("first nested"));
                Self.Tell("second");
            }));
            Command<string>(m => scene.Report("command " + m));
        }

        public override string PersistenceId => "nested";
    }

    private sealed class Asynchronous : ReceivePersistentActor
    {
        public Asynchronous(PersistenceScene scene) => CommandAsync<int>(async n =>
        {
            scene.Report($"begin {n}");
            await Task.Delay(10);
            scene.Report($"end {n}");
            Persist(n, e => scene.Report($"stored {e}"));
        });

        public override string PersistenceId => "asynchronous";
    }

    private sealed class Restarting : ReceivePersistentActor
    {
        public Restarting(PersistenceScene scene)
        {
            Command<int>(n =>
            {
                scene.Report($"command {n}");
                PersistAsync(n, e => scene.Report($"stored {e}"));
            });
            Command<Exception>(e => throw e);
            Recover<int>(n => scene.Report($"recovered {n}"));
        }

        public override string PersistenceId => "restarting";
    }

    /// <summary>
    /// Takes a while for each write, longer for some, so that writes of one actor would overtake each other if they could.
    /// </summary>
    public sealed class SlowJournal : KeptJournal
    {
        private int _writes;

        protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            var writes = messages.ToArray();
            await Task.Delay(_writes++ % 2 == 0 ? 4 : 0);
            return await base.WriteMessagesAsync(writes);
        }
    }

    public sealed class StuckJournal : KeptJournal
    {
        protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages) =>
            new TaskCompletionSource<IImmutableList<Exception>>().Task;
    }

    /// <summary>Throws on its own thread when told to, which its supervisor answers with a restart.</summary>
    public sealed class FragileJournal : KeptJournal
    {
        public static int Restarts { get; set; }

        protected override bool ReceivePluginInternal(object message) => message is "break" ? throw new IOException("broken") : false;

        protected override void PostRestart(Exception reason) => Restarts++;
    }

    /// <summary>Stores nothing before the gate opens; a recovery waits for the write under way, as it must.</summary>
    public sealed class GatedWriteJournal : KeptJournal
    {
        private Task _write = Task.CompletedTask;

        public static TaskCompletionSource Gate { get; set; }

        protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            var write = Write(messages);
            _write = write;
            return write;
        }

        public override async Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr)
        {
            await _write;
            return await base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr);
        }

        private async Task<IImmutableList<Exception>> Write(IEnumerable<AtomicWrite> messages)
        {
            await Gate.Task;
            return await base.WriteMessagesAsync(messages);
        }
    }
}
