using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace TiKvActors.Host.Check;

/// <summary>What a key's operations came to, if they are not linearizable or could not be decided.</summary>
public sealed record KeyFinding(string Key, RegisterVerdict Verdict, int Operations, IReadOnlyList<RegisterOperation> CounterExample)
{
    /// <summary>The operations with times in milliseconds since <paramref name="start"/> (nanoseconds).</summary>
    public string Describe(long start)
    {
        if (Verdict == RegisterVerdict.Undecided)
            return $"key \"{Key}\": too many orders of its {Operations} operations are possible; nothing is known about it";
        var text = new StringBuilder(
            $"key \"{Key}\" is not linearizable. No order explains these {CounterExample.Count} of its {Operations} operations:\n");
        text.Append("     invoked ms  completed ms\n");
        foreach (var operation in CounterExample)
        {
            var completed = operation.Completed == RegisterOperation.Never ? "never" : Milliseconds(operation.Completed - start);
            text.Append(CultureInfo.InvariantCulture, $"  {Milliseconds(operation.Invoked - start),13} {completed,13}  {operation.Name}\n");
        }

        return text.ToString().TrimEnd('\n');
    }

    private static string Milliseconds(long nanoseconds) => (nanoseconds / 1e6).ToString("0.000", CultureInfo.InvariantCulture);
}

/// <param name="Findings">By key; empty = linearizable.</param>
/// <param name="Start">The first invocation; 0 if there is none.</param>
public sealed record HistoryVerdict(int Operations, int Keys, IReadOnlyList<KeyFinding> Findings, long Start)
{
    public bool IsLinearizable => Findings.Count == 0;
}

/// <summary>
/// Whether every key of a history is linearizable, each for itself, absent at first. Linearizability of single keys is that of all of
/// them together; of what happens
/// to several keys in one call nothing more is checked. Pure.
/// </summary>
public static class HistoryChecker
{
    public static HistoryVerdict Check(IReadOnlyList<HistoryOperation> history)
    {
        var keys = HistorySplitter.Split(history);
        var findings = new ConcurrentBag<KeyFinding>();
        Parallel.ForEach(keys, key =>
        {
            if (Find(key.Key, key.Value) is { } finding) findings.Add(finding);
        });
        return new HistoryVerdict(
            history.Count, keys.Count, [.. findings.OrderBy(f => f.Key, StringComparer.Ordinal)],
            history.Count == 0 ? 0 : history.Min(o => o.Invoked));
    }

    /// <returns>Null: linearizable.</returns>
    public static KeyFinding? Find(string key, IReadOnlyList<RegisterOperation> operations)
    {
        var result = RegisterChecker.Check(operations);
        return result.Verdict switch
        {
            RegisterVerdict.Linearizable => null,
            RegisterVerdict.Undecided => new KeyFinding(key, result.Verdict, operations.Count, []),
            _ => new KeyFinding(key, result.Verdict, operations.Count, CounterExample.Minimize(operations, result.FailedAt)),
        };
    }
}
