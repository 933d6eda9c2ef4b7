namespace TiKvActors.Host.Check;

/// <summary>A process of a check. Whoever is none (the tool itself) is never cut off.</summary>
internal readonly record struct Party(bool IsStore, int Number)
{
    public static Party Store(int number) => new(true, number);

    public static Party Client(int number) => new(false, number);
}

/// <summary>What from one party to another does not get through. Cuts may overlap. Any thread.</summary>
internal sealed class Network
{
    private readonly Lock _gate = new();
    private readonly List<NetworkCut> _cuts = [];
    private TaskCompletionSource _changed = NewChange();

    /// <summary>With the cut that has begun. Called at once, by its thread.</summary>
    public event Action<NetworkCut>? CutBegun;

    /// <summary>
    /// Completes when what <paramref name="from"/> sends reaches <paramref name="to"/>. Null: nobody who could be cut off.
    /// </summary>
    public async Task ReachesAsync(Party? from, Party? to, CancellationToken cancellation)
    {
        if (from is not { } sender || to is not { } receiver) return;
        while (ChangeIfCut(sender, receiver) is { } change) await change.WaitAsync(cancellation);
    }

    /// <summary>New connections between the two are refused.</summary>
    public bool Refuses(Party from, Party to)
    {
        lock (_gate) return _cuts.Any(c => c.Resets && (c.Holds(from, to) || c.Holds(to, from)));
    }

    public void Begin(NetworkCut cut)
    {
        lock (_gate) _cuts.Add(cut);
        CutBegun?.Invoke(cut);
    }

    public void End(NetworkCut cut)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _cuts.Remove(cut);
            (changed, _changed) = (_changed, NewChange());
        }

        changed.SetResult();
    }

    private Task? ChangeIfCut(Party from, Party to)
    {
        lock (_gate) return _cuts.Any(c => c.Holds(from, to)) ? _changed.Task : null;
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <param name="Holds">Whether what the first sends to the second is held.</param>
/// <param name="Resets">Connections are reset and refused.</param>
internal sealed record NetworkCut(Func<Party, Party, bool> Holds, bool Resets);
