using Akka.Actor;

namespace Akka.TestKit;

/// <summary>Taking the next message and judging it: anything else than what is expected fails the test.</summary>
public abstract partial class TestKitBase
{
    public T ExpectMsg<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(duration, hint, null, cancellationToken);

    public T ExpectMsg<T>(T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, IsEqual(message, hint), cancellationToken);

    public T ExpectMsg<T>(
        T expected, Func<T, T, bool> comparer, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (actual, _) => _assertions.AssertEqual(expected, actual, comparer, hint ?? ""), cancellationToken);

    public T ExpectMsg<T>(
        Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, Matches(isMessage, hint), cancellationToken);

    public T ExpectMsg<T>(
        Func<T, IActorRef, bool> isMessageAndSender, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (m, s) => _assertions.AssertTrue(isMessageAndSender(m, s), "{0}", NoMatch(m, s, hint)), cancellationToken);

    public T ExpectMsg<T>(Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (m, _) => assert(m), cancellationToken);

    public T ExpectMsg<T>(
        Action<T, IActorRef> assertMessageAndSender, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, assertMessageAndSender, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(duration, hint, null, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(
        T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync(timeout, hint, IsEqual(message, hint), cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(
        Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync(timeout, hint, Matches(isMessage, hint), cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(
        Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(timeout, hint, (m, _) => assert(m), cancellationToken);

    public T ExpectMsgFrom<T>(
        IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(duration, hint, (_, s) => AssertSender(sender, s, hint), cancellationToken);

    public T ExpectMsgFrom<T>(
        IActorRef sender, T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, From(sender, IsEqual(message, hint), hint), cancellationToken);

    public T ExpectMsgFrom<T>(
        IActorRef sender, Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, From(sender, Matches(isMessage, hint), hint), cancellationToken);

    public T ExpectMsgFrom<T>(
        IActorRef sender, Action<T> assertMessage, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, From<T>(sender, (m, _) => assertMessage(m), hint), cancellationToken);

    public ValueTask<T> ExpectMsgFromAsync<T>(
        IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(duration, hint, (_, s) => AssertSender(sender, s, hint), cancellationToken);

    public ValueTask<T> ExpectMsgFromAsync<T>(
        IActorRef sender, T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync(timeout, hint, From(sender, IsEqual(message, hint), hint), cancellationToken);

    /// <summary>The next message is one of these.</summary>
    public T ExpectMsgAnyOf<T>(IEnumerable<T> messages, CancellationToken cancellationToken = default)
    {
        var wanted = messages.ToArray();
        return Expect<T>(
            null, null,
            (m, _) => _assertions.AssertTrue(wanted.Contains(m), "Expected one of [{0}], but received {1}", string.Join(", ", wanted), m),
            cancellationToken);
    }

    /// <summary>The next messages are these, in any order.</summary>
    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(params T[] messages) => ExpectAllOf(RemainingOrDefault, messages, default);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(TimeSpan max, params T[] messages) => ExpectAllOf(Dilated(max), messages, default);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        ExpectAllOf(RemainingOrDefault, messages, cancellationToken);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(
        TimeSpan max, IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        ExpectAllOf(Dilated(max), messages, cancellationToken);

    public Terminated ExpectTerminated(
        IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, IsTerminationOf(target, hint), cancellationToken);

    public ValueTask<Terminated> ExpectTerminatedAsync(
        IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync(timeout, hint, IsTerminationOf(target, hint), cancellationToken);

    public void ExpectNoMsg(CancellationToken cancellationToken = default) => InternalExpectNoMsg(RemainingOrDefault, cancellationToken);

    public void ExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken = default) =>
        InternalExpectNoMsg(Dilated(duration), cancellationToken);

    public void ExpectNoMsg(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNoMsg(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    public ValueTask ExpectNoMsgAsync(CancellationToken cancellationToken = default) =>
        InternalExpectNoMsgAsync(RemainingOrDefault, cancellationToken);

    public ValueTask ExpectNoMsgAsync(TimeSpan duration, CancellationToken cancellationToken = default) =>
        InternalExpectNoMsgAsync(Dilated(duration), cancellationToken);

    public ValueTask ExpectNoMsgAsync(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNoMsgAsync(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    private T Expect<T>(TimeSpan? timeout, string hint, Action<T, IActorRef> check, CancellationToken cancellationToken)
    {
        var wait = RemainingOrDilated(timeout);
        return Judge(Take(wait, peek: false, cancellationToken), wait, hint, check);
    }

    private async ValueTask<T> ExpectAsync<T>(
        TimeSpan? timeout, string hint, Action<T, IActorRef> check, CancellationToken cancellationToken)
    {
        var wait = RemainingOrDilated(timeout);
        return Judge(await TakeAsync(wait, peek: false, cancellationToken), wait, hint, check);
    }

    private T Judge<T>(MessageEnvelope envelope, TimeSpan timeout, string hint, Action<T, IActorRef> check)
    {
        if (envelope == null)
        {
            _assertions.Fail("Timeout {0} while waiting for a message of type {1}{2}", timeout, typeof(T), hint == null ? "" : " " + hint);
            return default;
        }
        if (envelope.Message is not T message)
        {
            _assertions.Fail("Expected a message of type {0}, but received {{{1}}} (type {2}) instead {3} from {4}",
                typeof(T), envelope.Message, envelope.Message.GetType(), hint, envelope.Sender);
            return default;
        }
        check?.Invoke(message, envelope.Sender);
        return message;
    }

    private Action<T, IActorRef> IsEqual<T>(T expected, string hint) =>
        (actual, _) => _assertions.AssertEqual(expected, actual, "{0}", hint ?? "");

    private Action<T, IActorRef> Matches<T>(Predicate<T> isMessage, string hint) =>
        (m, s) => _assertions.AssertTrue(isMessage(m), "{0}", NoMatch(m, s, hint));

    private Action<T, IActorRef> From<T>(IActorRef sender, Action<T, IActorRef> check, string hint) => (m, s) =>
    {
        AssertSender(sender, s, hint);
        check(m, s);
    };

    private Action<Terminated, IActorRef> IsTerminationOf(IActorRef target, string hint) => (terminated, _) =>
        _assertions.AssertEqual(target, terminated.ActorRef, "{0}", hint ?? "");

    private void AssertSender(IActorRef expected, IActorRef actual, string hint) =>
        _assertions.AssertEqual(expected, actual, "Sender does not match. {0}", hint ?? "");

    private static string NoMatch(object message, IActorRef sender, string hint) =>
        $"Expected a message that the predicate accepts{(hint == null ? "" : " (" + hint + ")")}, but received {message} from {sender}";

    private List<T> ExpectAllOf<T>(TimeSpan max, IReadOnlyCollection<T> messages, CancellationToken cancellationToken)
    {
        var received = InternalReceiveN(messages.Count, max, cancellationToken);
        var missing = messages.ToList();
        var unexpected = received.Where(m => m is not T typed || !missing.Remove(typed)).ToArray();
        _assertions.AssertTrue(
            missing.Count == 0 && unexpected.Length == 0, "Not found [{0}], found unexpected [{1}]", string.Join(", ", missing),
            string.Join(", ", unexpected));
        return received.Cast<T>().ToList();
    }

    private void InternalExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken)
    {
        var start = Now;
        JudgeNoMsg(Take(duration, peek: false, cancellationToken), duration, start);
    }

    private async ValueTask InternalExpectNoMsgAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var start = Now;
        JudgeNoMsg(await TakeAsync(duration, peek: false, cancellationToken), duration, start);
    }

    private void JudgeNoMsg(MessageEnvelope envelope, TimeSpan duration, TimeSpan start)
    {
        if (envelope != null)
            _assertions.Fail("Expected no messages during {0}, instead we received {1} after {2}", duration, envelope, Now - start);
        _lastWasNoMessage = true;
    }
}
