namespace TiKvActors.Simulation.Timestamps;

internal enum WriteOutcome
{
    Accepted,
    Fenced,
}

/// <summary>
/// The replicated journal as one incarnation sees it: a write is accepted with the next number only, once more if it is there already, and fenced
/// otherwise. It is attempted again and again; attempts and answers get lost, or come late, also after the attempt was given up.
/// </summary>
internal sealed class OracleJournal(World world)
{
    private readonly List<(int Writer, object Event)> _events = [];

    /// <summary>Longest way of an attempt or an answer. The nemesis changes it.</summary>
    public TimeSpan Slowness { get; set; } = TimeSpan.FromMilliseconds(5);

    public double Loss { get; set; }

    public IReadOnlyList<object> Events => [.. _events.Select(e => e.Event)];

    /// <param name="isCut">Whether the writer's node reaches nobody.</param>
    public void Write(int writer, int sequenceNr, object @event, Func<bool> isCut, TimeSpan attemptTimeout, TimeSpan deadline, Action<WriteOutcome?> done)
    {
        var isDone = false;
        var end = world.Now + deadline;
        Attempt();

        void Attempt()
        {
            if (isDone) return;
            if (world.Now >= end)
            {
                world.Coverage.Count("a write's outcome stays unknown");
                Finish(null);
                return;
            }

            Travel(isCut, () =>
            {
                var outcome = Accept(writer, sequenceNr, @event);
                Travel(isCut, () => Finish(outcome));
            });
            world.After(attemptTimeout, Attempt);
        }

        void Finish(WriteOutcome? outcome)
        {
            if (isDone) return;
            isDone = true;
            done(outcome);
        }
    }

    /// <summary>After a read index: what is durable at some moment between the question and the answer.</summary>
    public void Read(Func<bool> isCut, Action<IReadOnlyList<object>> done) => Travel(isCut, () =>
    {
        var found = Events;
        Travel(isCut, () => done(found));
    });

    private void Travel(Func<bool> isCut, Action arrive)
    {
        if (isCut() || world.Chance(Loss)) return;
        world.After(Slowness * world.Random.NextDouble(), () =>
        {
            if (!isCut()) arrive();
        });
    }

    private WriteOutcome Accept(int writer, int sequenceNr, object @event)
    {
        if (sequenceNr == _events.Count + 1)
        {
            _events.Add((writer, @event));
            return WriteOutcome.Accepted;
        }

        if (sequenceNr <= _events.Count && _events[sequenceNr - 1].Writer == writer)
        {
            world.Coverage.Count("a write was attempted twice");
            return WriteOutcome.Accepted;
        }

        world.Coverage.Count("an incarnation was fenced");
        return WriteOutcome.Fenced;
    }
}
