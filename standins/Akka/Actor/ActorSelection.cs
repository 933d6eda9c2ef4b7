using System.Text.RegularExpressions;
using Akka.Util;

namespace Akka.Actor;

/// <summary>A path, possibly with wildcards, from an anchor: messages go to whatever is there when they arrive.</summary>
public class ActorSelection : ICanTell
{
    public ActorSelection()
    {
    }

    public ActorSelection(IActorRef anchor, SelectionPathElement[] path)
    {
        Anchor = anchor;
        Path = path;
    }

    public ActorSelection(IActorRef anchor, string path) : this(anchor, path == "" ? [] : path.Split('/'))
    {
    }

    public ActorSelection(IActorRef anchor, IEnumerable<string> elements)
    {
        Anchor = anchor;
        Path = elements.Where(e => e != "").Select(ElementOf).ToArray();
    }

    public IActorRef Anchor { get; }

    public SelectionPathElement[] Path { get; }

    public string PathString => "/" + string.Join("/", Path.Select(x => x.ToString()));

    private static SelectionPathElement ElementOf(string element) => element switch
    {
        ".." => SelectParent.Instance,
        "**" => SelectChildRecursive.Instance,
        _ when element.Contains('*', StringComparison.Ordinal) || element.Contains('?', StringComparison.Ordinal) =>
            new SelectChildPattern(element),
        _ => new SelectChildName(element)
    };

    public void Tell(object message, IActorRef sender = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        sender ??= ActorCell.GetCurrentSelfOrNoSender();
        DeliverSelection((IInternalActorRef)Anchor, sender, new ActorSelectionMessage(message, Path));
    }

    public Task<IActorRef> ResolveOne(TimeSpan timeout) => ResolveOne(timeout, CancellationToken.None);

    /// <exception cref="ActorNotFoundException">
    /// Nobody answered in time, or there is nobody. (As the cause of another one of the same type.)
    /// </exception>
    public async Task<IActorRef> ResolveOne(TimeSpan timeout, CancellationToken ct)
    {
        try
        {
            var identity = await this.Ask<ActorIdentity>(new Identify(null), timeout, ct).ConfigureAwait(false);
            return identity.Subject ?? throw new ActorNotFoundException("subject was null");
        }
        catch (Exception e)
        {
            throw new ActorNotFoundException("Exception occurred while resolving ActorSelection", e);
        }
    }

    /// <summary>
    /// Goes down from the anchor as far as the path is plain, then lets the actor there, or the wildcard's matches, go on.
    /// </summary>
    internal static void DeliverSelection(IInternalActorRef anchor, IActorRef sender, ActorSelectionMessage selection)
    {
        if (selection.Elements.Length == 0)
        {
            anchor.Tell(selection.Message, sender);
            return;
        }
        IActorRef actor = anchor;
        for (var i = 0; i < selection.Elements.Length; i++)
        {
            var rest = selection.Elements.AsSpan(i + 1);
            if (actor is not ActorRefWithCell withCell)
            {
                // Somebody else's part of the hierarchy: a remote system, or a container of this one.
                if (i == 0 && actor is VirtualPathContainer container) DeliverToContainer(container, sender, selection);
                else actor.Tell(selection.Copy(elements: selection.Elements.AsSpan(i).ToArray()), sender);
                return;
            }
            switch (selection.Elements[i])
            {
                case SelectParent:
                    actor = withCell.Parent;
                    break;
                case SelectChildName name:
                    var child = withCell.GetSingleChild(name.Name);
                    if (child is Nobody)
                    {
                        // Wildcards match what is there; what is not below one of the matches is nobody's message.
                        if (!selection.WildCardFanOut) Absent(withCell, selection.Elements.AsSpan(i)).Tell(selection, sender);
                        return;
                    }
                    actor = child;
                    break;
                case SelectChildPattern pattern:
                    FanOut(withCell, withCell.Children.Where(c => pattern.IsMatch(c.Path.Name)), rest.ToArray(), sender, selection);
                    return;
                case SelectChildRecursive:
                    var children = withCell.Children.ToList();
                    FanOut(withCell, children, rest.ToArray(), sender, selection);
                    foreach (var each in children.OfType<IInternalActorRef>())
                        DeliverSelection(
                            each, sender, selection.Copy(elements: selection.Elements.AsSpan(i).ToArray(), wildCardFanOut: true));
                    return;
            }
            if (rest.Length == 0) actor.Tell(selection.Message, sender);
        }
    }

    private static void FanOut(
        ActorRefWithCell parent, IEnumerable<IActorRef> matches, SelectionPathElement[] rest, IActorRef sender,
        ActorSelectionMessage selection)
    {
        var matching = matches.ToList();
        if (matching.Count == 0 && !selection.WildCardFanOut)
        {
            Absent(parent, rest).Tell(selection, sender);
            return;
        }
        foreach (var child in matching)
            if (rest.Length == 0) child.Tell(selection.Message, sender);
            else
                DeliverSelection((IInternalActorRef)child, sender, selection.Copy(
                    elements: rest, wildCardFanOut: selection.WildCardFanOut || matching.Count > 1));
    }

