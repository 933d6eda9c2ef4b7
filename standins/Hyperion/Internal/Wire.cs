using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Serialization;
using System.Text;

namespace Hyperion.Internal;

/// <summary>
/// Numbers, lengths and texts on a stream. Reading throws <see cref="SerializationException"/> where the bytes cannot be right.
/// </summary>
internal static class Wire
{
    private static readonly UTF8Encoding _strict = new(false, true);

    public static void WriteNumber<T>(this Stream stream, T value)
        where T : unmanaged, IBinaryInteger<T>
    {
        Span<byte> bytes = stackalloc byte[value.GetByteCount()];
        value.WriteLittleEndian(bytes);
        stream.Write(bytes);
    }

    public static T ReadNumber<T>(this Stream stream)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        Span<byte> bytes = stackalloc byte[T.Zero.GetByteCount()];
        stream.ReadAll(bytes);
        return T.ReadLittleEndian(bytes, T.IsZero(T.MinValue));
    }

    /// <summary>Seven bits a byte, the lowest first; the eighth says that there are more.</summary>
    public static void WriteLength(this Stream stream, int value)
    {
        var rest = (uint)value;
        for (; rest > 0x7f; rest >>= 7) stream.WriteByte((byte)(rest | 0x80));
        stream.WriteByte((byte)rest);
    }

    public static int ReadLength(this Stream stream)
    {
        long value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var next = stream.ReadNumber<byte>();
            value |= (long)(next & 0x7f) << shift;
            if (next <= 0x7f && value <= int.MaxValue) return (int)value;
        }
        throw new SerializationException("A length is too large");
    }

    /// <summary>
    /// How many things follow that take at least a byte each: never more than there are bytes left, so that room can be made for them.
    /// </summary>
    public static int ReadCount(this Stream stream)
    {
        var count = stream.ReadLength();
        var left = stream.Length - stream.Position;
        return count <= left ? count : throw new SerializationException($"{count} elements or bytes are announced, {left} bytes are left");
    }

    public static void WriteBytes(this Stream stream, byte[] bytes)
    {
        stream.WriteLength(bytes.Length);
        stream.Write(bytes);
    }

    public static byte[] ReadBytes(this Stream stream)
    {
        var bytes = new byte[stream.ReadCount()];
        stream.ReadAll(bytes);
        return bytes;
    }

    /// <summary>UTF-8, or UTF-16 where halves of surrogate pairs stand alone: every string comes back as it was.</summary>
    public static void WriteText(this Stream stream, string text)
    {
        byte[] bytes;
        byte isUtf16 = 0;
        try
        {
            bytes = _strict.GetBytes(text);
        }
        catch (EncoderFallbackException)
        {
            bytes = MemoryMarshal.AsBytes(text.AsSpan()).ToArray();
            isUtf16 = 1;
        }
        stream.WriteByte(isUtf16);
        stream.WriteBytes(bytes);
    }

    public static string ReadText(this Stream stream)
    {
        var isUtf16 = stream.ReadNumber<byte>();
        var bytes = stream.ReadBytes();
        if (isUtf16 > 1 || (isUtf16 == 1 && bytes.Length % 2 != 0)) throw new SerializationException("Not a text");
        return isUtf16 == 1 ? new string(MemoryMarshal.Cast<byte, char>(bytes)) : _strict.GetString(bytes);
    }

    private static void ReadAll(this Stream stream, Span<byte> bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, false) < bytes.Length) throw new SerializationException("The bytes end too early");
    }
}
