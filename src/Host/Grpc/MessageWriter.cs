using System.IO.Pipelines;
using Google.Protobuf;

namespace TiKvActors.Host.Grpc;

/// <summary>A call's answers. One writer at a time.</summary>
internal sealed class MessageWriter<T>(GrpcCall call, bool compresses)
    where T : IMessage<T>
{
    private readonly PipeWriter _body = call.Http.Response.BodyWriter;

    /// <summary>
    /// Completes when the client's windows and the connection have room again: who awaits it keeps no more than one message and Kestrel's
    /// buffer for a client that does not read.
    /// </summary>
    /// <exception cref="OperationCanceledException">The call has ended.</exception>
    public async ValueTask WriteAsync(T message)
    {
        await BufferAsync(message);
        await _body.FlushAsync(call.Cancellation);
        call.Cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Sent with the next one, or with the status.</summary>
    public async ValueTask BufferAsync(T message)
    {
        var response = call.Http.Response;
        if (!response.HasStarted)
        {
            if (compresses) response.Headers[Compression.EncodingHeader] = Compression.Gzip;
            await response.StartAsync(call.Cancellation);
        }

        if (compresses)
        {
            var bytes = Compression.ToGzip(message);
            new MessageFrame(true, (uint)bytes.Length).Write(_body);
            await _body.WriteAsync(bytes, call.Cancellation);
        }
        else
        {
            new MessageFrame(false, (uint)message.CalculateSize()).Write(_body);
            message.WriteTo(_body);
        }
    }
}
