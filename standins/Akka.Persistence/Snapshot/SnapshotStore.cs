using Akka.Actor;
using Akka.Event;
using Akka.Pattern;

namespace Akka.Persistence.Snapshot;

/// <summary>
/// Base of a snapshot store: hands the requests of persistent actors to the plugin's asynchronous methods and sends their
/// outcome to who asked. Outcomes of saving and deleting pass the plugin's <see cref="ReceivePluginInternal"/> first.
/// </summary>
public abstract class SnapshotStore : ActorBase
{
    private readonly CircuitBreaker _breaker;
    private readonly ILoggingAdapter _log;

    protected SnapshotStore()
    {
        var config = Persistence.Instance.Apply(Context.System).ConfigOf(Self, isJournal: false);
        _log = Context.GetLogger();
        _breaker = CircuitBreaker.Create(
            Context.System.Scheduler,
            config.GetInt("circuit-breaker.max-failures", 5),
            config.GetTimeSpan("circuit-breaker.call-timeout", TimeSpan.FromSeconds(20)),
            config.GetTimeSpan("circuit-breaker.reset-timeout", TimeSpan.FromSeconds(60)));
    }

    /// <summary>The newest snapshot that matches; null if there is none.</summary>
    protected abstract Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria);

    protected abstract Task SaveAsync(SnapshotMetadata metadata, object snapshot);

    /// <summary>Deletes one snapshot; with a timestamp of DateTime.MinValue the one of that number, whatever its time.</summary>
    protected abstract Task DeleteAsync(SnapshotMetadata metadata);

    protected abstract Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria);

    /// <summary>For messages of the plugin's own, and to see the outcomes of saving and deleting.</summary>
    protected virtual bool ReceivePluginInternal(object message) => false;

    protected sealed override bool Receive(object message)
    {
        switch (message)
        {
            case LoadSnapshot load:
                _ = Load(load, Sender);
                return true;
            case SaveSnapshot save:
                _ = Save(save, Self, Sender);
                return true;
            case DeleteSnapshot delete:
                _ = Delete(delete, Self, Sender);
                return true;
            case DeleteSnapshots delete:
                _ = Delete(delete, Self, Sender);
                return true;
            case SaveSnapshotFailure failure:
                _ = Discard(failure.Metadata);
                PassOn(message);
                return true;
            case ISnapshotResponse:
                PassOn(message);
                return true;
            default:
                return ReceivePluginInternal(message);
        }
    }

    /// <summary>The store sent itself the outcome in the name of who asked.</summary>
    private void PassOn(object outcome)
    {
        var asker = Sender;
        try
        {
            ReceivePluginInternal(outcome);
        }
        finally
        {
            asker.Tell(outcome);
        }
    }

    private async Task Load(LoadSnapshot request, IActorRef asker)
    {
        try
        {
            var snapshot = request.Criteria.Equals(SnapshotSelectionCriteria.None)
                ? null
                : await _breaker.WithCircuitBreaker((Store: this, Request: request),
                    static s => s.Store.LoadAsync(s.Request.PersistenceId, s.Request.Criteria.Limit(s.Request.ToSequenceNr)))
                        .ConfigureAwait(false);
            asker.Tell(new LoadSnapshotResult(snapshot, request.ToSequenceNr), ActorRefs.NoSender);
        }
        catch (Exception e)
        {
            asker.Tell(new LoadSnapshotFailed(Unwrap(e)), ActorRefs.NoSender);
        }
    }

    private async Task Save(SaveSnapshot request, IActorRef self, IActorRef asker)
    {
        var metadata = request.Metadata.Timestamp == DateTime.MinValue
            ? new SnapshotMetadata(request.Metadata.PersistenceId, request.Metadata.SequenceNr, DateTime.UtcNow)
            : request.Metadata;
        try
        {
            await _breaker.WithCircuitBreaker(
                (Store: this, metadata, request.Snapshot), static s => s.Store.SaveAsync(s.metadata, s.Snapshot)).ConfigureAwait(false);
            self.Tell(new SaveSnapshotSuccess(metadata), asker);
        }
        catch (Exception e)
        {
            self.Tell(new SaveSnapshotFailure(metadata, Unwrap(e)), asker);
        }
    }

    private async Task Delete(DeleteSnapshot request, IActorRef self, IActorRef asker)
    {
        try
        {
            await _breaker.WithCircuitBreaker((Store: this, request.Metadata), static s => s.Store.DeleteAsync(s.Metadata))
                .ConfigureAwait(false);
            self.Tell(new DeleteSnapshotSuccess(request.Metadata), asker);
        }
        catch (Exception e)
        {
            self.Tell(new DeleteSnapshotFailure(request.Metadata, Unwrap(e)), asker);
        }
    }

    private async Task Delete(DeleteSnapshots request, IActorRef self, IActorRef asker)
    {
        try
        {
            await _breaker.WithCircuitBreaker(
                (Store: this, Request: request),
                static s => s.Store.DeleteAsync(s.Request.PersistenceId, s.Request.Criteria)).ConfigureAwait(false);
            self.Tell(new DeleteSnapshotsSuccess(request.Criteria), asker);
        }
        catch (Exception e)
        {
            self.Tell(new DeleteSnapshotsFailure(request.Criteria, Unwrap(e)), asker);
        }
    }

    /// <summary>What a failed save may have left behind.</summary>
    private async Task Discard(SnapshotMetadata metadata)
    {
        try
        {
            await _breaker.WithCircuitBreaker((Store: this, metadata), static s => s.Store.DeleteAsync(s.metadata)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _log.Error(e, "Snapshot {0} could not be saved, and what may be left of it could not be deleted", metadata);
        }
    }

    private static Exception Unwrap(Exception e) =>
        e is AggregateException aggregate && aggregate.Flatten() is { InnerExceptions: [var only] } ? only : e;
}
