using Akka.Actor.Internal;
using Akka.Event;
using Akka.Util;

namespace Akka.Actor;

/// <summary>What a supervisor does about a failed child.</summary>
public enum Directive
{
    Resume,
    Restart,
    Escalate,
    Stop
}

public static class DirectiveExtensions
{
    public static KeyValuePair<Type, Directive> When<TException>(this Directive self) where TException : Exception =>
        new(typeof(TException), self);
}

/// <summary>Decides about the failures of an actor's children.</summary>
public abstract class SupervisorStrategy : ISurrogated
{
    /// <summary>A failed start, a kill and a death pact stop the child; anything else restarts it.</summary>
    public static IDecider DefaultDecider = Akka.Actor.Decider.From(
        Directive.Restart,
        Directive.Stop.When<ActorInitializationException>(),
        Directive.Stop.When<ActorKilledException>(),
        Directive.Stop.When<DeathPactException>());

    public static readonly OneForOneStrategy StoppingStrategy = new(_ => Directive.Stop);

    public static readonly SupervisorStrategy DefaultStrategy = new OneForOneStrategy(DefaultDecider);

    public abstract IDecider Decider { get; }

    protected bool LoggingEnabled { get; set; } = true;

    protected abstract Directive Handle(IActorRef child, Exception exception);

    public abstract void HandleChildTerminated(IActorContext actorContext, IActorRef child, IEnumerable<IInternalActorRef> children);

    /// <summary>Restarts or stops what the failure concerns.</summary>
    public abstract void ProcessFailure(
        IActorContext context, bool restart, IActorRef child, Exception cause, ChildRestartStats stats,
        IReadOnlyCollection<ChildRestartStats> children);

    public abstract ISurrogate ToSurrogate(ActorSystem system);

    /// <summary>Carries the decision out; false if the failure is to be escalated.</summary>
    public bool HandleFailure(
        ActorCell actorCell, IActorRef child, Exception cause, ChildRestartStats stats, IReadOnlyCollection<ChildRestartStats> children)
    {
        var directive = Handle(child, cause);
        LogFailure(actorCell, child, cause, directive);
        switch (directive)
        {
            case Directive.Resume:
                ResumeChild(child, cause);
                return true;
            case Directive.Restart:
                ProcessFailure(actorCell, true, child, cause, stats, children);
                return true;
            case Directive.Stop:
                ProcessFailure(actorCell, false, child, cause, stats, children);
                return true;
            default:
                return false;
        }
    }

    protected void RestartChild(IActorRef child, Exception cause, bool suspendFirst)
    {
        var actor = (IInternalActorRef)child;
        if (suspendFirst) actor.Suspend();
        actor.Restart(cause);
    }

    protected void ResumeChild(IActorRef child, Exception exception) => ((IInternalActorRef)child).Resume(exception);

    protected virtual void LogFailure(IActorContext context, IActorRef child, Exception cause, Directive directive)
    {
        if (!LoggingEnabled) return;
        var source = child.Path.ToString();
        // The supervisor's own log shows an escalated failure once it has been decided about.
        if (directive == Directive.Escalate) return;
        var message = (cause as ActorInitializationException)?.InnerException?.Message ?? cause.Message;
        context.System.EventStream.Publish(directive == Directive.Resume
            ? new Warning(cause, source, GetType(), message)
            : new Error(cause, source, GetType(), message));
    }
}

/// <summary>Only the child that failed is concerned.</summary>
public class OneForOneStrategy : SupervisorStrategy, IEquatable<OneForOneStrategy>
{
    private readonly RetryLimit _limit;

    protected OneForOneStrategy() : this(DefaultDecider)
    {
    }

