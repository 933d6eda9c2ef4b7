using Akka.Actor.Internal;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

// Creation, failure, restart and termination.
//
//   Create ──► running ──failure──► suspended, supervisor decides ──► Resume   ──► running
//                │                                              ──► Recreate ──► (children that were stopped end) ──► new instance
//                └──Terminate──► (children end) ──► PostStop ──► dead letter mailbox, watchers and parent are told
//
// The mailbox counts suspensions: every failure, Suspend and termination adds one, every Resume and Recreate takes one away.
public partial class ActorCell
{
    // Self, or the child whose failure was escalated; null if the actor has not failed.
    private IActorRef _perpetrator;

    // A restart failed: there is no instance whose PreRestart could be called.
    private bool _isFailedFatally;

    private bool IsFailed => _perpetrator != null;

    private void SuspendNonRecursive() => Dispatcher.Suspend(this);

    private void ResumeNonRecursive() => Dispatcher.Resume(this);

    private void SuspendChildren(IReadOnlyCollection<IActorRef> except)
    {
        foreach (var stats in _children.Stats)
            if (except?.Contains(stats.Child) != true) stats.Child.Suspend();
    }

    private void ResumeChildren(Exception causedByFailure, IActorRef perpetrator)
    {
        // Only the one that failed resumes because of the failure.
        foreach (var stats in _children.Stats) stats.Child.Resume(stats.Child.Equals(perpetrator) ? causedByFailure : null);
    }

    private void Create(ActorInitializationException failure)
    {
        try
        {
            if (failure != null) throw failure;
            NewActor();
            _actor.AroundPreStart();
            if (_receiveTimeout != null) RestartReceiveTimeout();
            PublishDebug(_systemImpl.Settings.DebugLifecycle, "started (" + _actor + ")");
        }
        catch (Exception e)
        {
            if (_actor != null)
            {
                ClearActor(_actor);
                _actor = null;
            }
            if (e is ActorInitializationException) throw;
            throw new ActorInitializationException(_self, "Exception during creation", e);
        }
    }

    private void NewActor()
    {
        _behaviors.Clear();
        var actor = CreateNewActorInstance() ?? throw new ActorInitializationException(_self, "Props made no actor (null)");
        _actor = actor;
        SetUp(actor);
    }

    protected virtual ActorBase CreateNewActorInstance() => _props.NewActor();

    /// <summary>What an actor is given between its constructor and PreStart.</summary>
    private void SetUp(ActorBase actor)
    {
        if (actor is IInitializableActor initializable) initializable.Init();
        if (actor is IActorStash stasher) stasher.Stash ??= this.CreateStash(stasher);
        if (actor is IWithTimers timed) timed.Timers = new TimerScheduler(this);
    }

    /// <summary>Takes leave of an instance: stashed messages go back to the mailbox, timers end, its context is gone.</summary>
    protected void ClearActor(ActorBase actor)
    {
        if (actor == null) return;
        try
        {
            (actor as IWithTimers)?.Timers?.CancelAll();
            (actor as IActorStash)?.Stash?.UnstashAll();
            (actor as IDisposable)?.Dispose();
            _props.Release(actor);
        }
        catch (Exception e)
        {
            Publish(new Error(e, _self.Path.ToString(), LogClass, "exception while an actor instance was released: " + e.Message));
        }
        actor.Clear();
    }

    /// <summary>Stops the actor's mailbox and tells the supervisor.</summary>
    private void HandleInvokeFailure(Exception cause, IReadOnlyCollection<IActorRef> childrenNotToSuspend, IActorRef perpetrator = null)
    {
        // A failure while failed is dealt with by the decision about the first one.
        if (IsFailed)
        {
            // Nobody decides about this child any more. It goes on waiting for that decision, but only because of us.
            if (perpetrator != null) ((IInternalActorRef)perpetrator).Resume(cause);
            return;
        }
        try
        {
            SuspendNonRecursive();
            _perpetrator = perpetrator ?? _self;
            SuspendChildren(perpetrator == null ? childrenNotToSuspend : [perpetrator, .. childrenNotToSuspend ?? []]);
            Parent.SendSystemMessage(new Failed(_self, cause, _self.Path.Uid));
        }
        catch (Exception e)
        {
            Publish(new Error(e, _self.Path.ToString(), LogClass, "Emergency stop: exception in failure handling for " + cause));
            foreach (var stats in _children.Stats) stats.Child.Stop();
            _children.SetTerminated();
            FinishTerminate();
        }
    }

    private void ClearFailed() => _perpetrator = null;

    private SupervisorStrategy Strategy =>
        _props.SupervisorStrategy ?? (_strategyOfActor ??= _actor?.MakeSupervisorStrategy()) ?? SupervisorStrategy.DefaultStrategy;

    private SupervisorStrategy _strategyOfActor;

    /// <summary>A child has failed.</summary>
    private void HandleFailed(Failed failed)
    {
        if (!TryGetChildStatsByRef(failed.Child, out var stats))
        {
            PublishDebug(_systemImpl.Settings.DebugLifecycle, $"dropping Failed({failed.Cause}) from unknown child {failed.Child}");
            return;
        }
        if (stats.Uid != failed.Uid)
        {
            PublishDebug(
                _systemImpl.Settings.DebugLifecycle,
                $"dropping Failed({failed.Cause}) from old child {failed.Child} (uid={stats.Uid} != {failed.Uid})");
            return;
        }
        var (message, sender) = (_currentMessage, _sender);
        (_currentMessage, _sender) = (failed, failed.Child);
        try
        {
            if (!Strategy.HandleFailure(this, failed.Child, failed.Cause, stats, _children.StatsOnDemand))
                HandleInvokeFailure(failed.Cause, null, failed.Child);
        }
        catch (Exception e)
        {
            // The decider itself failed.
            HandleInvokeFailure(e, null, failed.Child);
        }
        finally
        {
            (_currentMessage, _sender) = (message, sender);
        }
    }

