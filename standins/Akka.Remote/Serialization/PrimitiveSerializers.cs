using System.Buffers.Binary;
using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Akka.Util;

namespace Akka.Remote.Serialization;

/// <summary>Texts (UTF-8) and integers (little-endian).</summary>
public sealed class PrimitiveSerializers : SerializerWithStringManifest
{
    private static readonly string[] _stringNames = NamesOf("S", typeof(string));
    private static readonly string[] _int32Names = NamesOf("I", typeof(int));
    private static readonly string[] _int64Names = NamesOf("L", typeof(long));

    private readonly int _name;

    public PrimitiveSerializers(ExtendedActorSystem system, Config config) : base(system) => _name = config.GetBoolean("use-legacy-behavior") ? 1 : 0;

    public override string Manifest(object obj) => obj switch
    {
        string => _stringNames[_name],
        int => _int32Names[_name],
        long => _int64Names[_name],
        _ => throw new ArgumentException($"Cannot serialize a {obj?.GetType()} here", nameof(obj))
    };

    public override byte[] ToBinary(object obj)
    {
        switch (obj)
        {
            case string text:
                return Encoding.UTF8.GetBytes(text);
            case int number:
                var four = new byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(four, number);
                return four;
            case long number:
                var eight = new byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(eight, number);
                return eight;
            default:
                throw new ArgumentException($"Cannot serialize a {obj?.GetType()} here", nameof(obj));
        }
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (_stringNames.Contains(manifest)) return Encoding.UTF8.GetString(bytes);
        if (_int32Names.Contains(manifest)) return BinaryPrimitives.ReadInt32LittleEndian(Whole(bytes, 4));
        if (_int64Names.Contains(manifest)) return BinaryPrimitives.ReadInt64LittleEndian(Whole(bytes, 8));
        throw new SerializationException($"Unknown manifest '{manifest}' for {nameof(PrimitiveSerializers)}");
    }

    private static byte[] Whole(byte[] bytes, int size) => bytes.Length >= size ? bytes : throw new SerializationException($"an integer of {size} bytes in {bytes.Length}");

    /// <summary>Own, legacy, and the legacy one of .NET Framework.</summary>
    private static string[] NamesOf(string own, Type type) => [own, type.TypeQualifiedName(), type.FullName + ", mscorlib"];
}
