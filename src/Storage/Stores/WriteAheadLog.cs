using System.Buffers.Binary;
using System.Numerics;

namespace TiKvActors.Storage.Stores;

/// <param name="Offset">Where the first record begins that cannot be read.</param>
/// <param name="NextRecord">Where a whole record begins behind it; null if there is none.</param>
internal sealed record LogDamage(string File, long Offset, long FileBytes, string What, long? NextRecord);

/// <summary>
/// RocksDB's write-ahead logs, read as far as needed to tell a torn end from damage, which RocksDB's recovery modes cannot: one takes garbage at the end for damage,
/// another takes damage for the end. A file is blocks of 32 KiB filled with fragments (masked CRC-32C, 4 bytes; length, 2; type, 1; payload); a record is one
/// fragment Full, or First, any Middle, Last. What does not fit a header at the end of a block is zeros.
/// </summary>
internal static class WriteAheadLog
{
    private const int BlockBytes = 32 << 10;
    private const int HeaderBytes = 7;

    private enum Fragment : byte
    {
        None = 0,
        Full = 1,
        First = 2,
        Middle = 3,
        Last = 4,
    }

    /// <summary>
    /// For a log in which every write was synced before the next one began: only the last record of the newest file can be a write that was under way when the
    /// power failed, and nobody was told of it. Cuts that off, durably. Anything else that cannot be read was promised.
    /// </summary>
    /// <returns>What was cut off; null if nothing was.</returns>
    /// <exception cref="CorruptionException"/>
    public static LogDamage? CutTornEnd(string directory)
    {
        var files = FilesOf(directory);
        for (var i = 0; i < files.Count; i++)
        {
            if (Check(files[i]) is not { } damage) continue;
            if (damage.NextRecord is { } next)
                throw new CorruptionException(damage.File, $"offset {damage.Offset}: {damage.What}, and at {next} another record begins: entries that were acknowledged are lost. {CorruptionException.Remedy}");
            if (i < files.Count - 1)
                throw new CorruptionException(damage.File, $"offset {damage.Offset}: {damage.What}, and {Path.GetFileName(files[i + 1])} follows: entries that were acknowledged are lost. {CorruptionException.Remedy}");
            DurableFile.Cut(damage.File, damage.Offset);
            return damage;
        }

        return null;
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

            var what = Read(bytes, at, out var type, out var length) ?? OutOfPlace(type, record is not null);
            if (what is not null)
                return new LogDamage(file, record ?? at, bytes.Length, what, NextRecord(bytes, type is Fragment.Full or Fragment.First ? at : at + 1));
            record = type switch
            {
                Fragment.First => at,
                Fragment.Middle => record,
                _ => null,
            };
            at += HeaderBytes + length;
        }

        return record is { } unfinished ? new LogDamage(file, unfinished, bytes.Length, "the record is cut off", null) : null;
    }

    private static List<string> FilesOf(string directory) => Directory.Exists(directory)
        ? Directory.GetFiles(directory, "*.log").OrderBy(f => ulong.TryParse(Path.GetFileNameWithoutExtension(f), out var number) ? number : 0).ToList()
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

    /// <summary>Lengths cannot be trusted behind damage, so every byte may be where a record begins. The checksum says whether it is.</summary>
    private static long? NextRecord(byte[] bytes, long from)
    {
        for (var at = from; at <= bytes.Length - HeaderBytes; at++)
        {
            if (bytes[at + 6] is (byte)Fragment.Full or (byte)Fragment.First && BlockBytes - at % BlockBytes >= HeaderBytes && Read(bytes, at, out _, out _) is null)
                return at;
        }

        return null;
    }

    private static uint Masked(uint crc) => BitOperations.RotateRight(crc, 15) + 0xa282ead8;

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
