using Akka.Actor;
using Akka.Event;

namespace Akka.Pattern;

/// <summary>What both kinds of back-off supervisors do: keep one child, forward to it, count and answer.</summary>
public abstract class BackoffSupervisorBase : ActorBase
{
    private protected BackoffSupervisorBase(Props childProps, string childName, BackoffSettings settings)
    {
        ChildProps = childProps;
        ChildName = childName;
        Settings = settings;
    }

    protected Props ChildProps { get; }

    protected string ChildName { get; }

    private protected BackoffSettings Settings { get; }

    protected IBackoffReset Reset => Settings.Reset;

    protected object ReplyWhileStopped => Settings.ReplyWhileStopped;

    protected Func<object, bool> FinalStopMessage => Settings.FinalStopMessage;

    /// <summary>null while there is none.</summary>
    protected IActorRef Child { get; set; }

    protected int RestartCountN { get; set; }

    protected bool FinalStopMessageReceived { get; set; }

    protected override void PreStart()
    {
        StartChild();
        base.PreStart();
    }

    private void StartChild()
    {
        if (Child == null) Child = Context.Watch(Context.ActorOf(ChildProps, ChildName));
    }

    /// <summary>After a while the child is started again, unless that has been tried too often.</summary>
    private protected void StartChildLater()
    {
        Child = null;
        var limit = Settings.MaxNrOfRetries;
        if (limit >= 0 && RestartCountN >= limit)
        {
            Context.Stop(Self);
            return;
        }
        Context.System.Scheduler.ScheduleTellOnce(Settings.DelayOf(RestartCountN), Self, BackoffSupervisor.StartChild.Instance, Self);
        RestartCountN++;
    }

    protected bool HandleBackoff(object message)
    {
        switch (message)
        {
            case BackoffSupervisor.StartChild:
                StartChild();
                if (Reset is AutoReset auto)
                    Context.System.Scheduler.ScheduleTellOnce(
                        auto.ResetBackoff, Self, new BackoffSupervisor.ResetRestartCount(RestartCountN), Self);
                break;
            case BackoffSupervisor.Reset when Reset is ManualReset:
                RestartCountN = 0;
                break;
            case BackoffSupervisor.Reset:
                Unhandled(message);
                break;
            case BackoffSupervisor.ResetRestartCount reset:
                if (reset.Current == RestartCountN) RestartCountN = 0;
                break;
            case BackoffSupervisor.GetRestartCount:
                Sender.Tell(new BackoffSupervisor.RestartCount(RestartCountN));
                break;
            case BackoffSupervisor.GetCurrentChild:
                Sender.Tell(new BackoffSupervisor.CurrentChild(Child ?? ActorRefs.Nobody));
                break;
            default:
                Pass(message);
                break;
        }
        return true;
    }

    private void Pass(object message)
    {
        var isFinal = FinalStopMessage?.Invoke(message) == true;
        if (Child != null && Child.Equals(Sender))
        {
            // What a child tells its parent is for the parent of this supervisor, which stands for the child.
            Context.Parent.Forward(message);
        }
        else if (Child != null)
        {
            Child.Forward(message);
            if (isFinal) FinalStopMessageReceived = true;
        }
        else if (isFinal)
        {
            Context.Stop(Self);
        }
        else if (ReplyWhileStopped != null)
        {
            Sender.Tell(ReplyWhileStopped);
        }
        else
        {
            Context.System.DeadLetters.Forward(message);
        }
    }
}

/// <summary>Starts its child again with growing delays when it has stopped; see <see cref="Backoff"/> for both kinds.</summary>
public sealed class BackoffSupervisor : BackoffSupervisorBase
{
    public BackoffSupervisor(Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor)
        : this(
            childProps, childName, minBackoff, maxBackoff, new AutoReset(minBackoff), randomFactor,
            Actor.SupervisorStrategy.DefaultStrategy)
    {
    }

    public BackoffSupervisor(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, IBackoffReset reset, double randomFactor,
        SupervisorStrategy strategy, object replyWhileStopped = null, Func<object, bool> finalStopMessage = null)
        : this(childProps, childName, new BackoffSettings(
            minBackoff, maxBackoff, reset, randomFactor, strategy, replyWhileStopped, finalStopMessage))
    {
    }

    internal BackoffSupervisor(Props childProps, string childName, BackoffSettings settings)
        : base(childProps, childName, settings)
    {
    }

    /// <summary>Answered with <see cref="CurrentChild"/>.</summary>
    public sealed class GetCurrentChild
    {
        public static readonly GetCurrentChild Instance = new();

        private GetCurrentChild()
        {
        }
    }

    public sealed class CurrentChild
    {
        public CurrentChild(IActorRef @ref) => Ref = @ref;

        /// <summary><see cref="ActorRefs.Nobody"/> while there is none.</summary>
        public IActorRef Ref { get; }
    }

    /// <summary>Restarts count from zero again, where the options say WithManualReset.</summary>
    public new sealed class Reset
    {
        public static readonly Reset Instance = new();

        private Reset()
        {
        }
    }

    /// <summary>Answered with <see cref="RestartCount"/>.</summary>
    public sealed class GetRestartCount
    {
        public static readonly GetRestartCount Instance = new();

        private GetRestartCount()
        {
        }
    }

    public sealed class RestartCount
    {
        public RestartCount(int count) => Count = count;

        public int Count { get; }
    }

    /// <summary>To itself: the delay is over.</summary>
    public sealed class StartChild : IDeadLetterSuppression
    {
        public static readonly StartChild Instance = new();

        private StartChild()
        {
        }
    }

    /// <summary>To itself: the child has run for long enough, if it was not started again meanwhile.</summary>
    public sealed class ResetRestartCount : IDeadLetterSuppression
    {
        public ResetRestartCount(int current) => Current = current;

        public int Current { get; }
    }

    public static Props Props(BackoffOptions options) => options.Props;

    public static Props Props(Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        Props(Backoff.OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor, -1));

    public static Props Props(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        Props(Backoff.OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries));

    public static Props PropsWithSupervisorStrategy(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, SupervisorStrategy strategy) =>
        Actor.Props.Create(() => new BackoffSupervisor(
            childProps, childName, minBackoff, maxBackoff, new AutoReset(minBackoff), randomFactor, strategy, null, null));

    protected override SupervisorStrategy SupervisorStrategy() => Settings.Strategy;

    protected override bool Receive(object message)
    {
        if (message is not Terminated terminated || !terminated.ActorRef.Equals(Child)) return HandleBackoff(message);
        if (FinalStopMessageReceived) Context.Stop(Self);
        else StartChildLater();
        return true;
    }
}

/// <summary>
/// Stops its child on a failure that calls for a restart, and starts it again with growing delays; stops with a child that stops itself.
/// </summary>
internal sealed class BackoffOnRestartSupervisor : BackoffSupervisorBase
{
    private bool _failed;

    public BackoffOnRestartSupervisor(Props childProps, string childName, BackoffSettings settings)
        : base(childProps, childName, settings)
    {
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        var directive = Settings.Strategy.Decider.Decide(cause);
        if (directive != Directive.Restart) return directive;
        _failed = true;
        return Directive.Stop;
    });

    protected override bool Receive(object message)
    {
        if (message is not Terminated terminated || !terminated.ActorRef.Equals(Child)) return HandleBackoff(message);
        if (_failed && !FinalStopMessageReceived) StartChildLater();
        else Context.Stop(Self);
        _failed = false;
        return true;
    }
}
