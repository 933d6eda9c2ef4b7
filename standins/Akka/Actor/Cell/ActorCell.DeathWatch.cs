using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

// Death watch: whom this actor watches, and who watches it.
public partial class ActorCell
{
    // The value is the message that WatchWith asked for; null for Terminated.
    private Dictionary<IActorRef, object> _watching;
    private HashSet<IActorRef> _watchedBy;

    // Actors whose end is known and whose Terminated is in the mailbox: an Unwatch still takes it back.
    private Dictionary<IActorRef, object> _terminatedQueued;

    public IActorRef Watch(IActorRef subject) => Watch(subject, null);

    public IActorRef WatchWith(IActorRef subject, object message) =>
        Watch(subject, message ?? throw new ArgumentNullException(nameof(message), "WatchWith needs a message"));

    private IActorRef Watch(IActorRef subject, object message)
    {
        if (subject.Equals(_self) || _watching?.ContainsKey(subject) == true) return subject;
        MaintainAddressTerminatedSubscription(subject, () =>
        {
            ((IInternalActorRef)subject).SendSystemMessage(new Watch((IInternalActorRef)subject, _self));
            (_watching ??= []).Add(subject, message);
        });
        return subject;
    }

    public IActorRef Unwatch(IActorRef subject)
    {
        if (!subject.Equals(_self) && _watching?.ContainsKey(subject) == true)
        {
            ((IInternalActorRef)subject).SendSystemMessage(new Unwatch((IInternalActorRef)subject, _self));
            MaintainAddressTerminatedSubscription(subject, () => _watching.Remove(subject));
        }
        _terminatedQueued?.Remove(subject);
        return subject;
    }

    /// <summary>The Terminated in the mailbox has come up.</summary>
    protected void ReceivedTerminated(Terminated t)
    {
        if (_terminatedQueued == null || !_terminatedQueued.Remove(t.ActorRef, out var message)) return;
        ReceiveMessage(message ?? t);
    }

    /// <summary>A Terminated goes back into the mailbox, from a stash.</summary>
    internal void TerminatedQueuedFor(IActorRef subject) => (_terminatedQueued ??= []).TryAdd(subject, null);

    protected void WatchedActorTerminated(IActorRef actor, bool existenceConfirmed, bool addressTerminated)
    {
        if (_watching != null && _watching.TryGetValue(actor, out var message))
        {
            MaintainAddressTerminatedSubscription(actor, () => _watching.Remove(actor));
            if (!IsTerminating)
            {
                (_terminatedQueued ??= [])[actor] = message;
                _self.Tell(new Terminated(actor, existenceConfirmed, addressTerminated), actor);
            }
        }
        if (TryGetChildStatsByRef(actor, out _)) HandleChildTerminated(actor);
    }

    protected void AddWatcher(IActorRef watchee, IActorRef watcher)
    {
        var watcheeSelf = watchee.Equals(_self);
        var watcherSelf = watcher.Equals(_self);
        if (watcheeSelf && !watcherSelf)
        {
            if (_watchedBy?.Contains(watcher) == true) return;
            MaintainAddressTerminatedSubscription(watcher, () => (_watchedBy ??= []).Add(watcher));
            PublishDebug(_systemImpl.Settings.DebugLifecycle, $"now watched by {watcher}");
        }
        else if (!watcheeSelf && watcherSelf)
        {
            Watch(watchee);
        }
        else
        {
            Publish(new Warning(_self.Path.ToString(), LogClass, $"BUG: illegal Watch({watchee},{watcher}) for {_self}"));
        }
    }

    protected void RemWatcher(IActorRef watchee, IActorRef watcher)
    {
        var watcheeSelf = watchee.Equals(_self);
        var watcherSelf = watcher.Equals(_self);
        if (watcheeSelf && !watcherSelf)
        {
            if (_watchedBy?.Contains(watcher) != true) return;
            MaintainAddressTerminatedSubscription(watcher, () => _watchedBy.Remove(watcher));
            PublishDebug(_systemImpl.Settings.DebugLifecycle, $"no longer watched by {watcher}");
        }
        else if (!watcheeSelf && watcherSelf)
        {
            Unwatch(watchee);
        }
        else
        {
            Publish(new Warning(_self.Path.ToString(), LogClass, $"BUG: illegal Unwatch({watchee},{watcher}) for {_self}"));
        }
    }

    /// <summary>A whole system is gone: watched actors there are terminated, watchers there are forgotten.</summary>
    protected void AddressTerminated(Address address)
    {
        if (_watchedBy != null)
            foreach (var watcher in _watchedBy.Where(w => w.Path.Address.Equals(address)).ToList())
                MaintainAddressTerminatedSubscription(watcher, () => _watchedBy.Remove(watcher));
        if (_watching == null) return;
        // Not confirmed: a remote actor that was watched but whose node never answered may never have been.
        foreach (var watchee in _watching.Keys.Where(w => w.Path.Address.Equals(address)).ToList())
            _self.SendSystemMessage(
                new DeathWatchNotification(watchee, existenceConfirmed: TryGetChildStatsByRef(watchee, out _), addressTerminated: true));
    }

    protected void TellWatchersWeDied()
    {
        if (_watchedBy == null) return;
        // Watchers elsewhere first: they depend on remoting, which ends when the local ones, guardians among them, know.
        foreach (var watcher in _watchedBy.OrderBy(w => IsLocalRef(w)))
            if (!watcher.Equals(Parent))
                ((IInternalActorRef)watcher)
                    .SendSystemMessage(new DeathWatchNotification(_self, existenceConfirmed: true, addressTerminated: false));
        MaintainAddressTerminatedSubscription(null, () => _watchedBy = null);
    }

    protected void UnwatchWatchedActors(ActorBase actor)
    {
        if (_watching == null) return;
        foreach (var watchee in _watching.Keys)
            ((IInternalActorRef)watchee).SendSystemMessage(new Unwatch((IInternalActorRef)watchee, _self));
        MaintainAddressTerminatedSubscription(null, () => _watching = null);
        _terminatedQueued = null;
    }

    private static bool IsLocalRef(IActorRef actor) => ((IActorRefScope)actor).IsLocal;

    /// <summary>
    /// Being told of the end of other systems costs a subscription; it is held only while somebody elsewhere watches or is watched.
    /// </summary>
    /// <param name="change">A reference that the update adds or removes; null for several.</param>
    /// <param name="update">Changes the watches.</param>
    private void MaintainAddressTerminatedSubscription(IActorRef change, Action update)
    {
        if (change != null && IsLocalRef(change))
        {
            update();
            return;
        }
        var had = HasRemoteWatches();
        update();
        var has = HasRemoteWatches();
        if (had && !has) AddressTerminatedTopic.Get(System).Unsubscribe(_self);
        else if (!had && has) AddressTerminatedTopic.Get(System).Subscribe(_self);
    }

    private bool HasRemoteWatches() => _watching?.Keys.Any(w => !IsLocalRef(w)) == true || _watchedBy?.Any(w => !IsLocalRef(w)) == true;
}
