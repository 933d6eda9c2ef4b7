using TiKvActors.Storage;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Journal;

/// <summary>The meta group's rows in a snapshot of the data engine.</summary>
internal sealed class MetaSnapshotView(IDataSnapshot snapshot) : IMetaView
{
    public byte[]? Get(byte[] key) => snapshot.Get(ColumnFamily.Meta, key);

    public IEnumerable<byte[]> Values(byte[] start, byte[] end)
    {
        using var cursor = snapshot.OpenCursor(ColumnFamily.Meta, start, end);
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            yield return cursor.Value.ToArray();
    }
}
