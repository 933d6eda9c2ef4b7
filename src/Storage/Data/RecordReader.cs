using Google.Protobuf;
using RocksDbSharp;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Storage.Data;

/// <summary>Parses a record where RocksDB keeps it; one that cannot be parsed is corruption with file and key.</summary>
internal sealed class RecordReader<T>(string file, byte[] key, MessageParser<T> parser) : ISpanDeserializer<T?>
    where T : class, IMessage<T>, new()
{
    public T Deserialize(ReadOnlySpan<byte> buffer)
    {
        try
        {
            return parser.Parse(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new CorruptionException(file, key, $"{buffer.Length} bytes are no {typeof(T).Name}", e);
        }
    }
}

/// <summary>Copies a value; null stands for none.</summary>
internal sealed class BytesReader : ISpanDeserializer<byte[]?>
{
    public static BytesReader Instance { get; } = new();

    public byte[] Deserialize(ReadOnlySpan<byte> buffer) => buffer.ToArray();
}
