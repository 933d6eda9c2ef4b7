using System.Buffers.Binary;
using Google.Protobuf;

namespace TiKvActors.Simulation;

internal enum OperationKind
{
    Read,
    Write,
    CompareAndSwap,
}

/// <summary>A write to one register, as it is in the log.</summary>
internal readonly record struct Command(long OperationId, OperationKind Kind, int Register, long Expected, long Value)
{
    private const int Size = 29;

    public ByteString Encode(int padding)
    {
        var bytes = new byte[Size + padding];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, OperationId);
        bytes[8] = (byte)Kind;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(9), Register);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(13), Expected);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(21), Value);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    public static Command Decode(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt64LittleEndian(bytes),
        (OperationKind)bytes[8],
        BinaryPrimitives.ReadInt32LittleEndian(bytes[9..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[13..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[21..]));
}
