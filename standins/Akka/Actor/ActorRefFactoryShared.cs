using Akka.Event;

namespace Akka.Actor;

public static class ActorRefFactoryShared
{
    public static ActorSelection ActorSelection(ActorPath actorPath, ActorSystem system) =>
        new(((ExtendedActorSystem)system).Provider.RootGuardianAt(actorPath.Address), ((IReadOnlyList<string>)actorPath.Elements));

    /// <param name="lookupRoot">Where a relative path begins.</param>
    public static ActorSelection ActorSelection(string path, ActorSystem system, IActorRef lookupRoot)
    {
        var provider = ((ExtendedActorSystem)system).Provider;
        if (path.Contains("://", StringComparison.Ordinal))
            return ActorPath.TryParse(path, out var actorPath)
                ? new ActorSelection(provider.RootGuardianAt(actorPath.Address), actorPath.ElementsWithUid)
                : new ActorSelection(provider.DeadLetters, "");
        if (RelativeActorPath.Unapply(path) is not { } elements) return new ActorSelection(provider.DeadLetters, "");
        return path.StartsWith('/') ? new ActorSelection(provider.RootGuardian, elements) : new ActorSelection(lookupRoot, elements);
    }

    public static ActorSelection ActorSelection(IActorRef anchorActorRef, string path) => new(anchorActorRef, path);

    /// <summary>The reference that is reached from another one by names; Nobody if a step leads nowhere.</summary>
    internal static IActorRef Descend(IInternalActorRef from, IReadOnlyList<string> names)
    {
        var current = from;
        for (var i = 0; i < names.Count; i++)
        {
            switch (names[i])
            {
                case "":
                    continue;
                case "..":
                    current = current.Parent;
                    continue;
            }
            if (current is not ActorRefWithCell withCell) return current.GetChild(names.Skip(i).ToList());
            current = withCell.GetSingleChild(names[i]) ?? ActorRefs.Nobody;
            if (current is Nobody) return current;
        }
        return current;
    }

    internal static EventStream EventStream(this IActorRefProvider provider) => provider.Guardian.Cell.System.EventStream;
}
