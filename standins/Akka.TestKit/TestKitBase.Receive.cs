using System.Collections;

namespace Akka.TestKit;

/// <summary>Taking messages from the queue.</summary>
public abstract partial class TestKitBase
{
    /// <returns>The next message, or null if none arrives in time.</returns>
    public object ReceiveOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        TryReceiveOne(out var envelope, max, cancellationToken) ? envelope.Message : null;

    /// <returns>The next message, or null if none arrives in time.</returns>
    public async ValueTask<object> ReceiveOneAsync(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        (await TakeAsync(RemainingOrDilated(max), peek: false, cancellationToken))?.Message;

    public bool TryReceiveOne(out MessageEnvelope envelope, TimeSpan? max = null, CancellationToken cancellationToken = default)
    {
        var taken = Take(RemainingOrDilated(max), peek: false, cancellationToken);
        envelope = taken ?? NullMessageEnvelope.Instance;
        return taken != null;
    }

    public async ValueTask<(bool, MessageEnvelope)> TryReceiveOneAsync(TimeSpan? max, CancellationToken cancellationToken = default)
    {
        var taken = await TakeAsync(RemainingOrDilated(max), peek: false, cancellationToken);
        return (taken != null, taken ?? NullMessageEnvelope.Instance);
    }

    /// <returns>The next message, which stays in the queue, or null if none arrives in time.</returns>
    public object PeekOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        Take(RemainingOrDilated(max), peek: true, cancellationToken)?.Message;

    /// <summary>Exactly so many messages, or a failure.</summary>
    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, CancellationToken cancellationToken = default) =>
        InternalReceiveN(numberOfMessages, RemainingOrDefault, cancellationToken);

    /// <summary>Exactly so many messages, or a failure.</summary>
    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default) =>
        InternalReceiveN(numberOfMessages, Dilated(max), cancellationToken);

    /// <summary>
    /// Messages for as long as the filter makes something of them (not null), at most so many, in all at most max, with at most
    /// idle between them. The first that it makes nothing of stays in the queue.
    /// </summary>
    public IReadOnlyList<T> ReceiveWhile<T>(
        Func<object, T> filter, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue,
        CancellationToken cancellationToken = default)
    {
        var end = Now + RemainingOrDilated(max);
        var results = new List<T>();
        while (results.Count < msgs)
        {
            var left = end - Now;
            var envelope = Take(idle is { } pause && pause < left ? pause : left, peek: true, cancellationToken);
            if (envelope == null || filter(envelope.Message) is not { } result) break;
            Take(TimeSpan.Zero, peek: false, cancellationToken);
            results.Add(result);
        }
        _lastWasNoMessage = true;
        return results;
    }

    public IReadOnlyList<T> ReceiveWhile<T>(
        TimeSpan? max, Func<object, T> filter, int msgs = int.MaxValue, CancellationToken cancellationToken = default) =>
        ReceiveWhile(filter, max, null, msgs, cancellationToken);

    public IReadOnlyList<T> ReceiveWhile<T>(
        TimeSpan? max, TimeSpan? idle, Func<object, T> filter, int msgs = int.MaxValue, CancellationToken cancellationToken = default) =>
        ReceiveWhile(filter, max, idle, msgs, cancellationToken);

    /// <summary>Drops messages until one is as wanted.</summary>
    public object FishForMessage(
        Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessage<object>(isMessage, max, hint, cancellationToken);

    public T FishForMessage<T>(
        Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessage(isMessage, null, max, hint, cancellationToken);

    /// <param name="allMessages">Gets what was dropped.</param>
    public T FishForMessage<T>(
        Predicate<T> isMessage, ArrayList allMessages, TimeSpan? max = null, string hint = "",
        CancellationToken cancellationToken = default)
    {
        var timeout = RemainingOrDilated(max);
        var end = Now + timeout;
        while (true)
        {
            var envelope = Take(end - Now, peek: false, cancellationToken);
            if (IsCaught(envelope, isMessage, allMessages, timeout, hint)) return (T)envelope.Message;
        }
    }

    public ValueTask<object> FishForMessageAsync(
        Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessageAsync<object>(isMessage, max, hint, cancellationToken);

    public async ValueTask<T> FishForMessageAsync<T>(
        Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default)
    {
        var timeout = RemainingOrDilated(max);
        var end = Now + timeout;
        while (true)
        {
            var envelope = await TakeAsync(end - Now, peek: false, cancellationToken);
            if (IsCaught(envelope, isMessage, null, timeout, hint)) return (T)envelope.Message;
        }
    }

    private bool IsCaught<T>(MessageEnvelope envelope, Predicate<T> isMessage, ArrayList dropped, TimeSpan timeout, string hint)
    {
        if (envelope == null)
            _assertions.Fail("Timeout ({0}) during fishForMessage{1}", timeout, string.IsNullOrEmpty(hint) ? "" : ", hint: " + hint);
        if (envelope!.Message is T typed && isMessage(typed)) return true;
        dropped?.Add(envelope.Message);
        return false;
    }

    private List<object> InternalReceiveN(int count, TimeSpan max, CancellationToken cancellationToken)
    {
        var start = Now;
        var messages = new List<object>(count);
        while (messages.Count < count)
        {
            var envelope = Take(start + max - Now, peek: false, cancellationToken);
            _assertions.AssertTrue(
                envelope != null, "Timeout ({0}) while expecting {1} messages. Only got {2} after {3}.", max, count, messages.Count,
                Now - start);
            messages.Add(envelope.Message);
        }
        return messages;
    }

    private MessageEnvelope Take(TimeSpan timeout, bool peek, CancellationToken cancellationToken) =>
        Took(_queue.Take(timeout, peek, cancellationToken), peek);

    private async ValueTask<MessageEnvelope> TakeAsync(TimeSpan timeout, bool peek, CancellationToken cancellationToken) =>
        Took(await _queue.TakeAsync(timeout, peek, cancellationToken), peek);

    private MessageEnvelope Took(MessageEnvelope envelope, bool peek)
    {
        _lastWasNoMessage = false;
        if (!peek) _last = envelope ?? NullMessageEnvelope.Instance;
        return envelope;
    }
}
