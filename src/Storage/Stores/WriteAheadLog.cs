using System.Buffers.Binary;
using System.Numerics;

namespace TiKvActors.Storage.Stores;

/// <param name="Offset">Where the first record begins that cannot be read.</param>
/// <param name="NextRecord">Where a whole record begins behind it; null if there is none.</param>
/// <param name="WasWhole">What is there was written to its end and has changed since: no write that was under way leaves that.</param>
internal sealed record LogDamage(string File, long Offset, long FileBytes, string What, long? NextRecord, bool WasWhole);

/// <summary>
/// RocksDB's write-ahead logs, and its MANIFEST in the same format, read as far as needed to tell a torn end from damage, which RocksDB's
/// recovery modes cannot: one takes garbage at the end for damage, another takes damage for the end. A file is blocks of 32 KiB filled
/// with fragments (masked CRC-32C, 4 bytes; length, 2; type, 1; payload); a record is one fragment Full, or First, any Middle, Last.
/// What does not fit a header at the end of a block is zeros.
/// </summary>
internal static class WriteAheadLog
{
    private const int BlockBytes = 32 << 10;
    private const int HeaderBytes = 7;
    private const uint Polynomial = 0x82f63b78;
    private const uint Mask = 0xa282ead8;

    private enum Fragment : byte
    {
        None = 0,
        Full = 1,
        First = 2,
        Middle = 3,
        Last = 4,
    }

    /// <summary>
    /// For a log in which every write was synced before the next one began: only the last record of the newest file can be a write that
    /// was under way when the power failed, and nobody was told of it. Cuts that off, durably. Anything else that cannot be read was
    /// promised; so may have been a last record that was written whole. More than one wrong bit in it cannot be told from a write that
    /// was under way.
    /// </summary>
    /// <returns>What was cut off; null if nothing was.</returns>
    /// <exception cref="CorruptionException"/>
    public static LogDamage? CutTornEnd(string directory)
    {
        var files = FilesOf(directory);
        for (var i = 0; i < files.Count; i++)
        {
            if (Check(files[i]) is not { } damage) continue;
            if ((Contradiction(damage) ?? (i < files.Count - 1 ? $"{Path.GetFileName(files[i + 1])} follows" : null)) is { } why)
                throw Refusal(damage, $"{why}: entries that were acknowledged are lost");
            DurableFile.Cut(damage.File, damage.Offset);
            return damage;
        }

        return null;
    }

    /// <summary>
    /// RocksDB takes a record whose length is wrong for the last one, and opens the database as it was before that record. Only a last
    /// record may be torn: RocksDB knows how to deal with that, because nothing was done yet that depends on it.
    /// </summary>
    /// <exception cref="CorruptionException"/>
    public static void CheckManifest(string directory)
    {
        var current = Path.Combine(directory, "CURRENT");
        if (!File.Exists(current)) return;
        var name = File.ReadAllText(current).TrimEnd('\n');
        if (!name.StartsWith("MANIFEST-", StringComparison.Ordinal))
            throw new CorruptionException(current, $"it names no MANIFEST. {CorruptionException.Remedy}");
        var manifest = Path.Combine(directory, name);
        if (!File.Exists(manifest))
            throw new CorruptionException(current, $"it names {name}, which is not there. {CorruptionException.Remedy}");
        if (Check(manifest) is { } damage && Contradiction(damage) is { } why)
            throw Refusal(damage, $"{why}: it is not known which files belong to the store");
    }

    /// <summary>The first damage in the logs of a directory, oldest first.</summary>
    public static LogDamage? FindDamage(string directory) => FilesOf(directory).Select(Check).FirstOrDefault(d => d is not null);

    /// <summary>Null if every record can be read.</summary>
    public static LogDamage? Check(string file)
    {
        var bytes = File.ReadAllBytes(file);
        long? record = null;
        for (var at = 0L; at < bytes.Length;)
        {
            var blockLeft = BlockBytes - (int)(at % BlockBytes);
            if (blockLeft < HeaderBytes)
            {
                at += blockLeft;
                continue;
            }

            var what = Read(bytes, at, out var type, out var length);
            var wasWhole = what is not null && WasWhole(bytes, at);
            what ??= OutOfPlace(type, record is not null);
            if (what is not null)
            {
                var next = NextRecord(bytes, type is Fragment.Full or Fragment.First ? at : at + 1);
                return new LogDamage(file, record ?? at, bytes.Length, what, next, wasWhole);
            }

            record = type switch
            {
                Fragment.First => at,
                Fragment.Middle => record,
                _ => null,
            };
            at += HeaderBytes + length;
        }

        return record is { } unfinished ? new LogDamage(file, unfinished, bytes.Length, "the record is cut off", null, false) : null;
    }

