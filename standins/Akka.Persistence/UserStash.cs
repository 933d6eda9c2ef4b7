using Akka.Actor;

namespace Akka.Persistence;

/// <summary>
/// The stash of a persistent actor's class. What it unstashes goes before the commands that the actor itself holds back, and like
/// them one at a time: otherwise those that came later would overtake.
/// </summary>
internal sealed class UserStash(IStash stash, IStash internalStash) : IStash
{
    private bool _released;

    public int Count => stash.Count;

    public bool IsEmpty => stash.IsEmpty;

    public bool NonEmpty => stash.NonEmpty;

    public bool IsFull => stash.IsFull;

    public int Capacity => stash.Capacity;

    public void Stash() => stash.Stash();

    public void Unstash()
    {
        var stashed = stash.ClearStash().ToArray();
        if (stashed.Length == 0) return;
        stash.Prepend(stashed.AsSpan(1).ToArray());
        Return([stashed[0]]);
    }

    public void UnstashAll() => Return(stash.ClearStash());

    public void UnstashAll(Func<Envelope, bool> predicate) => Return(stash.ClearStash().Where(predicate));

    public IEnumerable<Envelope> ClearStash() => stash.ClearStash();

    public void Prepend(IEnumerable<Envelope> envelopes) => stash.Prepend(envelopes);

    /// <summary>The actor's own stash is about to go: from now on everything goes to the mailbox.</summary>
    internal void Release() => _released = true;

    private void Return(IEnumerable<Envelope> envelopes)
    {
        internalStash.Prepend(envelopes);
        if (_released) internalStash.UnstashAll();
    }
}
