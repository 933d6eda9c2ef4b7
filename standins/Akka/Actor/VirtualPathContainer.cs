using System.Collections.Concurrent;
using Akka.Event;

namespace Akka.Actor;

/// <summary>A place in the hierarchy that no actor backs, with children that are registered from outside; safe for all threads.</summary>
internal class VirtualPathContainer : MinimalActorRef
{
    private readonly ConcurrentDictionary<string, IInternalActorRef> _children = new(StringComparer.Ordinal);

    public VirtualPathContainer(IActorRefProvider provider, ActorPath path, IInternalActorRef parent, ILoggingAdapter log)
    {
        Provider = provider;
        Path = path;
        Parent = parent;
        Log = log;
    }

    public override ActorPath Path { get; }

    public override IActorRefProvider Provider { get; }

    public override IInternalActorRef Parent { get; }

    public ILoggingAdapter Log { get; }

    public bool HasChildren => !_children.IsEmpty;

    public void AddChild(string name, IInternalActorRef actor) => _children[name] = actor;

    public void RemoveChild(string name) => _children.TryRemove(name, out _);

    /// <summary>Removes the name only as long as it still means this reference.</summary>
    public void RemoveChild(string name, IActorRef actor)
    {
        if (_children.TryGetValue(name, out var current) && current.Equals(actor))
            _children.TryRemove(new KeyValuePair<string, IInternalActorRef>(name, current));
    }

    public bool TryGetChild(string name, out IInternalActorRef child) => _children.TryGetValue(name, out child);

    public void ForEachChild(Action<IInternalActorRef> action)
    {
        foreach (var child in _children) action(child.Value);
    }

    public override IActorRef GetChild(IReadOnlyList<string> name)
    {
        if (name.Count == 0) return this;
        var rest = name.Skip(1).ToList();
        return name[0] switch
        {
            "" => rest.Count == 0 ? this : GetChild(rest),
            ".." => Parent.GetChild(rest),
            _ => !_children.TryGetValue(name[0], out var child) ? ActorRefs.Nobody : rest.Count == 0 ? child : child.GetChild(rest)
        };
    }

    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is ActorSelectionMessage selection) ActorSelection.DeliverSelection(this, sender, selection);
        else base.TellInternal(message, sender);
    }
}
