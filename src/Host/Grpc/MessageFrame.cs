using System.Buffers;
using System.Buffers.Binary;

namespace TiKvActors.Host.Grpc;

/// <summary>What stands before each message: a byte that says whether it is compressed, and its length in four.</summary>
internal readonly record struct MessageFrame(bool IsCompressed, uint Bytes)
{
    public const int HeaderBytes = 5;

    /// <returns>Null if the header is not there as a whole.</returns>
    /// <exception cref="GrpcException">It is no header.</exception>
    public static MessageFrame? Read(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < HeaderBytes)
            return null;
        Span<byte> header = stackalloc byte[HeaderBytes];
        buffer.Slice(0, HeaderBytes).CopyTo(header);
        return header[0] <= 1
            ? new MessageFrame(header[0] == 1, BinaryPrimitives.ReadUInt32BigEndian(header[1..]))
            : throw new GrpcException(GrpcStatus.Internal, $"a message begins with {header[0]}: it has to be 0, or 1 if it is compressed");
    }

    public void Write(IBufferWriter<byte> writer)
    {
        var header = writer.GetSpan(HeaderBytes);
        header[0] = IsCompressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(header[1..], Bytes);
        writer.Advance(HeaderBytes);
    }

    public static GrpcException TooLarge(long bytes, int maxBytes) =>
        new(GrpcStatus.ResourceExhausted, $"received message larger than max ({bytes} vs. {maxBytes})");
}