    private void FaultSuspend()
    {
        SuspendNonRecursive();
        SuspendChildren(null);
    }

    private void FaultResume(Exception causedByFailure)
    {
        if (_actor == null)
        {
            Publish(new Error(causedByFailure, _self.Path.ToString(), LogClass, $"Changing Resume into Create after {causedByFailure}"));
            FaultCreate();
        }
        else if (_isFailedFatally)
        {
            Publish(new Error(causedByFailure, _self.Path.ToString(), LogClass, $"Changing Resume into Restart after {causedByFailure}"));
            FaultRecreate(causedByFailure);
        }
        else
        {
            var perpetrator = _perpetrator;
            // The message that failed is given up.
            if (causedByFailure != null)
            {
                ClearFailed();
                if (!HasRunningTasks) ForgetMessage();
            }
            ResumeNonRecursive();
            ResumeChildren(causedByFailure, perpetrator);
        }
    }

    /// <summary>Another attempt at an actor whose creation failed.</summary>
    private void FaultCreate()
    {
        SetReceiveTimeout(null);
        foreach (var child in _children.Stats) Stop(child.Child);
        if (!_children.WaitFor(new SuspendReason.Creation())) FinishCreate();
    }

    private void FinishCreate()
    {
        ClearFailed();
        ResumeNonRecursive();
        try
        {
            Create(null);
        }
        catch (Exception e)
        {
            HandleInvokeFailure(e, null);
        }
    }

    private void FaultRecreate(Exception cause)
    {
        if (_actor == null)
        {
            Publish(new Error(cause, _self.Path.ToString(), LogClass, $"Changing Recreate into Create after {cause}"));
            FaultCreate();
        }
        else if (IsNormal)
        {
            PublishDebug(_systemImpl.Settings.DebugLifecycle, "restarting");
            var failed = _actor;
            var message = _currentMessage is Failed ? null : _currentMessage;
            try
            {
                if (!_isFailedFatally) failed.AroundPreRestart(cause, message);
            }
            catch (Exception e)
            {
                Publish(new Error(new PreRestartException(_self, e, cause, message), _self.Path.ToString(), LogClass, e.Message));
            }
            finally
            {
                ClearActor(failed);
            }
            if (!_children.WaitFor(new SuspendReason.Recreation(cause))) FinishRecreate(cause);
        }
        else
        {
            // A termination or an earlier restart is under way: only the count of suspensions has to be kept.
            FaultResume(null);
        }
    }

    private void FinishRecreate(Exception cause)
    {
        var survivors = _children.Stats;
        var message = _currentMessage;
        try
        {
            ClearFailed();
            AbandonTasks();
            ForgetMessage();
            _isFailedFatally = false;
            _strategyOfActor = null;
            ResumeNonRecursive();
            NewActor();
            _actor.AroundPostRestart(cause, message);
            if (_receiveTimeout != null) RestartReceiveTimeout();
            PublishDebug(_systemImpl.Settings.DebugLifecycle, "restarted (" + _actor + ")");
            foreach (var survivor in survivors) survivor.Child.Restart(cause);
        }
        catch (Exception e)
        {
            _isFailedFatally = true;
            ClearActor(_actor);
            HandleInvokeFailure(new PostRestartException(_self, e, cause), survivors.Select(s => s.Child).ToList());
        }
    }

    private void Terminate()
    {
        SetReceiveTimeout(null);
        // Nobody is there any more to be told; a Terminated would only become a dead letter.
        UnwatchWatchedActors(_actor);
        var wasTerminating = IsTerminating;
        var children = _children.Close(out var isTerminated);
        foreach (var child in children) child.Child.Stop();
        if (!isTerminated)
        {
            if (wasTerminating) return;
            // Neither messages nor failures matter while the children end.
            SuspendNonRecursive();
            _perpetrator = _self;
            PublishDebug(_systemImpl.Settings.DebugLifecycle, "stopping");
        }
        else
        {
            FinishTerminate();
        }
    }

    private void HandleChildTerminated(IActorRef child)
    {
        var waitedFor = _children.Remove(child);
        if (_actor != null)
        {
            try
            {
                Strategy.HandleChildTerminated(this, child, GetChildren());
            }
            catch (Exception e)
            {
                Publish(new Error(e, _self.Path.ToString(), LogClass, "HandleChildTerminated failed"));
                HandleInvokeFailure(e, null);
            }
        }
        switch (waitedFor)
        {
            case SuspendReason.Recreation recreation:
                FinishRecreate(recreation.Cause);
                break;
            case SuspendReason.Creation:
                FinishCreate();
                break;
            case SuspendReason.Termination:
                FinishTerminate();
                break;
        }
    }

    private void FinishTerminate()
    {
        var actor = _actor;
        try
        {
            if (actor != null && !_isFailedFatally) actor.AroundPostStop();
        }
        catch (Exception e)
        {
            Publish(new Error(e, _self.Path.ToString(), LogClass, e.Message));
        }
        ClearActor(actor);
        Dispatcher.Detach(this);
        PublishDebug(_systemImpl.Settings.DebugLifecycle, "stopped");
        Parent.SendSystemMessage(new DeathWatchNotification(_self, existenceConfirmed: true, addressTerminated: false));
        TellWatchersWeDied();
        ForgetMessage();
        _actor = null;
        _behaviors.Clear();
        _behavior = null;
        _props = _terminatedProps;
        UnwatchWatchedActors(actor);
    }
}
