using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace TiKvActors.Tests.Shared;

/// <summary>Messages in which every field has some value that is not its default.</summary>
internal static class Filled
{
    private const int MaxDepth = 6;

    public static IMessage Message(MessageDescriptor type, Random random, int depth = 0)
    {
        var message = (IMessage)Activator.CreateInstance(type.ClrType)!;
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            if (field.FieldType == FieldType.Message && depth == MaxDepth)
                continue;
            if (field.ContainingOneof is { } oneof && oneof.Fields[random.Next(oneof.Fields.Count)] != field
                && oneof.Accessor.GetCaseFieldDescriptor(message) is not null)
                continue;
            if (field.IsRepeated)
                for (var i = random.Next(1, 4); i > 0; i--)
                    ((IList)field.Accessor.GetValue(message)).Add(Value(field, random, depth));
            else
                field.Accessor.SetValue(message, Value(field, random, depth));
        }
        return message;
    }

    private static object Value(FieldDescriptor field, Random random, int depth) => field.FieldType switch
    {
        FieldType.Message => Message(field.MessageType, random, depth + 1),
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, field.EnumType.Values[random.Next(field.EnumType.Values.Count)].Number),
        FieldType.Bytes => ByteString.CopyFrom(Bytes(random)),
        FieldType.String => Convert.ToHexString(Bytes(random)),
        FieldType.Bool => true,
        FieldType.UInt32 => (uint)random.Next(1, int.MaxValue),
        FieldType.UInt64 => (ulong)random.NextInt64(1, long.MaxValue),
        FieldType.Int32 => random.Next(int.MinValue, 0),
        FieldType.Int64 => random.NextInt64(long.MinValue, 0),
        var type => throw new NotSupportedException($"{field.FullName}: {type}"),
    };

    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[random.Next(1, 20)];
        random.NextBytes(bytes);
        return bytes;
    }
}
