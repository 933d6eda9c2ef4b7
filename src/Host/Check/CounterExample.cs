namespace TiKvActors.Host.Check;

/// <summary>Few operations of one key that no order explains.</summary>
public static class CounterExample
{
    /// <summary>
    /// Leaves out what the contradiction does not need. Reads may always be left out; a write only when nobody who is left has found its
    /// value, because then
    /// leaving it out cannot make a contradiction.
    /// </summary>
    /// <param name="operations">Not linearizable.</param>
    /// <param name="failedAt">From <see cref="RegisterChecker.Check"/>.</param>
    /// <returns>By time of invocation.</returns>
    public static IReadOnlyList<RegisterOperation> Minimize(IReadOnlyList<RegisterOperation> operations, int failedAt)
    {
        var end = operations[failedAt].Completed;
        // What completes later may as well not have taken place yet. A read says nothing before it completes.
        var kept = operations.Where(o => o.Invoked <= end && (o.Completed <= end || o.Action != RegisterAction.Read))
            .Select(o => o.Completed <= end ? o : o with { IsCertain = false, Completed = RegisterOperation.Never })
            .OrderBy(o => o.Invoked).ToList();
        for (var size = Math.Max(1, kept.Count / 2); ; size = Math.Max(1, size / 2))
        {
            var before = kept.Count;
            for (var first = 0; first < kept.Count;)
            {
                var fewer = WithoutSome(kept, first, size);
                if (fewer.Count < kept.Count && RegisterChecker.Check(fewer).Verdict == RegisterVerdict.NotLinearizable) kept = fewer;
                else first += size;
            }

            if (size == 1 && kept.Count == before) return WithoutIrrelevantDeletes(kept);
        }
    }

    /// <summary>
    /// Leaves out deletes whether or not they took place, if that explains nothing. They cannot be left out like other writes, because an
    /// absent key is found by many.
    /// </summary>
    private static List<RegisterOperation> WithoutIrrelevantDeletes(List<RegisterOperation> all)
    {
        var kept = new List<RegisterOperation>(all);
        var irrelevant = new List<RegisterOperation>();
        foreach (var delete in all.Where(o => o is { Action: RegisterAction.Write, Value: null }))
        {
            kept.Remove(delete);
            irrelevant.Add(delete with { IsCertain = false });
            if (RegisterChecker.Check([.. kept, .. irrelevant]).Verdict == RegisterVerdict.NotLinearizable) continue;
            kept.Add(delete);
            irrelevant.RemoveAt(irrelevant.Count - 1);
        }

        return [.. kept.OrderBy(o => o.Invoked)];
    }

    private static List<RegisterOperation> WithoutSome(List<RegisterOperation> all, int first, int count)
    {
        var last = Math.Min(all.Count, first + count);
        var found = new HashSet<string>(StringComparer.Ordinal);
        var absentIsFound = false;
        for (var i = 0; i < all.Count; i++)
        {
            if (all[i].Action == RegisterAction.Write || (all[i].Action == RegisterAction.Read && i >= first && i < last)) continue;
            if (all[i].Found is { } value) found.Add(value);
            else absentIsFound = true;
        }

        bool MayGo(RegisterOperation o) => o.Action == RegisterAction.Read || !(o.Value is null ? absentIsFound : found.Contains(o.Value));
        return [.. all.Where((o, i) => i < first || i >= last || !MayGo(o))];
    }
}
