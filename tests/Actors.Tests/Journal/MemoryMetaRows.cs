using TiKvActors.Actors.Journal;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>The meta group's rows in memory.</summary>
internal sealed class MemoryMetaRows : IMetaRows, IMetaView
{
    private readonly SortedDictionary<byte[], byte[]> _rows = new(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));

    public IEnumerable<(string Key, string Value)> All => _rows.Select(r => (Convert.ToHexString(r.Key), Convert.ToHexString(r.Value)));

    public byte[]? Get(byte[] key) => _rows.GetValueOrDefault(key);

    public void Put(byte[] key, byte[] value) => _rows[key] = value;

    public void Delete(byte[] key) => _rows.Remove(key);

    public void DeleteRange(byte[] start, byte[] end)
    {
        foreach (var key in Keys(start, end))
            _rows.Remove(key);
    }

    public IEnumerable<byte[]> Values(byte[] start, byte[] end) => Keys(start, end).Select(k => _rows[k]);

    private List<byte[]> Keys(byte[] start, byte[] end) =>
        _rows.Keys.Where(k => k.AsSpan().SequenceCompareTo(start) >= 0 && k.AsSpan().SequenceCompareTo(end) < 0).ToList();
}
