namespace TiKvActors.Storage.Data;

/// <summary>
/// TiKV's checksum of a set of pairs: the CRC-64 of each key followed by its value, all of them xor'ed, with counts. It does not depend on
/// the order, so checksums of neighbouring ranges add up.
/// </summary>
public record struct RangeChecksum(ulong Crc64Xor, ulong TotalKvs, ulong TotalBytes)
{
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var crc = new Crc64();
        crc.Append(key);
        crc.Append(value);
        Crc64Xor ^= crc.Value;
        TotalKvs++;
        TotalBytes += (ulong)(key.Length + value.Length);
    }

    public void Add(RangeChecksum other)
    {
        Crc64Xor ^= other.Crc64Xor;
        TotalKvs += other.TotalKvs;
        TotalBytes += other.TotalBytes;
    }

    /// <summary>
    /// Of everything that a region's replicas must agree on at equal applied index: keys and values of [start, end) in all families that
    /// hold rows, each key preceded by its family's number.
    /// </summary>
    public static RangeChecksum OfRegion(DataSnapshot snapshot, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        var sum = new RangeChecksum();
        foreach (var family in ColumnFamilies.OfData)
        {
            using var cursor = snapshot.OpenCursor(family, start, end, fillCache: false);
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            {
                var crc = new Crc64();
                crc.Append([(byte)family]);
                crc.Append(cursor.Key);
                crc.Append(cursor.Value);
                sum.Add(new RangeChecksum(crc.Value, 1, (ulong)(cursor.Key.Length + cursor.Value.Length)));
            }
        }
        return sum;
    }
}
