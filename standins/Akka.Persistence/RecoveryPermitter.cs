using Akka.Actor;

namespace Akka.Persistence;

internal sealed class RequestRecoveryPermit
{
    public static readonly RequestRecoveryPermit Instance = new();
}

internal sealed class RecoveryPermitGranted
{
    public static readonly RecoveryPermitGranted Instance = new();
}

internal sealed class ReturnRecoveryPermit
{
    public static readonly ReturnRecoveryPermit Instance = new();
}

/// <summary>
/// Lets a bounded number of persistent actors recover at the same time, first come first served. A permit comes back when its
/// holder returns it, asks anew (it was restarted) or stops.
/// </summary>
internal sealed class RecoveryPermitter : ActorBase
{
    private readonly int _maxPermits;
    private readonly HashSet<IActorRef> _holders = [];

    /// <summary>
    /// In order of asking. Who stops while it waits is only removed from <see cref="_isWaiting"/>, and skipped here later.
    /// </summary>
    private readonly Queue<IActorRef> _waiting = new();

    private readonly HashSet<IActorRef> _isWaiting = [];

    public RecoveryPermitter(int maxPermits)
    {
        if (maxPermits < 1)
            throw new ArgumentOutOfRangeException(
                nameof(maxPermits), maxPermits, "akka.persistence.max-concurrent-recoveries must be at least 1.");
        _maxPermits = maxPermits;
    }

    public static Props Props(int maxPermits) => Akka.Actor.Props.Create(() => new RecoveryPermitter(maxPermits));

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case RequestRecoveryPermit:
                Request(Sender);
                return true;
            case ReturnRecoveryPermit:
                Return(Sender);
                return true;
            case Terminated terminated:
                _isWaiting.Remove(terminated.ActorRef);
                Return(terminated.ActorRef);
                return true;
            default:
                return false;
        }
    }

    private void Request(IActorRef actor)
    {
        Context.Watch(actor);
        if (_holders.Contains(actor))
            actor.Tell(RecoveryPermitGranted.Instance);
        else if (_holders.Count < _maxPermits)
            Grant(actor);
        else if (_isWaiting.Add(actor))
            _waiting.Enqueue(actor);
    }

    private void Grant(IActorRef actor)
    {
        _holders.Add(actor);
        actor.Tell(RecoveryPermitGranted.Instance);
    }

    private void Return(IActorRef actor)
    {
        Context.Unwatch(actor);
        if (!_holders.Remove(actor)) return;
        while (_waiting.TryDequeue(out var next))
        {
            if (!_isWaiting.Remove(next)) continue;
            Grant(next);
            return;
        }
    }
}
