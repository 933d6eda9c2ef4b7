using System.Runtime.Serialization;
using System.Text;
using Akka.Remote.Transport;

namespace Akka.Cluster.Sharding.Serialization;

/// <summary>Writes fields as protobuf does; of its kinds only numbers and what has a length.</summary>
internal static class Proto
{
    public const int VarInt = 0;
    public const int Counted = 2;

    public static void Number(WireWriter to, int field, ulong value)
    {
        to.Var(((ulong)field << 3) | VarInt);
        to.Var(value);
    }

    public static void Text(WireWriter to, int field, string value)
    {
        to.Var(((ulong)field << 3) | Counted);
        to.Text(value);
    }

    public static void Texts(WireWriter to, int field, IEnumerable<string> values)
    {
        foreach (var value in values) Text(to, field, value);
    }

    public static void Message(WireWriter to, int field, Action<WireWriter> write)
    {
        using var inner = new WireWriter(64);
        write(inner);
        to.Var(((ulong)field << 3) | Counted);
        to.Var((ulong)inner.Length);
        to.Bytes(inner.Written.Span);
    }
}

/// <summary>The fields of a protobuf message. Unknown ones are passed over.</summary>
internal sealed class ProtoFields
{
    private readonly List<(ulong Field, ReadOnlyMemory<byte> Bytes, ulong Number)> _fields = [];

    /// <exception cref="MalformedFrameException">It ends before a field does.</exception>
    /// <exception cref="SerializationException">A field is of another kind than those that are used here.</exception>
    public ProtoFields(ReadOnlyMemory<byte> bytes)
    {
        var from = new WireReader(bytes.Span);
        while (from.Remaining > 0)
        {
            var tag = from.Var();
            switch (tag & 7)
            {
                case Proto.VarInt:
                    _fields.Add((tag >> 3, default, from.Var()));
                    break;
                case Proto.Counted:
                    var length = from.Var();
                    if (length > (ulong)from.Remaining)
                        throw new MalformedFrameException($"a field of {length} bytes where {from.Remaining} are left");
                    _fields.Add((tag >> 3, bytes.Slice(bytes.Length - from.Remaining, (int)length), 0));
                    from.Bytes((int)length);
                    break;
                default:
                    throw new SerializationException($"A field of kind {tag & 7}");
            }
        }
    }

    /// <summary>0 if it is missing, as protobuf leaves it out.</summary>
    public ulong Number(int field) => _fields.LastOrDefault(f => f.Field == (ulong)field).Number;

    /// <summary>Empty if it is missing, as protobuf leaves it out.</summary>
    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field).Span);

    public ReadOnlyMemory<byte> Bytes(int field) => _fields.LastOrDefault(f => f.Field == (ulong)field).Bytes;

    public IEnumerable<string> Texts(int field) => All(field).Select(bytes => Encoding.UTF8.GetString(bytes.Span));

    public IEnumerable<ProtoFields> Messages(int field) => All(field).Select(bytes => new ProtoFields(bytes));

    private IEnumerable<ReadOnlyMemory<byte>> All(int field) => _fields.Where(f => f.Field == (ulong)field).Select(f => f.Bytes);
}
