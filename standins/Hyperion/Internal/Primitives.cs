using System.Runtime.Serialization;
using Hyperion.ValueSerializers;

namespace Hyperion.Internal;

/// <summary>
/// Values of types that every message may hold: they have manifests of their own, are never referred back to, and no filter is asked about
/// them.
/// </summary>
internal static class Primitives
{
    private static readonly ValueSerializer[] _all =
    [
        Of<object>(1, (_, _) => { }, _ => new object()),
        Of<bool>(2, (s, v) => s.WriteByte(v ? (byte)1 : (byte)0), ReadBoolean),
        Of<byte>(3, (s, v) => s.WriteByte(v), s => s.ReadNumber<byte>()),
        Of<sbyte>(4, (s, v) => s.WriteNumber(v), s => s.ReadNumber<sbyte>()),
        Of<short>(5, (s, v) => s.WriteNumber(v), s => s.ReadNumber<short>()),
        Of<ushort>(6, (s, v) => s.WriteNumber(v), s => s.ReadNumber<ushort>()),
        Of<int>(7, (s, v) => s.WriteNumber(v), s => s.ReadNumber<int>()),
        Of<uint>(8, (s, v) => s.WriteNumber(v), s => s.ReadNumber<uint>()),
        Of<long>(9, (s, v) => s.WriteNumber(v), s => s.ReadNumber<long>()),
        Of<DateTimeOffset>(10, WriteDateTimeOffset, ReadDateTimeOffset),
        Of<ulong>(11, (s, v) => s.WriteNumber(v), s => s.ReadNumber<ulong>()),
        Of<char>(12, (s, v) => s.WriteNumber<ushort>(v), s => (char)s.ReadNumber<ushort>()),
        Of<float>(13, (s, v) => s.WriteNumber(BitConverter.SingleToInt32Bits(v)), s => BitConverter.Int32BitsToSingle(s.ReadNumber<int>())),
        Of<double>(14, (s, v) => s.WriteNumber(BitConverter.DoubleToInt64Bits(v)), s =>
            BitConverter.Int64BitsToDouble(s.ReadNumber<long>())),
        Of<decimal>(15, (s, v) => Array.ForEach(decimal.GetBits(v), s.WriteNumber), ReadDecimal),
        new TypeSerializer(),
        Of<string>(17, Wire.WriteText, Wire.ReadText),
        Of<Guid>(18, (s, v) => s.Write(v.ToByteArray()), ReadGuid),
        Of<DateTime>(19, WriteDateTime, ReadDateTime),
        Of<byte[]>(20, Wire.WriteBytes, Wire.ReadBytes)
    ];

    private static readonly ValueSerializer[] _byManifest = ByManifest();

    public static readonly Dictionary<Type, ValueSerializer> ByType = _all.ToDictionary(s => s.GetElementType());

    public static readonly HashSet<Type> Types = [.. ByType.Keys];

    /// <summary>Null if no primitive type has the manifest.</summary>
    public static ValueSerializer Of(byte manifest) => manifest < _byManifest.Length ? _byManifest[manifest] : null;

    private static PrimitiveSerializer<T> Of<T>(byte manifest, Action<Stream, T> write, Func<Stream, T> read) => new(manifest, write, read);

    private static ValueSerializer[] ByManifest()
    {
        var table = new ValueSerializer[_all.Length + 1];
        table[0] = new NullSerializer();
        for (var i = 0; i < _all.Length; i++) table[i + 1] = _all[i];
        return table;
    }

    private static bool ReadBoolean(Stream stream) => stream.ReadNumber<byte>() switch
    {
        0 => false,
        1 => true,
        _ => throw new SerializationException("Not a boolean")
    };

    private static decimal ReadDecimal(Stream stream) =>
        new([stream.ReadNumber<int>(), stream.ReadNumber<int>(), stream.ReadNumber<int>(), stream.ReadNumber<int>()]);

    private static Guid ReadGuid(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[16];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = stream.ReadNumber<byte>();
        return new Guid(bytes);
    }

    private static void WriteDateTime(Stream stream, DateTime value)
    {
        stream.WriteNumber(value.Ticks);
        stream.WriteByte((byte)value.Kind);
    }

    private static DateTime ReadDateTime(Stream stream) => new(stream.ReadNumber<long>(), (DateTimeKind)stream.ReadNumber<byte>());

    private static void WriteDateTimeOffset(Stream stream, DateTimeOffset value)
    {
        stream.WriteNumber(value.Ticks);
        stream.WriteNumber(value.Offset.Ticks);
    }

    private static DateTimeOffset ReadDateTimeOffset(Stream stream) =>
        new(stream.ReadNumber<long>(), TimeSpan.FromTicks(stream.ReadNumber<long>()));

    private sealed class PrimitiveSerializer<T>(byte manifest, Action<Stream, T> write, Func<Stream, T> read) : ValueSerializer
    {
        public override Type GetElementType() => typeof(T);

        public override void WriteManifest(Stream stream, SerializerSession session) => stream.WriteByte(manifest);

        public override void WriteValue(Stream stream, object value, SerializerSession session) => write(stream, (T)value);

        public override object ReadValue(Stream stream, DeserializerSession session) => read(stream);
    }

    private sealed class NullSerializer : ValueSerializer
    {
        public override Type GetElementType() => typeof(object);

        public override void WriteManifest(Stream stream, SerializerSession session) => stream.WriteByte(0);

        public override void WriteValue(Stream stream, object value, SerializerSession session)
        {
        }

        public override object ReadValue(Stream stream, DeserializerSession session) => null;
    }

    /// <summary>Types as values are not made an object of, but the filter is asked: to name a type is to load it.</summary>
    private sealed class TypeSerializer : ValueSerializer
    {
        public override Type GetElementType() => typeof(Type);

        public override void WriteManifest(Stream stream, SerializerSession session) => stream.WriteByte(16);

        public override void WriteValue(Stream stream, object value, SerializerSession session) =>
            session.Serializer.TypeNames.Write(stream, (Type)value);

        public override object ReadValue(Stream stream, DeserializerSession session) => session.Serializer.TypeNames.Read(stream);
    }
}
