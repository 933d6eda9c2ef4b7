using Akka.Actor.Internal;

namespace Akka.Actor;

// Children: names, creation, look-up. The look-ups are for any thread.
public partial class ActorCell
{
    private readonly ChildTable _children = new();

    protected bool IsNormal => _children.IsNormal;

    protected bool IsTerminating => _children.IsTerminating;

    public virtual IActorRef ActorOf(Props props, string name = null) => AttachChild(props, false, name);

    /// <param name="isSystemService">Made for the library itself: no deployment configuration, no check of its creator.</param>
    public virtual IActorRef AttachChild(Props props, bool isSystemService, string name = null)
    {
        if (name == null) name = NextAnonymousName();
        else CheckName(name);
        if (_systemImpl.SerializesAllCreators && !isSystemService && props.Deploy.Scope is not LocalScope)
            VerifyCreatorIsSerializable(props);
        _children.Reserve(name);
        IInternalActorRef child;
        try
        {
            var path = new ChildActorPath(_self.Path, name, NewUid());
            child = _systemImpl.Provider.ActorOf(_systemImpl, props, _self, path, isSystemService, null, true, false);
        }
        catch
        {
            _children.Unreserve(name);
            throw;
        }
        return Started(child);
    }

    private IInternalActorRef Started(IInternalActorRef child)
    {
        // Both only happen to the guardians' children, which are made by other threads: the parent has ended meanwhile, or is about to.
        if (_children.Init(child) == null)
            throw new InvalidOperationException($"Cannot create child '{child.Path.Name}' of {_self}: terminated");
        child.Start();
        if (_children.IsTerminating) child.Stop();
        return child;
    }

    private void VerifyCreatorIsSerializable(Props props)
    {
        foreach (var argument in props.Arguments)
            if (argument is not (null or INoSerializationVerificationNeeded)) _systemImpl.SerializeAndDeserialize(argument);
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0) throw new InvalidActorNameException("Actor name must not be empty.");
        if (!ActorPath.IsValidPathElement(name))
            throw new InvalidActorNameException(
                $"Illegal actor name [{name}]. Actor paths MUST: not start with `$`, include only ASCII letters and can only contain "
                    + $"these special characters: {ActorPath.ValidSymbols}.");
    }

    private string NextAnonymousName() => TemporaryNames.Encode(Interlocked.Increment(ref _nextAnonymousName) - 1);

    // 0 means undefined.
    internal static long NewUid() => Random.Shared.NextInt64(1, int.MaxValue);

    /// <summary>Takes a name before an actor of that name is made by other means than ActorOf.</summary>
    public void ReserveChild(string name) => _children.Reserve(name);

    protected void UnreserveChild(string name) => _children.Unreserve(name);

    /// <summary>Null if the cell has ended.</summary>
    public ChildRestartStats InitChild(IInternalActorRef actor) => _children.Init(actor);

    public bool TryGetChildStatsByName(string name, out IChildStats child) => _children.TryGet(name, out child);

    protected bool TryGetChildStatsByRef(IActorRef actor, out ChildRestartStats child) => _children.TryGet(actor, out child);

    IEnumerable<IActorRef> IActorContext.GetChildren() => GetChildren();

    public IEnumerable<IInternalActorRef> GetChildren() => _children.StatsOnDemand.Select(s => s.Child);

    IActorRef IActorContext.Child(string name) =>
        _children.TryGet(name, out var stats) && stats is ChildRestartStats child ? child.Child : ActorRefs.Nobody;

    /// <summary>The child of this name, with #uid of this incarnation; Nobody if there is none.</summary>
    public IInternalActorRef GetSingleChild(string name)
    {
        var (childName, uid) = ActorPath.SplitUid(name);
        return _children.TryGet(childName, out var stats) && stats is ChildRestartStats child && (uid == UndefinedUid || uid == child.Uid)
            ? child.Child : ActorRefs.Nobody;
    }

    public void Stop(IActorRef child)
    {
        _children.ShallDie(child);
        ((IInternalActorRef)child).Stop();
    }

    private void Supervise(IActorRef child)
    {
        if (IsTerminating) return;
        _children.Init((IInternalActorRef)child);
        PublishDebug(_systemImpl.Settings.DebugLifecycle, $"now supervising {child}");
    }
}