    /// <returns>Why the damage is not the end of a write that was under way; null if it may be.</returns>
    private static string? Contradiction(LogDamage damage) => damage switch
    {
        { NextRecord: { } next } => $"at {next} another record begins",
        { WasWhole: true } => "a single bit makes the difference, so the record was written whole",
        _ => null,
    };

    private static CorruptionException Refusal(LogDamage damage, string why) =>
        new(damage.File, $"offset {damage.Offset}: {damage.What}, and {why}. {CorruptionException.Remedy}");

    private static List<string> FilesOf(string directory) => Directory.Exists(directory)
        ? Directory.GetFiles(directory, "*.log")
            .OrderBy(f => ulong.TryParse(Path.GetFileNameWithoutExtension(f), out var number) ? number : 0).ToList()
        : [];

    /// <returns>What is wrong with the fragment; null if it is whole.</returns>
    private static string? Read(byte[] bytes, long at, out Fragment type, out int length)
    {
        (type, length) = (Fragment.None, 0);
        if (bytes.Length - at < HeaderBytes) return "the file ends within a header";
        var header = bytes.AsSpan((int)at, HeaderBytes);
        if (header.IndexOfAnyExcept((byte)0) < 0) return "zeros in place of a record";
        length = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
        if (HeaderBytes + length > BlockBytes - (int)(at % BlockBytes)) return $"a length of {length} that does not fit its block";
        if (at + HeaderBytes + length > bytes.Length) return "the file ends within a record";
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (stored != Masked(Crc32C(bytes.AsSpan((int)at + HeaderBytes - 1, length + 1)))) return "checksum mismatch";
        type = (Fragment)header[6];
        return null;
    }

    private static string? OutOfPlace(Fragment type, bool isWithinRecord) => type switch
    {
        Fragment.Full or Fragment.First when isWithinRecord => "the record has no end",
        Fragment.Middle or Fragment.Last when !isWithinRecord => "the record has no beginning",
        Fragment.Full or Fragment.First or Fragment.Middle or Fragment.Last => null,
        _ => $"a record of unknown type {(byte)type}",
    };

    /// <summary>
    /// Lengths cannot be trusted behind damage, so every byte may be where a record begins. The checksum says whether it is.
    /// </summary>
    private static long? NextRecord(byte[] bytes, long from)
    {
        for (var at = from; at <= bytes.Length - HeaderBytes; at++)
        {
            if (bytes[at + 6] is (byte)Fragment.Full or (byte)Fragment.First && BlockBytes - at % BlockBytes >= HeaderBytes
                && Read(bytes, at, out _, out _) is null)
                return at;
        }

        return null;
    }

    /// <summary>
    /// Whether one bit of the fragment is wrong, and nothing else. That a torn one looks like that by chance is about as unlikely as that
    /// its checksum is right by chance.
    /// </summary>
    private static bool WasWhole(byte[] bytes, long at)
    {
        var left = Math.Min(bytes.Length - at, BlockBytes - at % BlockBytes);
        if (left < HeaderBytes) return false;
        var fragment = bytes.AsSpan((int)at, (int)left);
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(fragment);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(fragment[4..]);
        for (var bit = 0; bit < 16; bit++)
        {
            var other = length ^ 1 << bit;
            if (HeaderBytes + other <= left && stored == Masked(Crc32C(fragment.Slice(HeaderBytes - 1, other + 1)))) return true;
        }

        if (HeaderBytes + length > left) return false;
        var covered = fragment.Slice(HeaderBytes - 1, length + 1);
        var crc = Crc32C(covered);
        if (BitOperations.IsPow2(stored ^ Masked(crc))) return true;
        // What a bit changes in the checksum does not depend on the others, and one place further from the end it is one step more.
        var (difference, effect) = (crc ^ BitOperations.RotateLeft(stored - Mask, 15), 1u);
        for (var bit = 0; bit < covered.Length * 8; bit++)
        {
            effect = effect >> 1 ^ ((effect & 1) != 0 ? Polynomial : 0);
            if (effect == difference) return true;
        }

        return false;
    }

    private static uint Masked(uint crc) => BitOperations.RotateRight(crc, 15) + Mask;

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