    public OneForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider)
        : this(RetryLimit.From(maxNrOfRetries, withinTimeRange), Actor.Decider.From(localOnlyDecider), true)
    {
    }

    public OneForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider)
        : this(RetryLimit.From(maxNrOfRetries, withinTimeRange), decider, true)
    {
    }

    public OneForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : this(new RetryLimit(maxNrOfRetries, withinTimeMilliseconds), Actor.Decider.From(localOnlyDecider), loggingEnabled)
    {
    }

    public OneForOneStrategy(int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider, bool loggingEnabled = true)
        : this(new RetryLimit(maxNrOfRetries, withinTimeMilliseconds), decider, loggingEnabled)
    {
    }

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider)
        : this(RetryLimit.None, Actor.Decider.From(localOnlyDecider), true)
    {
    }

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : this(RetryLimit.None, Actor.Decider.From(localOnlyDecider), loggingEnabled)
    {
    }

    public OneForOneStrategy(IDecider decider) : this(RetryLimit.None, decider, true)
    {
    }

    private OneForOneStrategy(RetryLimit limit, IDecider decider, bool loggingEnabled)
    {
        _limit = limit;
        Decider = decider;
        LoggingEnabled = loggingEnabled;
    }

    /// <summary>-1 for no limit.</summary>
    public int MaxNumberOfRetries => _limit.Retries;

    /// <summary>-1 for no window: retries are counted for ever.</summary>
    public int WithinTimeRangeMilliseconds => _limit.WindowMilliseconds;

    public override IDecider Decider { get; }

    public OneForOneStrategy WithMaxNrOfRetries(int maxNrOfRetries) =>
        new(_limit with { Retries = maxNrOfRetries }, Decider, LoggingEnabled);

    protected override Directive Handle(IActorRef child, Exception exception) => Decider.Decide(exception);

    public override void ProcessFailure(
        IActorContext context, bool restart, IActorRef child, Exception cause, ChildRestartStats stats,
        IReadOnlyCollection<ChildRestartStats> children)
    {
        if (restart && stats.RequestRestartPermission(MaxNumberOfRetries, WithinTimeRangeMilliseconds))
            RestartChild(child, cause, suspendFirst: false);
        else context.Stop(child);
    }

    public override void HandleChildTerminated(IActorContext actorContext, IActorRef child, IEnumerable<IInternalActorRef> children)
    {
    }

    public bool Equals(OneForOneStrategy other) => other is not null && _limit == other._limit && Equals(Decider, other.Decider);

    public override bool Equals(object obj) => Equals(obj as OneForOneStrategy);

    public override int GetHashCode() => HashCode.Combine(_limit, Decider);

    public override ISurrogate ToSurrogate(ActorSystem system)
    {
        if (Decider is LocalOnlyDecider) throw new NotSupportedException("Can not serialize LocalOnlyDecider");
        return new OneForOneStrategySurrogate
        {
            Decider = Decider,
            LoggingEnabled = LoggingEnabled,
            MaxNumberOfRetries = MaxNumberOfRetries,
            WithinTimeRangeMilliseconds = WithinTimeRangeMilliseconds
        };
    }

    public class OneForOneStrategySurrogate : ISurrogate
    {
        public int MaxNumberOfRetries { get; set; }

        public int WithinTimeRangeMilliseconds { get; set; }

        public IDecider Decider { get; set; }

        public bool LoggingEnabled { get; set; }

        public ISurrogated FromSurrogate(ActorSystem system) =>
            new OneForOneStrategy(MaxNumberOfRetries, WithinTimeRangeMilliseconds, Decider, LoggingEnabled);
    }
}

/// <summary>The failure of one child concerns all of them.</summary>
public class AllForOneStrategy : SupervisorStrategy, IEquatable<AllForOneStrategy>
{
    private readonly RetryLimit _limit;

