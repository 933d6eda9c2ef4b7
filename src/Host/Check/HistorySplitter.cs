using System.Text;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Host.Check;

/// <summary>
/// Takes calls apart into effects on single keys. A batch or a scan is one call of many effects, each at a moment of its own within the
/// call's time: that
/// is all that RawClient promises about it. Pure.
/// </summary>
public static class HistorySplitter
{
    /// <returns>By key, in the order of the history.</returns>
    public static SortedDictionary<string, List<RegisterOperation>> Split(IEnumerable<HistoryOperation> history)
    {
        var all = history as IReadOnlyList<HistoryOperation> ?? [.. history];
        var keys = new SortedDictionary<string, List<RegisterOperation>>(StringComparer.Ordinal);
        foreach (var key in all.SelectMany(o => o.Keys)) keys.TryAdd(key, []);
        foreach (var operation in all)
        {
            if (operation.Kind == HistoryKind.Scan) AddScan(keys, operation);
            else AddKeys(keys, operation);
        }

        return keys;
    }

    private static void AddKeys(SortedDictionary<string, List<RegisterOperation>> keys, HistoryOperation call)
    {
        for (var i = 0; i < call.Keys.Count; i++)
        {
            var into = keys[call.Keys[i]];
            switch (call.Kind)
            {
                case HistoryKind.Get or HistoryKind.BatchGet:
                    if (call.Outcome == HistoryOutcome.Ok)
                        into.Add(RegisterOperation.Read(
                            call.Values[i], call.Invoked, call.Completed, Name(call, $"found {Text(call.Values[i])}")));
                    break;
                case HistoryKind.CompareAndSwap:
                    AddSwap(into, call);
                    break;
                default:
                    // Of several pairs with the same key the last one counts.
                    if (call.Kind != HistoryKind.BatchPut || !call.Keys.Skip(i + 1).Contains(call.Keys[i]))
                        AddWrite(into, call, call.Kind == HistoryKind.Delete ? null : call.Values[i]);
                    break;
            }
        }
    }

    private static void AddWrite(List<RegisterOperation> into, HistoryOperation call, string? value)
    {
        // A batch that failed may have written other keys than the one it failed for.
        if (call.Outcome == HistoryOutcome.Failed && call.Kind != HistoryKind.BatchPut) return;
        var what = value is null ? "deleted it" : $"wrote {Text(value)}";
        if (call.Outcome == HistoryOutcome.Ok)
        {
            into.Add(RegisterOperation.Write(value, call.Invoked, call.Completed, Name(call, what)));
            for (var i = 0; i < call.LostTries; i++)
                into.Add(RegisterOperation.Write(
                    value, call.Invoked, call.Completed, Name(call, $"{what} by a try that was not answered"), isCertain: false));
            return;
        }

        // One that has not ended may have had another try under way.
        var tries = call.Completed == RegisterOperation.Never ? call.LostTries + 1 : Math.Max(1, call.LostTries);
        for (var i = 0; i < tries; i++)
            into.Add(
                RegisterOperation.Write(value, call.Invoked, RegisterOperation.Never, Name(call, $"{what}, perhaps"), isCertain: false));
    }

    private static void AddSwap(List<RegisterOperation> into, HistoryOperation call)
    {
        switch (call.Outcome)
        {
            case HistoryOutcome.Ok when call.Swapped:
                into.Add(RegisterOperation.Swap(
                    call.Expected, call.Values[0], call.Invoked, call.Completed,
                    Name(call, $"swapped {Text(call.Expected)} for {Text(call.Values[0])}")));
                // What it says it has found is what it compared with.
                if (call.Previous != call.Expected)
                    into.Add(RegisterOperation.Read(
                        call.Previous, call.Invoked, call.Completed,
                        Name(call, $"swapped {Text(call.Expected)}, but found {Text(call.Previous)}")));
                break;
            case HistoryOutcome.Ok:
                into.Add(RegisterOperation.Read(
                    call.Previous, call.Invoked, call.Completed,
                    Name(call, $"did not swap {Text(call.Expected)}: found {Text(call.Previous)}")));
                break;
            case HistoryOutcome.Unknown:
                into.Add(RegisterOperation.Swap(
                    call.Expected, call.Values[0], call.Invoked, RegisterOperation.Never,
                    Name(call, $"swapped {Text(call.Expected)} for {Text(call.Values[0])}, perhaps"), isCertain: false));
                break;
        }
    }

    private static void AddScan(SortedDictionary<string, List<RegisterOperation>> keys, HistoryOperation call)
    {
        if (call.Outcome != HistoryOutcome.Ok) return;
        var found = new Dictionary<string, string?>(StringComparer.Ordinal);
        for (var i = 0; i < call.Keys.Count; i++) found[call.Keys[i]] = call.Values[i];
        foreach (var (key, into) in keys)
        {
            if (found.TryGetValue(key, out var value))
                into.Add(RegisterOperation.Read(value, call.Invoked, call.Completed, Name(call, $"found {Text(value)}")));
            else if (Covers(call, key)) into.Add(RegisterOperation.Read(null, call.Invoked, call.Completed, Name(call, "did not find it")));
        }
    }

    /// <summary>Whether the scan would have found the key: a full page says nothing about what comes after its last key.</summary>
    private static bool Covers(HistoryOperation scan, string key)
    {
        if (Compare(key, scan.Start) < 0 || (scan.End.Length > 0 && Compare(key, scan.End) >= 0)) return false;
        if (scan.Keys.Count < scan.Limit) return true;
        return scan.Reverse ? Compare(key, scan.Keys[^1]) > 0 : Compare(key, scan.Keys[^1]) < 0;
    }

    /// <summary>Of the bytes: the order of escaped texts is another one.</summary>
    private static int Compare(string a, string b) =>
        a.Contains('\\') || b.Contains('\\') || !Ascii.IsValid(a) || !Ascii.IsValid(b)
            ? KeyText.Parse(a).AsSpan().SequenceCompareTo(KeyText.Parse(b))
            : string.CompareOrdinal(a, b);

    private static string Name(HistoryOperation call, string what) => $"{call.Name} ({NameOf(call.Kind)}): {what}";

    private static string Text(string? value) => value is null ? "nothing" : $"\"{value}\"";

    public static string NameOf(HistoryKind kind) => kind switch
    {
        HistoryKind.Get => "get",
        HistoryKind.Put => "put",
        HistoryKind.Delete => "delete",
        HistoryKind.CompareAndSwap => "cas",
        HistoryKind.BatchPut => "batch-put",
        HistoryKind.BatchGet => "batch-get",
        HistoryKind.Scan => "scan",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
