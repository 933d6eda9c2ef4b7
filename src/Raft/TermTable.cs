namespace TiKvActors.Raft;

/// <summary>
/// The term of every entry of the log, as runs of equal terms: a few pairs, however long the log is and wherever its entries are.
/// </summary>
internal sealed class TermTable
{
    private readonly List<(ulong FirstIndex, ulong Term)> _runs = [];

    public void Append(ulong index, ulong term)
    {
        if (_runs.Count == 0 || _runs[^1].Term != term) _runs.Add((index, term));
    }

    public void RemoveFrom(ulong index)
    {
        while (_runs.Count > 0 && _runs[^1].FirstIndex >= index) _runs.RemoveAt(_runs.Count - 1);
    }

    /// <summary>Forgets everything before <paramref name="index"/>.</summary>
    public void RemoveBefore(ulong index)
    {
        var covered = 0;
        while (covered + 1 < _runs.Count && _runs[covered + 1].FirstIndex <= index) covered++;
        _runs.RemoveRange(0, covered);
    }

    public void Clear() => _runs.Clear();

    /// <summary>The caller has checked that <paramref name="index"/> is in the log.</summary>
    public ulong At(ulong index) => _runs[RunOf(index)].Term;

    /// <summary>
    /// The largest index up to <paramref name="index"/> whose term is at most <paramref name="term"/>; null if the table begins with a
    /// higher one.
    /// </summary>
    public ulong? LastWithTermAtMost(ulong index, ulong term)
    {
        for (var run = RunOf(index); run >= 0; run--)
        {
            if (_runs[run].Term <= term) return index;
            index = _runs[run].FirstIndex - 1;
        }
        return null;
    }

    private int RunOf(ulong index)
    {
        int low = 0, high = _runs.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_runs[middle].FirstIndex <= index) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
