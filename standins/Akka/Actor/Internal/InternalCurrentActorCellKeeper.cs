namespace Akka.Actor.Internal;

/// <summary>The cell that runs on this thread; null outside of actors. TestKit sets its test actor's to have an implicit sender.</summary>
public static class InternalCurrentActorCellKeeper
{
    [ThreadStatic]
    private static ActorCell _current;

    public static ActorCell Current
    {
        get => _current;
        set => _current = value;
    }
}