    protected AllForOneStrategy() : this(DefaultDecider)
    {
    }

    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider)
        : this(RetryLimit.From(maxNrOfRetries, withinTimeRange), Actor.Decider.From(localOnlyDecider), true)
    {
    }

    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider)
        : this(RetryLimit.From(maxNrOfRetries, withinTimeRange), decider, true)
    {
    }

    public AllForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : this(new RetryLimit(maxNrOfRetries, withinTimeMilliseconds), Actor.Decider.From(localOnlyDecider), loggingEnabled)
    {
    }

    public AllForOneStrategy(int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider, bool loggingEnabled = true)
        : this(new RetryLimit(maxNrOfRetries, withinTimeMilliseconds), decider, loggingEnabled)
    {
    }

    public AllForOneStrategy(Func<Exception, Directive> localOnlyDecider)
        : this(RetryLimit.None, Actor.Decider.From(localOnlyDecider), true)
    {
    }

    public AllForOneStrategy(IDecider decider) : this(RetryLimit.None, decider, true)
    {
    }

    private AllForOneStrategy(RetryLimit limit, IDecider decider, bool loggingEnabled)
    {
        _limit = limit;
        Decider = decider;
        LoggingEnabled = loggingEnabled;
    }

    /// <summary>-1 for no limit.</summary>
    public int MaxNumberOfRetries => _limit.Retries;

    /// <summary>-1 for no window: retries are counted for ever.</summary>
    public int WithinTimeRangeMilliseconds => _limit.WindowMilliseconds;

    public override IDecider Decider { get; }

    protected override Directive Handle(IActorRef child, Exception exception) => Decider.Decide(exception);

    public override void ProcessFailure(
        IActorContext context, bool restart, IActorRef child, Exception cause, ChildRestartStats stats,
        IReadOnlyCollection<ChildRestartStats> children)
    {
        var all = children.ToList();
        // Every child's permission is asked for, so that each one's count goes up.
        var permitted = restart && all.Count(s => s.RequestRestartPermission(MaxNumberOfRetries, WithinTimeRangeMilliseconds)) == all.Count;
        foreach (var each in all)
        {
            // The failed child is suspended already.
            if (permitted) RestartChild(each.Child, cause, suspendFirst: !child.Equals(each.Child));
            else context.Stop(each.Child);
        }
    }

    public override void HandleChildTerminated(IActorContext actorContext, IActorRef child, IEnumerable<IInternalActorRef> children)
    {
    }

    public bool Equals(AllForOneStrategy other) => other is not null && _limit == other._limit && Equals(Decider, other.Decider);

    public override bool Equals(object obj) => Equals(obj as AllForOneStrategy);

    public override int GetHashCode() => HashCode.Combine(_limit, Decider);

    public override ISurrogate ToSurrogate(ActorSystem system)
    {
        if (Decider is LocalOnlyDecider) throw new NotSupportedException("Can not serialize LocalOnlyDecider");
        return new AllForOneStrategySurrogate
        {
            Decider = Decider,
            LoggingEnabled = LoggingEnabled,
            MaxNumberOfRetries = MaxNumberOfRetries,
            WithinTimeRangeMilliseconds = WithinTimeRangeMilliseconds
        };
    }

    public class AllForOneStrategySurrogate : ISurrogate
    {
        public int MaxNumberOfRetries { get; set; }

        public int WithinTimeRangeMilliseconds { get; set; }

        public IDecider Decider { get; set; }

        public bool LoggingEnabled { get; set; }

        public ISurrogated FromSurrogate(ActorSystem system) =>
            new AllForOneStrategy(MaxNumberOfRetries, WithinTimeRangeMilliseconds, Decider, LoggingEnabled);
    }
}

/// <summary>How many restarts are allowed in which window; -1 for no limit of either.</summary>
internal readonly record struct RetryLimit(int Retries, int WindowMilliseconds)
{
    public static readonly RetryLimit None = new(-1, -1);

    public static RetryLimit From(int? retries, TimeSpan? window) =>
        new(retries ?? -1, window == null ? -1 : (int)Math.Min(window.Value.TotalMilliseconds, int.MaxValue));
}
