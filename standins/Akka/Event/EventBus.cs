using Akka.Actor;

namespace Akka.Event;

/// <summary>
/// Delivers events to those who subscribed to what the event is classified as, or to something more general. Publishing takes no
/// lock: who gets events of a class is remembered until a subscription changes.
/// </summary>
public abstract class EventBus<TEvent, TClassifier, TSubscriber>
{
    private readonly Lock _lock = new();
    private readonly List<Subscription> _subscriptions = [];
    // Replaced as a whole, never changed.
    private Dictionary<TClassifier, TSubscriber[]> _receivers = [];

    private sealed record Subscription(TSubscriber Subscriber, TClassifier Classifier);

    protected abstract bool IsSubClassification(TClassifier parent, TClassifier child);

    protected abstract bool Classify(TEvent @event, TClassifier classifier);

    protected abstract TClassifier GetClassifier(TEvent @event);

    protected abstract void Publish(TEvent @event, TSubscriber subscriber);

    protected string SimpleName(object source) => Logging.SimpleName(source);

    protected string SimpleName(Type source) => Logging.SimpleName(source);

    /// <summary>False if the subscription was there already.</summary>
    public virtual bool Subscribe(TSubscriber subscriber, TClassifier classifier)
    {
        lock (_lock)
        {
            var subscription = new Subscription(subscriber, classifier);
            if (_subscriptions.Contains(subscription)) return false;
            // One for something more general covers this one, but it may end earlier.
            _subscriptions.Add(subscription);
            Forget();
            return true;
        }
    }

    /// <summary>Ends the subscriptions to the classifier and what is more special; false if there was none.</summary>
    public virtual bool Unsubscribe(TSubscriber subscriber, TClassifier classifier) =>
        RemoveWhere(s => s.Subscriber.Equals(subscriber) && IsSubClassification(classifier, s.Classifier));

    public virtual bool Unsubscribe(TSubscriber subscriber) => RemoveWhere(s => s.Subscriber.Equals(subscriber));

    private bool RemoveWhere(Predicate<Subscription> match)
    {
        lock (_lock)
        {
            if (_subscriptions.RemoveAll(match) == 0) return false;
            Forget();
            return true;
        }
    }

    private void Forget() => Volatile.Write(ref _receivers, []);

    public virtual void Publish(TEvent @event)
    {
        foreach (var subscriber in ReceiversOf(GetClassifier(@event))) Publish(@event, subscriber);
    }

    private TSubscriber[] ReceiversOf(TClassifier classifier)
    {
        if (Volatile.Read(ref _receivers).TryGetValue(classifier, out var known)) return known;
        lock (_lock)
        {
            var receivers = _subscriptions.Where(s => IsSubClassification(s.Classifier, classifier))
                .Select(s => s.Subscriber).Distinct().ToArray();
            Volatile.Write(ref _receivers, new Dictionary<TClassifier, TSubscriber[]>(_receivers) { [classifier] = receivers });
            return receivers;
        }
    }
}

public abstract class ActorEventBus<TEvent, TClassifier> : EventBus<TEvent, TClassifier, IActorRef>
{
}
