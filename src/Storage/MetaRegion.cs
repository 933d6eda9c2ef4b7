using System.Buffers.Binary;
using System.Text;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Storage;

/// <summary>
/// The meta group as the data engine sees it: a region with a reserved id whose rows are apart from those of all other regions, in
/// <see cref="ColumnFamily.Meta"/>. Their keys, numbers big-endian, names memcomparable (so that no id's rows lie among another's):
/// <code>
/// 01 persistence id                 MetaJournalHead
/// 02 persistence id sequence(8)     MetaEvent
/// 03 persistence id                 MetaSnapshotTable
/// 04 persistence id sequence(8)     MetaSnapshot
/// 05 name                           MetaRecord
/// </code>
/// </summary>
public static class MetaRegion
{
    /// <summary>No other region gets it: PD counts from below.</summary>
    public const ulong Id = ulong.MaxValue;

    private const byte HeadPrefix = 0x01;
    private const byte EventPrefix = 0x02;
    private const byte SnapshotTablePrefix = 0x03;
    private const byte SnapshotPrefix = 0x04;
    private const byte RecordPrefix = 0x05;

    public static byte[] Head(string persistenceId) => Named(HeadPrefix, persistenceId, 0);

    public static byte[] Event(string persistenceId, long sequenceNr) => Numbered(EventPrefix, persistenceId, sequenceNr);

    public static byte[] SnapshotTable(string persistenceId) => Named(SnapshotTablePrefix, persistenceId, 0);

    public static byte[] Snapshot(string persistenceId, long sequenceNr) => Numbered(SnapshotPrefix, persistenceId, sequenceNr);

    public static byte[] Record(string name) => Named(RecordPrefix, name, 0);

    private static byte[] Named(byte prefix, string name, int suffixBytes)
    {
        var text = Encoding.UTF8.GetBytes(name);
        var key = new byte[1 + Memcomparable.EncodedLength(text.Length) + suffixBytes];
        key[0] = prefix;
        Memcomparable.Encode(text, key.AsSpan(1));
        return key;
    }

    private static byte[] Numbered(byte prefix, string name, long number)
    {
        var key = Named(prefix, name, sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(key.Length - sizeof(long)), number);
        return key;
    }
}
