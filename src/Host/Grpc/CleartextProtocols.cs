using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace TiKvActors.Host.Grpc;

/// <summary>
/// HTTP/2 with prior knowledge and HTTP/1.1 on one port without TLS (docs/adr/0005-grpc.md). Connection middleware of an endpoint for
/// HTTP/2 looks at the first bytes; what does not begin as HTTP/2 does becomes a connection of a second endpoint, for HTTP/1.1, whose
/// listener this is.
/// </summary>
/// <param name="firstBytesTimeout">How long a connection may say nothing.</param>
internal sealed class CleartextProtocols(TimeSpan firstBytesTimeout)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionListener
{
    private static readonly byte[] _preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    // Kestrel takes each at once.
    private readonly Channel<ConnectionContext> _http1 = Channel.CreateUnbounded<ConnectionContext>();

    public EndPoint EndPoint { get; } = new Http1EndPoint();

    public bool CanBind(EndPoint endpoint) => endpoint == EndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _http1.Reader.WaitToReadAsync(cancellationToken) && _http1.Reader.TryRead(out var connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

    public ValueTask DisposeAsync()
    {
        _http1.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ConnectionDelegate Middleware(ConnectionDelegate http2) => async connection =>
    {
        switch (await BeginsAsHttp2Async(connection))
        {
            case true:
                await http2(connection);
                break;
            case false:
                var http1 = new Http1Connection(connection);
                if (_http1.Writer.TryWrite(http1))
                    await http1.Disposed;
                break;
        }
    };

    /// <returns>Null: it has ended or said nothing.</returns>
    private async Task<bool?> BeginsAsHttp2Async(ConnectionContext connection)
    {
        var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed, stopping);
        end.CancelAfter(firstBytesTimeout);
        var input = connection.Transport.Input;
        try
        {
            long examined = 0;
            while (true)
            {
                var result = await input.ReadAsync(end.Token);
                var begin = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, _preface.Length));
                var isHttp2 = begin.Length == 0 ? null : Compare(begin);
                // Once it is known, bytes are left that nobody has examined: whoever reads next gets them at once.
                var upTo = isHttp2 is null ? result.Buffer.End : result.Buffer.GetPosition(examined);
                examined = result.Buffer.Length;
                input.AdvanceTo(result.Buffer.Start, upTo);
                if (isHttp2 is not null || result.IsCompleted)
                    return isHttp2;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    /// <returns>Null: more bytes have to be seen.</returns>
    private static bool? Compare(ReadOnlySequence<byte> begin)
    {
        if (!begin.ToArray().AsSpan().SequenceEqual(_preface.AsSpan(0, (int)begin.Length)))
            return false;
        return begin.Length == _preface.Length ? true : null;
    }

    private sealed class Http1EndPoint : EndPoint
    {
        public override string ToString() => "HTTP/1.1 of the same port";
    }

    /// <summary>Features that Kestrel adds for HTTP/1.1 stay its own; the socket is the other endpoint's to close.</summary>
    private sealed class Http1Connection(ConnectionContext inner) : ConnectionContext
    {
        private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Disposed => _disposed.Task;

        public override string ConnectionId { get; set; } = inner.ConnectionId;

        public override IFeatureCollection Features { get; } = new FeatureCollection(inner.Features);

        public override IDictionary<object, object?> Items { get; set; } = inner.Items;

        public override IDuplexPipe Transport { get; set; } = inner.Transport;

        public override EndPoint? LocalEndPoint { get; set; } = inner.LocalEndPoint;

        public override EndPoint? RemoteEndPoint { get; set; } = inner.RemoteEndPoint;

        public override CancellationToken ConnectionClosed { get; set; } = inner.ConnectionClosed;

        public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

        public override ValueTask DisposeAsync()
        {
            _disposed.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
