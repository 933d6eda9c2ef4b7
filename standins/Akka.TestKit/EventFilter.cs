using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Internal;

namespace Akka.TestKit;

/// <summary>
/// Says which log events a test expects: <c>EventFilter.Warning(contains: "late").ExpectOne(() => ...)</c>. Matching events are not
/// printed. Needs Akka.TestKit.TestEventListener among akka.loggers, and a loglevel that lets them through.
/// </summary>
public class EventFilterFactory
{
    private readonly TestKitBase _testKit;
    private readonly ActorSystem _system;
    private readonly IReadOnlyList<LogFilter> _earlier;

    public EventFilterFactory(TestKitBase testkit) : this(testkit, testkit.Sys)
    {
    }

    public EventFilterFactory(TestKitBase testkit, ActorSystem system) : this(testkit, system, [])
    {
    }

    internal EventFilterFactory(TestKitBase testKit, ActorSystem system, IReadOnlyList<LogFilter> earlier)
    {
        _testKit = testKit;
        _system = system;
        _earlier = earlier;
    }

    public IEventFilterApplier Debug(string message = null, string start = null, string contains = null, string source = null) =>
        ForLogLevel(LogLevel.DebugLevel, message, start, contains, source);

    public IEventFilterApplier Debug(Regex pattern, string source = null) => ForLogLevel(LogLevel.DebugLevel, pattern, source);

    public IEventFilterApplier Info(string message = null, string start = null, string contains = null, string source = null) =>
        ForLogLevel(LogLevel.InfoLevel, message, start, contains, source);

    public IEventFilterApplier Info(Regex pattern, string source = null) => ForLogLevel(LogLevel.InfoLevel, pattern, source);

    public IEventFilterApplier Warning(string message = null, string start = null, string contains = null, string source = null) =>
        ForLogLevel(LogLevel.WarningLevel, message, start, contains, source);

    public IEventFilterApplier Warning(Regex pattern, string source = null) => ForLogLevel(LogLevel.WarningLevel, pattern, source);

    public IEventFilterApplier Error(string message = null, string start = null, string contains = null, string source = null) =>
        ForLogLevel(LogLevel.ErrorLevel, message, start, contains, source);

    public IEventFilterApplier Error(Regex pattern, string source = null) => ForLogLevel(LogLevel.ErrorLevel, pattern, source);

    public IEventFilterApplier ForLogLevel(
        LogLevel logLevel, string message = null, string start = null, string contains = null, string source = null) =>
        Apply($"{logLevel}{Describe(message, start, contains, source)}", Level(logLevel, Text(message, start, contains), source));

    public IEventFilterApplier ForLogLevel(LogLevel logLevel, Regex pattern, string source = null) =>
        Apply($"{logLevel} matching {pattern}", Level(logLevel, pattern.IsMatch, source));

    public IEventFilterApplier Exception<TException>(
        string message = null, string start = null, string contains = null, string source = null) where TException : Exception =>
        Exception(typeof(TException), message, start, contains, source);

    public IEventFilterApplier Exception<TException>(Regex pattern, string source = null) where TException : Exception =>
        Exception(typeof(TException), pattern, source);

    /// <summary>Errors with such a cause, or one derived from it, whose text, or that of the event, is as said.</summary>
    public IEventFilterApplier Exception(
        Type exceptionType, string message = null, string start = null, string contains = null, string source = null,
        bool checkInnerExceptions = false) =>
        Apply($"{exceptionType}{Describe(message, start, contains, source)}", Cause(
            exceptionType, Text(message, start, contains), source, checkInnerExceptions));

    public IEventFilterApplier Exception(Type exceptionType, Regex pattern, string source = null, bool checkInnerExceptions = false) =>
        Apply($"{exceptionType} matching {pattern}", Cause(exceptionType, pattern.IsMatch, source, checkInnerExceptions));

