using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Pattern;

namespace Akka.Persistence.Journal;

/// <summary>
/// Base of a journal: hands the requests of persistent actors to the plugin's asynchronous methods and sends their outcome back.
/// The methods are called one after the other on the journal's actor and may complete in any order, on any thread.
/// </summary>
public abstract class AsyncWriteJournal : WriteJournalBase, IAsyncRecovery
{
    private readonly CircuitBreaker _breaker;
    private readonly ReplayFilterMode _replayFilterMode;
    private readonly int _replayFilterWindow;
    private readonly int _replayFilterMaxOldWriters;
    private readonly ILoggingAdapter _log;

    protected AsyncWriteJournal()
    {
        var config = Persistence.Instance.Apply(Context.System).ConfigOf(Self, isJournal: true);
        _log = Context.GetLogger();
        _breaker = CircuitBreaker.Create(
            Context.System.Scheduler,
            config.GetInt("circuit-breaker.max-failures", 10),
            config.GetTimeSpan("circuit-breaker.call-timeout", TimeSpan.FromSeconds(10)),
            config.GetTimeSpan("circuit-breaker.reset-timeout", TimeSpan.FromSeconds(30)));
        _replayFilterMode = ReplayFilterModeOf(config.GetString("replay-filter.mode"));
        _replayFilterWindow = config.GetInt("replay-filter.window-size", 100);
        _replayFilterMaxOldWriters = config.GetInt("replay-filter.max-old-writers", 10);
    }

