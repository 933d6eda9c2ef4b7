using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace TiKvActors.StandIns.Tests.Persistence;

/// <summary>An actor system with one journal of the test's own, and what its actors report.</summary>
internal sealed class PersistenceScene : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private readonly ConcurrentQueue<string> _reports = new();

    public PersistenceScene(Type journal, string hocon = "")
    {
        var common = ConfigurationFactory.ParseString($$"""
            akka { loglevel = OFF, stdout-loglevel = OFF }
            akka.persistence { journal.plugin = tested, snapshot-store.plugin = "akka.persistence.snapshot-store.inmem" }
            tested { class = "{{journal.FullName}}, {{journal.Assembly.GetName().Name}}" }
            """);
        System = ActorSystem.Create("persistence", ConfigurationFactory.ParseString(hocon).WithFallback(common));
    }

    public ActorSystem System { get; }

    public IReadOnlyList<string> Reports => [.. _reports];

    public int ReportCount => _reports.Count;

    public IActorRef Journal => Akka.Persistence.Persistence.Instance.Apply(System).JournalFor("tested");

    public void Report(string line) => _reports.Enqueue(line);

    public Task Reported(string line, int times = 1) =>
        Eventually.TrueAsync(
            () => _reports.Count(r => r == line) >= times, () => $"'{line}' x{times}, so far: {string.Join("; ", _reports)}");

    public async ValueTask DisposeAsync() => await System.Terminate().WaitAsync(_patience);
}

/// <summary>Keeps events beyond the life of the journal actor, as a journal on disk does: by the name of the actor system's test.</summary>
public class KeptJournal : AsyncWriteJournal
{
    private static readonly ConcurrentDictionary<
        ActorSystem, ConcurrentDictionary<string, ImmutableList<IPersistentRepresentation>>> _stores = new();

    protected ConcurrentDictionary<string, ImmutableList<IPersistentRepresentation>> Events { get; } = Of(Context.System);

    internal static ConcurrentDictionary<string, ImmutableList<IPersistentRepresentation>> Of(ActorSystem system)
    {
        var store = _stores.GetOrAdd(system, static s =>
        {
            s.RegisterOnTermination(() => _stores.TryRemove(s, out _));
            return new();
        });
        return store;
    }

    protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        foreach (var write in messages)
            foreach (var p in (IImmutableList<IPersistentRepresentation>)write.Payload)
                Events.AddOrUpdate(p.PersistenceId, static (_, p) => [p], static (_, list, p) => list.Add(p), p);
        return Task.FromResult<IImmutableList<Exception>>(null);
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr) => Task.CompletedTask;

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) =>
        Task.FromResult(Events.TryGetValue(persistenceId, out var events) ? events[^1].SequenceNr : 0);

    public override Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        if (Events.TryGetValue(persistenceId, out var events))
            foreach (var p in events.Where(p => p.SequenceNr >= fromSequenceNr && p.SequenceNr <= toSequenceNr))
                recoveryCallback(p);
        return Task.CompletedTask;
    }
}

/// <summary>Stores numbers and reports what happens to it.</summary>
internal sealed class Account : ReceivePersistentActor
{
    private readonly PersistenceScene _scene;
    private long _sum;

    public Account(PersistenceScene scene, string persistenceId)
    {
        _scene = scene;
        PersistenceId = persistenceId;
        Command<int>(n => Persist(n, Stored));
        Command<string>(m => m == "sum", _ => Sender.Tell(_sum));
        Command<Exception>(e => throw e);
        Recover<int>(n => _sum += n);
        Recover<RecoveryCompleted>(_ => scene.Report($"{persistenceId} recovered {_sum} at {LastSequenceNr}"));
    }

    public override string PersistenceId { get; }

    public static Props Props(PersistenceScene scene, string persistenceId) =>
        Akka.Actor.Props.Create(() => new Account(scene, persistenceId));

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        _scene.Report($"{PersistenceId} write {sequenceNr} failed: {cause.GetType().Name}");

    protected override void OnRecoveryFailure(Exception reason, object message = null) =>
        _scene.Report($"{PersistenceId} recovery failed: {reason.GetType().Name}");

    protected override void PostStop() => _scene.Report($"{PersistenceId} stopped");

    private void Stored(int n)
    {
        _sum += n;
        _scene.Report($"{PersistenceId} stored {n} at {LastSequenceNr}");
    }
}