    public IEventFilterApplier DeadLetter() => Apply("dead letter", static (LogEvent e) => e.Message is DeadLetter);

    public IEventFilterApplier DeadLetter<TMessage>(string source = null) => DeadLetter(typeof(TMessage), source);

    public IEventFilterApplier DeadLetter<TMessage>(Func<TMessage, bool> isMatch, string source = null) =>
        DeadLetter(typeof(TMessage), m => isMatch((TMessage)m), source);

    public IEventFilterApplier DeadLetter(Type type, string source = null) => DeadLetter(type, static _ => true, source);

    public IEventFilterApplier DeadLetter(Type type, Func<object, bool> isMatch, string source = null) =>
        Apply(
            $"dead letter of type {type}",
            e => e.Message is DeadLetter letter && type.IsInstanceOfType(letter.Message) && isMatch(letter.Message) && IsFrom(e, source));

    public IEventFilterApplier Custom(Predicate<LogEvent> predicate) => Apply("custom", predicate);

    public IEventFilterApplier Custom<TLogEvent>(Predicate<TLogEvent> predicate) where TLogEvent : LogEvent =>
        Apply("custom " + typeof(TLogEvent), e => e is TLogEvent typed && predicate(typed));

    private EventFilterApplier Apply(string description, Predicate<LogEvent> matches) =>
        new(_testKit, _system, [.. _earlier, new LogFilter(description, matches)]);

    private static Predicate<LogEvent> Level(LogLevel level, Predicate<string> text, string source) =>
        e => e.LogLevel() == level && text(TextOf(e)) && IsFrom(e, source);

    private static Predicate<LogEvent> Cause(Type type, Predicate<string> text, string source, bool inner) =>
        e => e is Error { Cause: { } cause } && IsFrom(e, source)
            && Causes(cause, inner).Any(c => type.IsInstanceOfType(c) && (text(c.Message) || text(TextOf(e))));

    private static IEnumerable<Exception> Causes(Exception cause, bool inner)
    {
        for (var c = cause; c != null; c = inner ? c.InnerException : null) yield return c;
    }

    private static Predicate<string> Text(string message, string start, string contains)
    {
        if (message != null) return text => text == message;
        if (start != null) return text => text.StartsWith(start, StringComparison.Ordinal);
        if (contains != null) return text => text.Contains(contains, StringComparison.Ordinal);
        return static _ => true;
    }

    private static bool IsFrom(LogEvent e, string source) =>
        source == null || e.LogSource == source || e.LogSource.StartsWith(source + " ", StringComparison.Ordinal);

    private static string TextOf(LogEvent e) => e.Message?.ToString() ?? "";

    private static string Describe(string message, string start, string contains, string source)
    {
        var what = message != null
            ? $" with the text '{message}'"
            : start != null ? $" beginning with '{start}'" : contains != null ? $" containing '{contains}'" : "";
        return source == null ? what : $"{what} from {source}";
    }
}

/// <summary>Runs an action and waits for its log events.</summary>
public interface IEventFilterApplier
{
    /// <summary>Either this filter or the next.</summary>
    EventFilterFactory And { get; }

    void ExpectOne(Action action, CancellationToken cancellationToken = default);

    void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default);

    void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default);

    void Expect(int expectedCount, TimeSpan timeout, Action action, CancellationToken cancellationToken = default);

    T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default);

    T ExpectOne<T>(TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default);

    T Expect<T>(int expectedCount, Func<T> func, CancellationToken cancellationToken = default);

    T Expect<T>(int expectedCount, TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default);

    Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default);

    Task ExpectOneAsync(TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default);

    Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default);

    Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default);

    /// <summary>Matching events are not printed while the action runs.</summary>
    void Mute(Action action, CancellationToken cancellationToken = default);

    /// <summary>Matching events are not printed until the result is disposed.</summary>
    IUnmutableFilter Mute();
}

public interface IUnmutableFilter : IDisposable
{
    void Unmute();
}
