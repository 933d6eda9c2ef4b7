using System.Buffers.Binary;
using System.Text;

namespace TiKvActors.Storage;

/// <summary>
/// Every key that a store keeps on disk. Numbers are big-endian, so that the order of bytes is the order of numbers.
/// <code>
/// data/   (prefixes are TiKV's)
///   column family        key                                           value                         written by
///   default|lock|write   'z' region key                                stored value                  appliers, snapshot installation
///   default              01 01                                         StoreIdentity                 StoreEngines
///   default              01 04 key of MetaRegion                       as there                      appliers, snapshot installation
///   raft                 01 02 region(8) 03                            RaftApplyState                appliers, with the data
///   raft                 01 02 region(8) 04                            ApplyingSnapshot              snapshot installation
///   raft                 01 03 region(8) 01                            RegionLocalState              appliers, with the data
///
/// raft/   (one column family, default)
///                        01 01                                         StoreIdentity                 StoreEngines
///                        02 number(8) sequence(8)                      event record (JournalRecord)  journal
///                        03 persistence id (UTF-8)                     01 number(8)                  journal, with the id's first record
///                        04 number(8)                                  01 highest(8) deleted(8)      journal, when events are deleted
///                        05 number(8) sequence(8)                      snapshot record               snapshot store
/// </code>
/// A region key is what <see cref="Protocol.Keys.RawKeySpace"/> calls so; region boundaries are region keys. 'number' stands for a
/// persistence id within raft/.
/// </summary>
internal static class Keys
{
    public const int JournalKeyBytes = 17;

    private const byte DataPrefixByte = (byte)'z';
    private const byte LocalPrefix = 0x01;
    private const byte RegionRaft = 0x02;
    private const byte RegionMeta = 0x03;
    private const byte MetaGroup = 0x04;
    private const byte ApplyStateSuffix = 0x03;
    private const byte ApplyingSnapshotSuffix = 0x04;
    private const byte RegionStateSuffix = 0x01;

    private const byte EventPrefix = 0x02;
    private const byte PersistenceIdPrefix = 0x03;
    private const byte HeadPrefix = 0x04;
    private const byte SnapshotPrefix = 0x05;

    public static ReadOnlySpan<byte> StoreIdentity => [LocalPrefix, 0x01];

    public static byte[] ApplyState(ulong regionId) => Region(RegionRaft, regionId, ApplyStateSuffix);

    public static byte[] ApplyingSnapshot(ulong regionId) => Region(RegionRaft, regionId, ApplyingSnapshotSuffix);

    public static byte[] RegionState(ulong regionId) => Region(RegionMeta, regionId, RegionStateSuffix);

    public static byte[] RegionMetaStart => [LocalPrefix, RegionMeta];

    public static byte[] RegionMetaEnd => [LocalPrefix, RegionMeta + 1];

    /// <summary>What stands before a region key in the engine.</summary>
    public static ReadOnlySpan<byte> DataPrefix(ColumnFamily family) =>
        family == ColumnFamily.Meta ? [LocalPrefix, MetaGroup] : [DataPrefixByte];

    public static byte[] Data(ColumnFamily family, ReadOnlySpan<byte> regionKey) => [.. DataPrefix(family), .. regionKey];

    /// <summary>Exclusive end of a range of data keys; an empty region end is the end of all rows.</summary>
    public static byte[] DataRangeEnd(ColumnFamily family, ReadOnlySpan<byte> regionEnd)
    {
        var end = Data(family, regionEnd);
        if (regionEnd.IsEmpty) end[^1]++;
        return end;
    }

    public static byte[] Event(ulong number, long sequenceNr) => Numbered(EventPrefix, number, sequenceNr);

    public static byte[] Snapshot(ulong number, long sequenceNr) => Numbered(SnapshotPrefix, number, sequenceNr);

    public static byte[] Head(ulong number)
    {
        var key = new byte[9];
        key[0] = HeadPrefix;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), number);
        return key;
    }

    public static byte[] PersistenceId(string persistenceId)
    {
        var key = new byte[1 + Encoding.UTF8.GetByteCount(persistenceId)];
        key[0] = PersistenceIdPrefix;
        Encoding.UTF8.GetBytes(persistenceId, key.AsSpan(1));
        return key;
    }

    public static byte[] PersistenceIdsStart => [PersistenceIdPrefix];

    public static byte[] PersistenceIdsEnd => [PersistenceIdPrefix + 1];

    public static string PersistenceIdOf(ReadOnlySpan<byte> key) => Encoding.UTF8.GetString(key[1..]);

    /// <summary>The sequence number in an event's or a snapshot's key.</summary>
    public static long SequenceNrOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadInt64BigEndian(key[9..]);

    private static byte[] Region(byte kind, ulong regionId, byte suffix)
    {
        var key = new byte[11];
        key[0] = LocalPrefix;
        key[1] = kind;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(2), regionId);
        key[10] = suffix;
        return key;
    }

    private static byte[] Numbered(byte prefix, ulong number, long sequenceNr)
    {
        var key = new byte[JournalKeyBytes];
        key[0] = prefix;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), number);
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(9), sequenceNr);
        return key;
    }
}