    private static void DeliverToContainer(VirtualPathContainer container, IActorRef sender, ActorSelectionMessage selection)
    {
        var rest = selection.Elements.AsSpan(1).ToArray();
        var next = selection.Elements[0] switch
        {
            SelectParent => container.Parent,
            SelectChildName name when container.TryGetChild(name.Name, out var child) => child,
            _ => null
        };
        if (next == null)
            new EmptyLocalActorRef(
                container.Provider, container.Path / selection.Elements.Select(e => e.ToString()),
                container.Provider.EventStream()).Tell(selection, sender);
        else if (rest.Length == 0) next.Tell(selection.Message, sender);
        else DeliverSelection(next, sender, selection.Copy(elements: rest));
    }

    private static EmptyLocalActorRef Absent(ActorRefWithCell parent, ReadOnlySpan<SelectionPathElement> rest)
    {
        var path = parent.Path;
        foreach (var element in rest) path /= element.ToString();
        return new EmptyLocalActorRef(parent.Provider, path, parent.Provider.EventStream());
    }

    protected bool Equals(ActorSelection other) => Equals(Anchor, other.Anchor) && PathString == other.PathString;

    public override bool Equals(object obj) => obj is ActorSelection other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Anchor, PathString);

    public override string ToString()
    {
        var uid = Anchor.Path.Uid == ActorCell.UndefinedUid ? "" : $"#{Anchor.Path.Uid}";
        return $"ActorSelection[Anchor({Anchor.Path}{uid}), Path({PathString})]";
    }
}

/// <summary>A message on its way along a selection.</summary>
public class ActorSelectionMessage : IAutoReceivedMessage, IPossiblyHarmful, IWrappedMessage
{
    public ActorSelectionMessage(object message, SelectionPathElement[] elements, bool wildCardFanOut = false)
    {
        Message = message;
        Elements = elements;
        WildCardFanOut = wildCardFanOut;
    }

    public object Message { get; }

    public SelectionPathElement[] Elements { get; }

    /// <summary>A wildcard on the way had several matches: one of them not being there is no dead letter.</summary>
    public bool WildCardFanOut { get; }

    public ActorSelectionMessage Copy(object message = null, SelectionPathElement[] elements = null, bool? wildCardFanOut = null) =>
        new(message ?? Message, elements ?? Elements, wildCardFanOut ?? WildCardFanOut);

    public override string ToString() =>
        $"ActorSelectionMessage - Message: {Message} - WildCardFanOut: {WildCardFanOut} - "
            + $"Elements: {string.Join<SelectionPathElement>("/", Elements)}";
}

public abstract class SelectionPathElement
{
}

public class SelectChildName : SelectionPathElement
{
    public SelectChildName(string name) => Name = name;

    public string Name { get; }

    protected bool Equals(SelectChildName other) => Name == other.Name;

    public override bool Equals(object obj) => obj is SelectChildName other && Equals(other);

    public override int GetHashCode() => Name?.GetHashCode(StringComparison.Ordinal) ?? 0;

    public override string ToString() => Name;
}

/// <summary>A name with * for any text and ? for any one character.</summary>
public class SelectChildPattern : SelectionPathElement
{
    private readonly Regex _regex;

    public SelectChildPattern(string patternStr)
    {
        PatternStr = patternStr;
        _regex = new Regex(WildcardMatch.ToRegex(patternStr), RegexOptions.Singleline | RegexOptions.CultureInvariant);
    }

    public string PatternStr { get; }

    internal bool IsMatch(string name) => _regex.IsMatch(name);

    protected bool Equals(SelectChildPattern other) => PatternStr == other.PatternStr;

    public override bool Equals(object obj) => obj is SelectChildPattern other && Equals(other);

    public override int GetHashCode() => PatternStr?.GetHashCode(StringComparison.Ordinal) ?? 0;

    public override string ToString() => PatternStr;
}

/// <summary>All descendants.</summary>
public class SelectChildRecursive : SelectionPathElement
{
    public static readonly SelectChildRecursive Instance = new();

    public override bool Equals(object obj) => obj is SelectChildRecursive;

    public override int GetHashCode() => "**".GetHashCode(StringComparison.Ordinal);

    public override string ToString() => "**";
}

public class SelectParent : SelectionPathElement
{
    public static readonly SelectParent Instance = new();

    public override bool Equals(object obj) => obj is SelectParent;

    public override int GetHashCode() => "..".GetHashCode(StringComparison.Ordinal);

    public override string ToString() => "..";
}