    /// <summary>
    /// Stores the events. The task's outcome decides: a fault means that nothing is known about any of them, and stops their
    /// actors; null, or a list with one element a write, says which writes are rejected (an exception: not stored, its actor goes on).
    /// An actor has one call under way at a time. Calls for other actors may come meanwhile.
    /// </summary>
    protected abstract Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages);

    /// <summary>Deletes up to and including a number. The highest number must stay known.</summary>
    protected abstract Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr);

    /// <summary>Calls back for each event in order, one at a time. Both bounds are inclusive.</summary>
    public abstract Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback);

    /// <summary>The highest number ever stored, deleted events included; 0 if there is none. The caller knows it to be at least
    /// <paramref name="fromSequenceNr"/>. Must wait for writes of that id which are under way.</summary>
    public abstract Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr);

    /// <summary>For messages of the plugin's own.</summary>
    protected virtual bool ReceivePluginInternal(object message) => false;

    protected sealed override bool Receive(object message) => ReceiveWriteJournal(message) || ReceivePluginInternal(message);

    protected bool ReceiveWriteJournal(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                _ = Write(write, Self);
                return true;
            case ReplayMessages replay:
                _ = Replay(replay, Context);
                return true;
            case DeleteMessagesTo delete:
                _ = Delete(delete);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The only exception inside, if there is just one.</summary>
    protected static Exception TryUnwrapException(Exception e) =>
        e is AggregateException aggregate && aggregate.Flatten() is { InnerExceptions: [var only] } ? only : e;

    private async Task Write(WriteMessages request, IActorRef journal)
    {
        var envelopes = request.Messages as IReadOnlyList<IPersistentEnvelope> ?? request.Messages.ToArray();
        IImmutableList<Exception> rejections;
        try
        {
            if (!TryPrepare(envelopes, out var writes, out var refusal))
                rejections = Enumerable.Repeat(refusal, envelopes.Count(e => e is AtomicWrite)).ToImmutableList();
            else if (writes.Length == 0)
                rejections = null;
            else
                rejections = Checked(await _breaker.WithCircuitBreaker(
                    (Journal: this, Writes: writes),
                    static s => s.Journal.WriteMessagesAsync(s.Writes)).ConfigureAwait(false), writes.Length);
        }
        catch (Exception e)
        {
            AnswerFailure(request, envelopes, TryUnwrapException(e), journal);
            return;
        }
        Answer(request, envelopes, rejections, journal);
    }

    /// <summary>An event adapter that throws refuses the whole batch: nothing of it has reached the plugin.</summary>
    private bool TryPrepare(IReadOnlyList<IPersistentEnvelope> envelopes, out AtomicWrite[] writes, out Exception refusal)
    {
        try
        {
            writes = PreparePersistentBatch(envelopes).ToArray();
            refusal = null;
            return true;
        }
        catch (Exception e)
        {
            writes = null;
            refusal = e;
            return false;
        }
    }

    private IImmutableList<Exception> Checked(IImmutableList<Exception> rejections, int writes) =>
        rejections == null || rejections.Count == writes
            ? rejections
            : throw new IllegalStateException(
                $"WriteMessagesAsync of {GetType().Name} got {writes} writes and answered for {rejections.Count}.");

    private static void Answer(
        WriteMessages request, IReadOnlyList<IPersistentEnvelope> envelopes, IImmutableList<Exception> rejections, IActorRef journal)
    {
        var (actor, instance) = (request.PersistentActor, request.ActorInstanceId);
        actor.Tell(request.OnSuccess, journal);
        var writes = 0;
        for (var i = 0; i < envelopes.Count; i++)
        {
            if (envelopes[i] is not AtomicWrite write)
            {
                actor.Tell(new LoopMessageSuccess(envelopes[i].Payload, instance), envelopes[i].Sender);
                continue;
            }
            var rejection = rejections?[writes++];
            for (var j = 0; j < write.Size; j++)
            {
                var p = write.Events[j];
                actor.Tell(
                    rejection == null ? new WriteMessageSuccess(p, instance) : new WriteMessageRejected(p, rejection, instance),
                    SenderOf(write, p));
            }
        }
    }

    private static void AnswerFailure(
        WriteMessages request, IReadOnlyList<IPersistentEnvelope> envelopes, Exception cause, IActorRef journal)
    {
        var (actor, instance) = (request.PersistentActor, request.ActorInstanceId);
        actor.Tell(new WriteMessagesFailed(cause, envelopes.Count(e => e is AtomicWrite)), journal);
        foreach (var envelope in envelopes)
        {
            if (envelope is AtomicWrite write)
                foreach (var p in write.Events)
                    actor.Tell(new WriteMessageFailure(p, cause, instance), SenderOf(write, p));
            else
                actor.Tell(new LoopMessageSuccess(envelope.Payload, instance), envelope.Sender);
        }
    }

    private static IActorRef SenderOf(AtomicWrite write, IPersistentRepresentation p) => p.Sender ?? write.CommandSender;

    private async Task Replay(ReplayMessages request, IActorContext context)
    {
        var actor = request.PersistentActor;
        try
        {
            var highest = await _breaker.WithCircuitBreaker((Journal: this, Request: request),
                static s => s.Journal.ReadHighestSequenceNrAsync(s.Request.PersistenceId, Math.Max(0, s.Request.FromSequenceNr - 1)))
                    .ConfigureAwait(false);
            var to = Math.Min(request.ToSequenceNr, highest);
            if (highest > 0 && request.FromSequenceNr <= to) await Replay(request, to, context).ConfigureAwait(false);
            actor.Tell(new RecoverySuccess(highest), ActorRefs.NoSender);
        }
        catch (Exception e)
        {
            actor.Tell(new ReplayMessagesFailure(TryUnwrapException(e)), ActorRefs.NoSender);
        }
    }

    private async Task Replay(ReplayMessages request, long to, IActorContext context)
    {
        var filter = new ReplayFilter(request.PersistenceId, _replayFilterMode, _replayFilterWindow, _replayFilterMaxOldWriters, _log,
            p => request.PersistentActor.Tell(new ReplayedMessage(p), ActorRefs.NoSender));
        await ReplayMessagesAsync(context, request.PersistenceId, request.FromSequenceNr, to, request.Max, p => Offer(filter, p))
            .ConfigureAwait(false);
        filter.Complete();
    }

    private void Offer(ReplayFilter filter, IPersistentRepresentation stored)
    {
        if (stored.IsDeleted) return;
        if (!HasAdapters)
            filter.Offer(stored);
        else
            foreach (var p in AdaptFromJournal(stored))
                filter.Offer(p);
    }

    private async Task Delete(DeleteMessagesTo request)
    {
        try
        {
            await _breaker.WithCircuitBreaker((Journal: this, Request: request),
                static s => s.Journal.DeleteMessagesToAsync(s.Request.PersistenceId, s.Request.ToSequenceNr)).ConfigureAwait(false);
            request.PersistentActor.Tell(new DeleteMessagesSuccess(request.ToSequenceNr), ActorRefs.NoSender);
        }
        catch (Exception e)
        {
            request.PersistentActor.Tell(new DeleteMessagesFailure(TryUnwrapException(e), request.ToSequenceNr), ActorRefs.NoSender);
        }
    }

    private static ReplayFilterMode ReplayFilterModeOf(string mode) => mode?.ToLowerInvariant() switch
    {
        "off" => ReplayFilterMode.Disabled,
        "repair-by-discard-old" => ReplayFilterMode.RepairByDiscardOld,
        "fail" => ReplayFilterMode.Fail,
        "warn" => ReplayFilterMode.Warn,
        _ => throw new ConfigurationException(
            $"Invalid replay-filter.mode [{mode}], supported values [off, repair-by-discard-old, fail, warn]")
    };
}
