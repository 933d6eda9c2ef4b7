using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace TiKvActors.Protocol.Serialization;

/// <summary>Parsing of bytes that may be damaged or hostile.</summary>
public static class ProtobufParsing
{
    /// <summary>As <see cref="MessageParser{T}.ParseFrom(ReadOnlySpan{byte})"/>, with one exception for everything that is wrong.</summary>
    /// <exception cref="InvalidDataException">They are no such message.</exception>
    public static T Parse<T>(this MessageParser<T> parser, ReadOnlySpan<byte> bytes) where T : IMessage<T>, new()
    {
        if (ProtobufLengths.MayOverflow(bytes))
            ProtobufLengths.Check(bytes, new T().Descriptor);
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"{bytes.Length} bytes are no {typeof(T).Name}: {e.Message}", e);
        }
    }

    /// <exception cref="InvalidDataException">They are no such message.</exception>
    public static IMessage Parse(this MessageDescriptor message, ReadOnlySpan<byte> bytes)
    {
        if (ProtobufLengths.MayOverflow(bytes))
            ProtobufLengths.Check(bytes, message);
        try
        {
            return message.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"{bytes.Length} bytes are no {message.Name}: {e.Message}", e);
        }
    }
}

/// <summary>
/// The library adds a field's length to its position in 32 bits. A length near 2^31 in a nested message overflows that; from there on the
/// parser has lost its end: it allocates what later bytes claim, and runs over its buffer.
/// </summary>
internal static class ProtobufLengths
{
    private const int MaximumDepth = 100;

    /// <summary>From this size on the quick look is not enough.</summary>
    private const int LargestForQuickLook = 1 << 25;

    /// <summary>
    /// Whether such a length can be among the bytes: its varint has the high bits of a fourth byte set, and of a fifth the three that are
    /// left. Text has no such bytes, random data once in about a thousand.
    /// </summary>
    public static bool MayOverflow(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= LargestForQuickLook)
            return true;
        for (var from = 3; from < bytes.Length - 1; from++)
        {
            var next = bytes[from..^1].IndexOfAnyInRange((byte)0xF0, (byte)0xFF);
            if (next < 0)
                return false;
            from += next;
            if ((bytes[from + 1] & 7) == 7 && (bytes[from - 1] & bytes[from - 2] & bytes[from - 3] & 0x80) != 0)
                return true;
        }

        return false;
    }

    /// <exception cref="InvalidDataException">A field ends beyond the message that it is in, or what is there is no field.</exception>
    public static void Check(ReadOnlySpan<byte> bytes, MessageDescriptor message, int depth = 0)
    {
        if (depth == MaximumDepth)
            throw new InvalidDataException($"more than {MaximumDepth} messages inside each other");
        while (!bytes.IsEmpty)
        {
            var tag = Varint(ref bytes);
            switch (tag & 7)
            {
                case 0:
                    Varint(ref bytes);
                    break;
                case 1:
                    Take(ref bytes, 8);
                    break;
                case 2:
                    var content = Take(ref bytes, Varint(ref bytes));
                    if (tag >> 3 <= int.MaxValue && message.FindFieldByNumber((int)(tag >> 3)) is { FieldType: FieldType.Message } field)
                        Check(content, field.MessageType, depth + 1);
                    break;
                case 5:
                    Take(ref bytes, 4);
                    break;
                default:
                    throw new InvalidDataException($"{message.Name}: a field of wire type {tag & 7}, which no message here has");
            }
        }
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> bytes, ulong count)
    {
        if (count > (ulong)bytes.Length)
            throw new InvalidDataException($"a field of {count} bytes where {bytes.Length} are left");
        var taken = bytes[..(int)count];
        bytes = bytes[(int)count..];
        return taken;
    }

    private static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (var i = 0; i < 10 && i < bytes.Length; i++)
        {
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
            if (bytes[i] >= 0x80)
                continue;
            bytes = bytes[(i + 1)..];
            return value;
        }

        throw new InvalidDataException("an integer without end");
    }
}
