using System.Threading.Channels;
using Akka.Actor;
using Akka.Persistence;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>Persistent actors on the replicated journal: three members, and incarnations of one actor on different nodes.</summary>
public sealed class IncarnationTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly MetaNodes _nodes = new();

    public IncarnationTests() => _nodes.Start();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    /// <summary>The older one hears that it is fenced, before it has told anybody anything that the younger does not know.</summary>
    [Fact]
    public async Task OfTwoLivingIncarnationsOnlyTheYoungerGetsAnyFurther()
    {
        var old = Counter.Start(_nodes[0].System);
        await old.AddAsync(1);
        await old.AddAsync(2);
        var young = Counter.Start(_nodes[1].System);
        Assert.Equal([1, 2], await young.StateAsync());
        await young.AddAsync(3);

        old.Actor.Tell(new Counter.Add(4));
        Assert.IsType<FencedException>((await old.FailureAsync()).GetBaseException());
        await old.StoppedAsync();
        await young.AddAsync(5);
        Assert.Equal([1, 2, 3, 5], await Counter.Start(_nodes[2].System).StateAsync());
    }

    /// <summary>It saves, deletes, and goes on; the other has loaded what is gone since then.</summary>
    [Fact]
    public async Task AnIncarnationThatIsOvertakenWhileItRecoversDoesNotStart()
    {
        var old = Counter.Start(_nodes[0].System);
        for (var i = 1; i <= 5; i++)
            await old.AddAsync(i);
        var snapshots = Akka.Persistence.Persistence.Instance.Apply(_nodes[1].System).SnapshotStoreFor(Counter.SnapshotPlugin);
        var loaded = await snapshots.Ask<LoadSnapshotResult>(new LoadSnapshot(Counter.Id, SnapshotSelectionCriteria.Latest, long.MaxValue), Patience);
        Assert.Null(loaded.Snapshot);
        await old.SaveAndDeleteAsync();
        await old.AddAsync(6);
        // The next step of the recovery that has just loaded nothing.
        var journal = Akka.Persistence.Persistence.Instance.Apply(_nodes[1].System).JournalFor(Counter.JournalPlugin);
        var failure = await journal.Ask<ReplayMessagesFailure>(
            self => new ReplayMessages(1, long.MaxValue, long.MaxValue, Counter.Id, self), Patience, CancellationToken.None);
        Assert.Contains("were deleted while it recovered", failure.Cause.GetBaseException().Message);
        Assert.Equal([1, 2, 3, 4, 5, 6], await Counter.Start(_nodes[1].System).StateAsync());
    }

    /// <summary>Each member is stopped once, the leader among them, and nothing that was acknowledged is missing afterwards.</summary>
    [Fact]
    public async Task WritesGoOnWhileAnyMinorityIsAway()
    {
        var counter = Counter.Start(_nodes[0].System);
        // The very first start needs all of them.
        Assert.Empty(await counter.StateAsync());
        var expected = 0;
        foreach (var away in new[] { _nodes[1], _nodes[2] })
        {
            await away.StopAsync();
            for (var i = 0; i < 20; i++)
                await counter.AddAsync(++expected);
            away.Start();
        }

        await _nodes[0].StopAsync();
        var next = Counter.Start(_nodes[1].System);
        Assert.Equal(Enumerable.Range(1, expected), await next.StateAsync());
        await next.AddAsync(++expected);
        _nodes[0].Start();
        Assert.Equal(Enumerable.Range(1, expected), await Counter.Start(_nodes[2].System).StateAsync());
    }

    /// <summary>Without a majority a write ends as unknown, and the actor with it; its successor finds out.</summary>
    [Fact]
    public async Task WithoutAMajorityAnIncarnationEndsAndItsSuccessorFindsWhatIsStored()
    {
        var counter = Counter.Start(_nodes[0].System);
        await counter.AddAsync(1);
        await _nodes[1].StopAsync();
        await _nodes[2].StopAsync();
        counter.Actor.Tell(new Counter.Add(2));
        Assert.Contains("whether it has stored what it was given is unknown", (await counter.FailureAsync()).GetBaseException().Message);
        await counter.StoppedAsync();
        _nodes[1].Start();
        var state = await Counter.Start(_nodes[0].System).StateAsync();
        Assert.True(state is [1] or [1, 2], $"[{string.Join(", ", state)}]");
    }

    /// <summary>One incarnation of a persistent actor that remembers numbers, and what it says.</summary>
    private sealed record Counter(IActorRef Actor, ChannelReader<Exception> Failures, Task Stopped)
    {
        public const string Id = "counter";
        public const string JournalPlugin = "akka.persistence.journal.replicated";
        public const string SnapshotPlugin = "akka.persistence.snapshot-store.replicated";

        public sealed record Add(ulong Number);

        private sealed record GetState;

        private sealed record SaveAndDelete;

        private sealed record Done;

        public static Counter Start(ActorSystem system)
        {
            var failures = Channel.CreateUnbounded<Exception>();
            var actor = system.ActorOf(Props.Create(() => new Numbers(failures.Writer)));
            return new Counter(actor, failures.Reader, actor.WatchAsync());
        }

        public async Task AddAsync(int number)
        {
            var done = Actor.Ask<Done>(new Add((ulong)number), Patience);
            if (await Task.WhenAny(done, Stopped) == done)
                await done;
            else
                throw await FailureAsync();
        }

        public Task SaveAndDeleteAsync() => Actor.Ask<Done>(new SaveAndDelete(), Patience);

        public async Task<IReadOnlyList<int>> StateAsync() => await Actor.Ask<IReadOnlyList<int>>(new GetState(), Patience);

        public Task<Exception> FailureAsync() => Failures.ReadAsync().AsTask().WaitAsync(Patience);

        public Task StoppedAsync() => Stopped.WaitAsync(Patience);

        private sealed class Numbers : ReceivePersistentActor
        {
            private readonly List<int> _numbers = [];
            private readonly ChannelWriter<Exception> _failures;
            private IActorRef _waiting = ActorRefs.Nobody;

            public Numbers(ChannelWriter<Exception> failures)
            {
                _failures = failures;
                JournalPluginId = JournalPlugin;
                SnapshotPluginId = SnapshotPlugin;
                Recover<IdWindowExtended>(e => _numbers.Add((int)e.End));
                Recover<SnapshotOffer>(offer => _numbers.AddRange(((PlacementSnapshot)offer.Snapshot).Regions.Select(r => (int)r.Id)));
                Command<Add>(add => Persist(new IdWindowExtended { End = add.Number }, e =>
                {
                    _numbers.Add((int)e.End);
                    Sender.Tell(new Done());
                }));
                Command<GetState>(_ => Sender.Tell(_numbers.ToArray()));
                Command<SaveAndDelete>(_ =>
                {
                    _waiting = Sender;
                    SaveSnapshot(new PlacementSnapshot { Regions = { _numbers.Select(n => new Protocol.Metapb.Region { Id = (ulong)n }) } });
                });
                Command<SaveSnapshotSuccess>(saved => DeleteMessages(saved.Metadata.SequenceNr));
                Command<DeleteMessagesSuccess>(_ => _waiting.Tell(new Done()));
            }

            public override string PersistenceId => Id;

            protected override void OnRecoveryFailure(Exception reason, object? message = null) => _failures.TryWrite(reason);

            protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => _failures.TryWrite(cause);
        }
    }
}
