using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;

namespace TiKvActors.StandIns.Tests.Persistence;

/// <summary>
/// An actor that does everything at random, failures included: what its journal holds, what it knew and what is recovered are the same.
/// </summary>
public class RandomHistoryTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Journal_memory_and_recovery_agree(int seed)
    {
        await using var scene = new PersistenceScene(typeof(JitteryJournal));
        var random = new Random(seed);
        var actor = scene.System.ActorOf(Props.Create(() => new Erratic(seed)));
        for (var i = 1; i <= 400; i++) actor.Tell(new Command(i, (Deed)random.Next(8)));
        var atTheEnd = await actor.Ask<State>(GetState.Instance, _patience);

        var stored = KeptJournal.Of(scene.System)["erratic-" + seed];
        Assert.InRange(stored.Count, 100, 800);
        Assert.Equal(Enumerable.Range(1, stored.Count).Select(n => (long)n), stored.Select(p => p.SequenceNr));
        Assert.Equal(stored.Select(p => (int)p.Payload), atTheEnd.Events);
        Assert.Equal(atTheEnd.Commands.Order(), atTheEnd.Commands);

        await actor.GracefulStop(_patience);
        var recovered = await scene.System.ActorOf(Props.Create(() => new Erratic(seed))).Ask<State>(GetState.Instance, _patience);
        Assert.Equal(atTheEnd.Events, recovered.Events);
    }

    private enum Deed
    {
        Persist,
        PersistAsync,
        PersistAll,
        PersistAsyncThenThrow,
        ThrowInHandler,
        Defer,
        Stash,
        Asynchronous
    }

    private sealed record Command(int Number, Deed Deed);

    private sealed class GetState
    {
        public static readonly GetState Instance = new();
    }

    /// <param name="Events">In the order in which they were recovered or their handlers ran.</param>
    /// <param name="Commands">That were begun by this incarnation.</param>
    private sealed record State(IReadOnlyList<int> Events, IReadOnlyList<int> Commands);

    private sealed class Erratic : ReceivePersistentActor
    {
        private readonly List<int> _events = [];
        private readonly List<int> _commands = [];
        private readonly HashSet<int> _unstashed = [];

        public Erratic(int seed)
        {
            PersistenceId = "erratic-" + seed;
            Command<Command>(c => c.Deed == Deed.Stash && !_unstashed.Contains(c.Number), c =>
            {
                // Comes back in front of everything that waits, so that the order of commands stays.
                _unstashed.Add(c.Number);
                Stash.Stash();
                Stash.UnstashAll();
            });
            CommandAsync<Command>(c => c.Deed == Deed.Asynchronous, async c =>
            {
                _commands.Add(c.Number);
                await Task.Yield();
                Persist(c.Number, _events.Add);
            });
            Command<Command>(Do);
            // Behind the handlers of everything before it.
            Command<GetState>(_ =>
            {
                var asker = Sender;
                DeferAsync(0, _ => asker.Tell(new State([.. _events], [.. _commands])));
            });
            Recover<int>(_events.Add);
        }

        public override string PersistenceId { get; }

        private void Do(Command c)
        {
            _commands.Add(c.Number);
            switch (c.Deed)
            {
                case Deed.PersistAll:
                    PersistAll([c.Number, -c.Number], _events.Add);
                    break;
                case Deed.PersistAsync:
                    PersistAsync(c.Number, _events.Add);
                    break;
                case Deed.PersistAsyncThenThrow:
                    PersistAsync(c.Number, _events.Add);
                    throw new InvalidOperationException("after PersistAsync");
                case Deed.ThrowInHandler:
                    Persist(c.Number, _ => throw new InvalidOperationException("in the handler"));
                    break;
                case Deed.Defer:
                    DeferAsync(c.Number, _ => { });
                    break;
                default:
                    Persist(c.Number, _events.Add);
                    break;
            }
        }
    }

    /// <summary>Takes its time at random; a recovery waits for the write under way, as it must.</summary>
    public sealed class JitteryJournal : KeptJournal
    {
        private readonly Random _random = new(1);
        private Task _write = Task.CompletedTask;

        protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            var write = Write(_write, messages);
            _write = write;
            return write;
        }

        public override async Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr)
        {
            await _write;
            return await base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr);
        }

        private async Task<IImmutableList<Exception>> Write(Task before, IEnumerable<AtomicWrite> messages)
        {
            var pause = _random.Next(4);
            await before;
            if (pause == 0) await Task.Delay(1);
            if (pause == 1) await Task.Yield();
            return await base.WriteMessagesAsync(messages);
        }
    }
}
