using TiKvActors.Host.Check;

namespace TiKvActors.Host.Tests.Check;

/// <summary>
/// Histories of a register that exists: each operation takes effect at one moment, clients overlap at random, some answers are lost.
/// </summary>
internal sealed class RandomRegister(int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<(long At, Action Effect)> _effects = [];
    private readonly List<Func<RegisterOperation>> _operations = [];
    private string? _value;
    private int _lastValue;

    /// <summary>After everything; nothing that was certain is under way.</summary>
    public long End { get; private set; }

    public List<RegisterOperation> Run(int clients, int operationsEach)
    {
        for (var client = 0; client < clients; client++)
        {
            long now = _random.Next(20);
            for (var i = 0; i < operationsEach; i++) now = Add(client, now) + _random.Next(1, 12);
            End = Math.Max(End, now + 1);
        }

        foreach (var (_, effect) in _effects.OrderBy(e => e.At)) effect();
        return [.. _operations.Select(o => o())];
    }

    private long Add(int client, long invoked)
    {
        var completed = invoked + _random.Next(1, _random.Next(8) == 0 ? 200 : 20);
        var isCertain = _random.Next(10) != 0;
        var name = $"client {client} at {invoked}";
        switch (_random.Next(10))
        {
            case < 4:
                string? found = null;
                Effect(invoked, completed, () => found = _value);
                _operations.Add(() => RegisterOperation.Read(found, invoked, completed, name));
                break;
            case < 8:
                AddWrite(invoked, completed, isCertain, name);
                break;
            default:
                AddSwap(invoked, completed, isCertain, name);
                break;
        }

        return completed;
    }

    private void AddWrite(long invoked, long completed, bool isCertain, string name)
    {
        var written = _random.Next(4) == 0 ? null : $"v{++_lastValue}";
        if (isCertain) Effect(invoked, completed, () => _value = written);
        else if (_random.Next(2) == 0) Effect(invoked, completed + 1_000, () => _value = written);
        _operations.Add(() => RegisterOperation.Write(written, invoked, isCertain ? completed : RegisterOperation.Never, name, isCertain));
        if (!isCertain || _random.Next(10) != 0) return;
        // A try whose answer was lost, before the one that was answered.
        if (_random.Next(2) == 0) Effect(invoked, completed, () => _value = written);
        _operations.Add(() => RegisterOperation.Write(written, invoked, completed, name + ", lost try", isCertain: false));
    }

    private void AddSwap(long invoked, long completed, bool isCertain, string name)
    {
        var written = $"v{++_lastValue}";
        string? found = null;
        var swapped = false;
        var wantsToSwap = _random.Next(4) != 0;
        if (isCertain || _random.Next(2) == 0)
        {
            Effect(invoked, isCertain ? completed : completed + 1_000, () =>
            {
                found = _value;
                swapped = wantsToSwap;
                if (swapped) _value = written;
            });
        }

        // One that is lost names what it would have found if it took place, else something of its own.
        _operations.Add(() => isCertain && !swapped
            ? RegisterOperation.Read(found, invoked, completed, name)
            : RegisterOperation.Swap(
                swapped ? found : "what is not there", written, invoked, isCertain ? completed : RegisterOperation.Never, name, isCertain));
    }

    private void Effect(long from, long to, Action effect) => _effects.Add((_random.NextInt64(from, to + 1), effect));
}
