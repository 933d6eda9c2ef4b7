using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;

namespace TiKvActors.Host.Grpc;

/// <summary>
/// The messages of a call's client. It keeps no more than what has arrived of one message, whatever length that one declares; the client
/// may send as much as HTTP/2's windows allow ahead of what was read. One reader at a time.
/// </summary>
internal sealed class MessageReader<T>(GrpcCall call, MessageParser<T> parser, int maxBytes)
    where T : class, IMessage<T>
{
    private readonly PipeReader _body = call.Http.Request.BodyReader;

    /// <returns>Null: the client has sent its last one.</returns>
    /// <exception cref="GrpcException">What was sent is no message, or too large; or the client is gone.</exception>
    /// <exception cref="OperationCanceledException">The call has ended.</exception>
    public ValueTask<T?> ReadAsync() => ReadAsync(call.Cancellation);

    /// <inheritdoc cref="ReadAsync()"/>
    /// <param name="cancellation">Instead of the call's.</param>
    public async ValueTask<T?> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var (buffer, isLast) = await ReadBodyAsync(cancellation);
            if (Parse(ref buffer) is { } message)
            {
                _body.AdvanceTo(buffer.Start);
                return message;
            }

            var left = buffer.Length;
            _body.AdvanceTo(buffer.Start, buffer.End);
            if (isLast)
                return left == 0 ? null : throw new GrpcException(GrpcStatus.Internal, $"the request ends {left} bytes into a message");
        }
    }

    /// <exception cref="GrpcException">There is not exactly one message.</exception>
    public async ValueTask<T> ReadSingleAsync()
    {
        if (await ReadAsync() is { } message && await ReadAsync() is null)
            return message;
        throw new GrpcException(GrpcStatus.Unimplemented, $"{call.Method} takes exactly one message");
    }

    private async ValueTask<(ReadOnlySequence<byte> Buffer, bool IsLast)> ReadBodyAsync(CancellationToken cancellation)
    {
        try
        {
            var result = await _body.ReadAsync(cancellation);
            return (result.Buffer, result.IsCompleted);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // Kestrel tells a reader of the connection's end before it tells the call.
            throw new GrpcException(GrpcStatus.Cancelled, "the client is gone", e);
        }
    }

    private T? Parse(ref ReadOnlySequence<byte> buffer)
    {
        if (MessageFrame.Read(buffer) is not { } frame)
            return null;
        if (frame.Bytes > maxBytes)
            throw MessageFrame.TooLarge(frame.Bytes, maxBytes);
        if (buffer.Length - MessageFrame.HeaderBytes < frame.Bytes)
            return null;
        var bytes = buffer.Slice(MessageFrame.HeaderBytes, frame.Bytes);
        buffer = buffer.Slice(bytes.End);
        try
        {
            return frame.IsCompressed ? Compression.ParseGzip(Compressed(), bytes, maxBytes) : parser.ParseFrom(bytes);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException)
        {
            throw new GrpcException(GrpcStatus.Internal, $"a message of {frame.Bytes} bytes cannot be parsed: {e.Message}", e);
        }
    }

    /// <returns>The parser, if the client has said how it compresses.</returns>
    private MessageParser<T> Compressed()
    {
        var encoding = (string?)call.RequestMetadata[Compression.EncodingHeader];
        return encoding is Compression.Gzip
            ? parser
            : throw new GrpcException(
                encoding is null or Compression.Identity ? GrpcStatus.Internal : GrpcStatus.Unimplemented,
                $"a message is compressed, but {Compression.EncodingHeader} is {encoding ?? "absent"}; known are {Compression.Known}");
    }
}
