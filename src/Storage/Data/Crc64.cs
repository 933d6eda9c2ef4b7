using System.Buffers.Binary;

namespace TiKvActors.Storage.Data;

/// <summary>
/// CRC-64/XZ (ECMA-182 polynomial, reflected, inverted at both ends), as TiKV's checksums use it. Of "123456789": 995DC9BBDF1939FA.
/// </summary>
public struct Crc64
{
    private const ulong Polynomial = 0xC96C5795D7870F42;

    // Eight tables, so that eight bytes go in one step: table k advances a byte by k further zero bytes.
    private static readonly ulong[][] Tables = MakeTables();

    /// <summary>Of everything appended so far; 0 for nothing.</summary>
    public ulong Value { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var state = ~Value;
        while (bytes.Length >= 8)
        {
            state ^= BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            state = Tables[7][(byte)state] ^ Tables[6][(byte)(state >> 8)] ^ Tables[5][(byte)(state >> 16)] ^ Tables[4][(byte)(state >> 24)]
                ^ Tables[3][(byte)(state >> 32)] ^ Tables[2][(byte)(state >> 40)] ^ Tables[1][(byte)(state >> 48)]
                    ^ Tables[0][(byte)(state >> 56)];
            bytes = bytes[8..];
        }
        foreach (var b in bytes) state = Tables[0][(byte)(state ^ b)] ^ (state >> 8);
        Value = ~state;
    }

    private static ulong[][] MakeTables()
    {
        var tables = new ulong[8][];
        for (var k = 0; k < tables.Length; k++)
        {
            tables[k] = new ulong[256];
            for (var b = 0; b < 256; b++)
            {
                var crc = k == 0 ? (ulong)b : tables[k - 1][b];
                if (k == 0)
                    for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
                else crc = tables[0][(byte)crc] ^ (crc >> 8);
                tables[k][b] = crc;
            }
        }
        return tables;
    }
}
