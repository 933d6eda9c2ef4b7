using Akka.Actor;

namespace Akka.Pattern;

/// <summary>When a <see cref="BackoffSupervisor"/> forgets how often its child was started again.</summary>
public interface IBackoffReset
{
}

/// <summary>When told <see cref="BackoffSupervisor.Reset"/>.</summary>
internal sealed record ManualReset : IBackoffReset;

/// <summary>When the child has run for so long.</summary>
internal sealed record AutoReset(TimeSpan ResetBackoff) : IBackoffReset;

/// <summary>How a <see cref="BackoffSupervisor"/> treats its child. Each With gives new options.</summary>
public abstract class BackoffOptions
{
    private protected BackoffOptions()
    {
    }

    internal abstract Props Props { get; }

    /// <summary>After the child has run for so long, restarts count from zero again.</summary>
    public abstract BackoffOptions WithAutoReset(TimeSpan resetBackoff);

    /// <summary>Restarts count from zero again only after <see cref="BackoffSupervisor.Reset"/>.</summary>
    public abstract BackoffOptions WithManualReset();

    public abstract BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy);

    /// <summary>Any failure stops the child.</summary>
    public abstract BackoffOptions WithDefaultStoppingStrategy();

    /// <param name="maxNrOfRetries">after so many the supervisor stops too; -1: no limit.</param>
    public abstract BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries);

    /// <summary>The answer to messages while there is no child; without it they are dead letters.</summary>
    public abstract BackoffOptions WithReplyWhileStopped(object replyWhileStopped);

    /// <summary>Messages after which the child's end is the supervisor's end.</summary>
    public abstract BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage);
}

public static class Backoff
{
    /// <summary>The child is started again when it has stopped; for actors such as persistent ones that stop on a failure.</summary>
    /// <param name="randomFactor">by up to this share a delay is longer, so that many do not start together.</param>
    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        BackoffOptionsImpl.Create(true, childProps, childName, minBackoff, maxBackoff, randomFactor).WithMaxNrOfRetries(maxNrOfRetries);

    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor, -1);

    /// <summary>The child is started again when it has failed with what its supervisor strategy restarts for.</summary>
    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        BackoffOptionsImpl.Create(false, childProps, childName, minBackoff, maxBackoff, randomFactor).WithMaxNrOfRetries(maxNrOfRetries);

    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        OnFailure(childProps, childName, minBackoff, maxBackoff, randomFactor, -1);
}

internal sealed class BackoffOptionsImpl : BackoffOptions
{
    private bool _onStop;
    private Props _childProps;
    private string _childName;
    private TimeSpan _minBackoff;
    private TimeSpan _maxBackoff;
    private double _randomFactor;
    private IBackoffReset _reset;
    private OneForOneStrategy _strategy;
    private object _replyWhileStopped;
    private Func<object, bool> _finalStopMessage;

    public static BackoffOptionsImpl Create(
        bool onStop, Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor)
    {
        if (minBackoff <= TimeSpan.Zero) throw new ArgumentException("minBackoff must be longer than zero", nameof(minBackoff));
        if (maxBackoff < minBackoff) throw new ArgumentException("maxBackoff must not be shorter than minBackoff", nameof(maxBackoff));
        if (randomFactor is < 0 or > 1) throw new ArgumentException("randomFactor must be between 0.0 and 1.0", nameof(randomFactor));
        return new BackoffOptionsImpl
        {
            _onStop = onStop,
            _childProps = childProps,
            _childName = childName,
            _minBackoff = minBackoff,
            _maxBackoff = maxBackoff,
            _randomFactor = randomFactor,
            _reset = new AutoReset(minBackoff),
            _strategy = new OneForOneStrategy(SupervisorStrategy.DefaultDecider)
        };
    }

    internal override Props Props
    {
        get
        {
            if (_reset is AutoReset auto && (auto.ResetBackoff < _minBackoff || auto.ResetBackoff > _maxBackoff))
                throw new ArgumentException(
                    $"The back-off's reset after {auto.ResetBackoff} must be between {_minBackoff} and {_maxBackoff}");
            var settings = new BackoffSettings(
                _minBackoff, _maxBackoff, _reset, _randomFactor, _strategy, _replyWhileStopped, _finalStopMessage);
            return _onStop
                ? Props.CreateBy(new Producer(typeof(BackoffSupervisor), () => new BackoffSupervisor(_childProps, _childName, settings)))
                : Props.CreateBy(new Producer(
                    typeof(BackoffOnRestartSupervisor), () => new BackoffOnRestartSupervisor(_childProps, _childName, settings)));
        }
    }

    public override BackoffOptions WithAutoReset(TimeSpan resetBackoff) => With(o => o._reset = new AutoReset(resetBackoff));

    public override BackoffOptions WithManualReset() => With(o => o._reset = new ManualReset());

    public override BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy) =>
        With(o => o._strategy = supervisorStrategy);

    public override BackoffOptions WithDefaultStoppingStrategy() =>
        With(o => o._strategy = SupervisorStrategy.StoppingStrategy.WithMaxNrOfRetries(o._strategy.MaxNumberOfRetries));

    public override BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) =>
        With(o => o._strategy = o._strategy.WithMaxNrOfRetries(maxNrOfRetries));

    public override BackoffOptions WithReplyWhileStopped(object replyWhileStopped) => With(o => o._replyWhileStopped = replyWhileStopped);

    public override BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage) =>
        With(o => o._finalStopMessage = isFinalStopMessage);

    private BackoffOptionsImpl With(Action<BackoffOptionsImpl> change)
    {
        var copy = (BackoffOptionsImpl)MemberwiseClone();
        change(copy);
        return copy;
    }

    private sealed class Producer(Type actorType, Func<ActorBase> produce) : IIndirectActorProducer
    {
        public Type ActorType => actorType;

        public ActorBase Produce() => produce();

        public void Release(ActorBase actor)
        {
        }
    }
}

internal sealed record BackoffSettings(
    TimeSpan MinBackoff,
    TimeSpan MaxBackoff,
    IBackoffReset Reset,
    double RandomFactor,
    SupervisorStrategy Strategy,
    object ReplyWhileStopped,
    Func<object, bool> FinalStopMessage)
{
    /// <summary>Doubles with every restart.</summary>
    public TimeSpan DelayOf(int restartCount)
    {
        // 2^30 times the shortest delay is longer than anybody waits, and more would overflow.
        var delay = restartCount >= 30 || MinBackoff * Math.Pow(2, restartCount) >= MaxBackoff
            ? MaxBackoff : MinBackoff * Math.Pow(2, restartCount);
        return delay * (1 + (Random.Shared.NextDouble() * RandomFactor));
    }

    /// <summary>-1: no limit.</summary>
    public int MaxNrOfRetries => Strategy is OneForOneStrategy limited ? limited.MaxNumberOfRetries : -1;
}
