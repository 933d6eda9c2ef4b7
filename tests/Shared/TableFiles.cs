using System.Text;

namespace TiKvActors.Tests.Shared;

/// <summary>Rots the table files of an engine that is closed.</summary>
internal static class TableFiles
{
    private const int Step = 4_000;

    /// <summary>A block is 16 KiB, and the first one also has what the store reads at its start.</summary>
    private const int First = 20_000;

    /// <summary>
    /// Flips a bit in each 4,000 bytes of the rows of one column family; what is needed to open the store stays as it is.
    /// </summary>
    /// <returns>How many bits were flipped.</returns>
    public static int Rot(string engine, string family, int seed)
    {
        var random = new Random(seed);
        var flips = 0;
        foreach (var file in Directory.GetFiles(engine, "*.sst").Order(StringComparer.Ordinal))
        {
            var bytes = File.ReadAllBytes(file);
            // The end of the property rocksdb.column.family.name, and its value.
            if (bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"name{family}")) < 0) continue;
            // The rows come first; behind them are index, filter and properties.
            for (var at = First; at + Step < bytes.Length * 3 / 4; at += Step, flips++)
                bytes[at + random.Next(Step)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(file, bytes);
        }

        return flips;
    }
}
