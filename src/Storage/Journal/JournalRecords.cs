using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace TiKvActors.Storage.Journal;

/// <summary>A persisted event as it is stored: its payload is still what the serializer made.</summary>
/// <param name="SerializerManifest">What the serializer needs to read the payload: its manifest, a type name, or empty.</param>
/// <param name="EventManifest">The event adapter's; usually empty.</param>
/// <param name="WriterGuid">The incarnation of the actor that wrote it.</param>
public readonly record struct StoredEvent(
    long SequenceNr, int SerializerId, string SerializerManifest, string EventManifest, string WriterGuid, long Timestamp,
    ReadOnlyMemory<byte> Payload);

/// <summary>A snapshot as it is stored.</summary>
/// <param name="Timestamp">Ticks, UTC.</param>
internal readonly record struct StoredSnapshot(
    long SequenceNr, int SerializerId, string SerializerManifest, long Timestamp, ReadOnlyMemory<byte> Payload);

/// <summary>What stays of an id's events when they are deleted.</summary>
/// <param name="Highest">A sequence number that was reached, whether its event still exists or not.</param>
/// <param name="DeletedTo">No events exist up to and including it.</param>
internal readonly record struct JournalHead(long Highest, long DeletedTo)
{
    public JournalHead Merge(JournalHead other) => new(Math.Max(Highest, other.Highest), Math.Max(DeletedTo, other.DeletedTo));
}

/// <summary>
/// The values of raft/, each with a version byte first. Numbers are unsigned LEB128, texts UTF-8 after their length; payload last, to the
/// end:
/// <code>
/// event      01 serializer id, serializer manifest, event manifest, writer, timestamp, payload
/// snapshot   01 serializer id, serializer manifest, timestamp, payload
/// head       01 highest(8, big-endian) deleted(8, big-endian)
/// id         01 number(8, big-endian)
/// </code>
/// </summary>
internal static class JournalRecords
{
    private const byte Version = 1;
    private const int HeadBytes = 17;
    private const int NumberBytes = 9;

    public static byte[] Encode(in StoredEvent e)
    {
        var size = 1 + SizeOf((uint)e.SerializerId) + SizeOf(e.SerializerManifest) + SizeOf(e.EventManifest) + SizeOf(e.WriterGuid)
            + SizeOf((ulong)e.Timestamp) + e.Payload.Length;
        var writer = new Writer(size);
        writer.Number((uint)e.SerializerId);
        writer.Text(e.SerializerManifest);
        writer.Text(e.EventManifest);
        writer.Text(e.WriterGuid);
        writer.Number((ulong)e.Timestamp);
        return writer.End(e.Payload.Span);
    }

    public static byte[] Encode(in StoredSnapshot s)
    {
        var writer = new Writer(
            1 + SizeOf((uint)s.SerializerId) + SizeOf(s.SerializerManifest) + SizeOf((ulong)s.Timestamp) + s.Payload.Length);
        writer.Number((uint)s.SerializerId);
        writer.Text(s.SerializerManifest);
        writer.Number((ulong)s.Timestamp);
        return writer.End(s.Payload.Span);
    }

    public static byte[] Encode(JournalHead head)
    {
        var record = new byte[HeadBytes];
        record[0] = Version;
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(1), head.Highest);
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(9), head.DeletedTo);
        return record;
    }

    public static byte[] EncodeNumber(ulong number)
    {
        var record = new byte[NumberBytes];
        record[0] = Version;
        BinaryPrimitives.WriteUInt64BigEndian(record.AsSpan(1), number);
        return record;
    }

    /// <exception cref="CorruptionException"/>
    public static StoredEvent DecodeEvent(string file, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        var reader = new Reader(file, key, record);
        return new StoredEvent(
            Keys.SequenceNrOf(key), (int)reader.Number(), reader.Text(), reader.Text(), reader.Text(), (long)reader.Number(),
            reader.Rest());
    }

    /// <exception cref="CorruptionException"/>
    public static StoredSnapshot DecodeSnapshot(string file, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        var reader = new Reader(file, key, record);
        return new StoredSnapshot(Keys.SequenceNrOf(key), (int)reader.Number(), reader.Text(), (long)reader.Number(), reader.Rest());
    }

    /// <exception cref="CorruptionException"/>
    public static JournalHead DecodeHead(string file, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record) =>
        record is [Version, ..] && record.Length == HeadBytes
            ? new JournalHead(BinaryPrimitives.ReadInt64BigEndian(record[1..]), BinaryPrimitives.ReadInt64BigEndian(record[9..]))
            : throw new CorruptionException(file, key, $"{record.Length} bytes are no head of a journal");

    /// <exception cref="CorruptionException"/>
    public static ulong DecodeNumber(string file, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record) =>
        record is [Version, ..] && record.Length == NumberBytes
            ? BinaryPrimitives.ReadUInt64BigEndian(record[1..])
            : throw new CorruptionException(file, key, $"{record.Length} bytes are no number of a persistence id");

    private static int SizeOf(ulong number) => (BitOperations.Log2(number | 1) / 7) + 1;

    private static int SizeOf(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        return SizeOf((ulong)length) + length;
    }

    /// <summary>Fills a record of exactly the right size.</summary>
    private ref struct Writer
    {
        private readonly byte[] _record;
        private Span<byte> _left;

        public Writer(int size)
        {
            _record = new byte[size];
            _record[0] = Version;
            _left = _record.AsSpan(1);
        }

        public void Number(ulong number)
        {
            var length = 0;
            for (; number >= 0x80; number >>= 7) _left[length++] = (byte)(number | 0x80);
            _left[length++] = (byte)number;
            _left = _left[length..];
        }

        public void Text(string text)
        {
            Number((ulong)Encoding.UTF8.GetByteCount(text));
            _left = _left[Encoding.UTF8.GetBytes(text, _left)..];
        }

        public readonly byte[] End(ReadOnlySpan<byte> payload)
        {
            payload.CopyTo(_left);
            return _record;
        }
    }

    private ref struct Reader
    {
        private readonly string _file;
        private readonly ReadOnlySpan<byte> _key;
        private ReadOnlySpan<byte> _left;

        public Reader(string file, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
        {
            _file = file;
            _key = key;
            if (record is not [Version, ..])
                throw new CorruptionException(file, key, record.IsEmpty
                    ? "an empty record"
                    : $"record version {record[0]}, this program knows {Version}: was the directory used by a newer program?");
            _left = record[1..];
        }

        public ulong Number()
        {
            ulong number = 0;
            for (var shift = 0; shift < 64; shift += 7)
            {
                if (_left.IsEmpty) break;
                var b = _left[0];
                _left = _left[1..];
                number |= (ulong)(b & 0x7F) << shift;
                if (b < 0x80) return number;
            }
            throw new CorruptionException(_file, _key, "a number in the record does not end");
        }

        public string Text()
        {
            var length = Number();
            if (length > (ulong)_left.Length)
                throw new CorruptionException(_file, _key, $"a text of {length} bytes, but {_left.Length} are left in the record");
            var text = Encoding.UTF8.GetString(_left[..(int)length]);
            _left = _left[(int)length..];
            return text;
        }

        public readonly byte[] Rest() => _left.ToArray();
    }
}
