using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf;

namespace TiKvActors.Conformance;

/// <summary>Sends what no implementation of gRPC would: HTTP/2 requests with any bytes in them.</summary>
internal sealed class Http2Client : IDisposable
{
    private readonly List<Socket> _sockets = [];
    private readonly HttpClient _http;

    public Http2Client(int port)
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            ConnectCallback = async (context, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                lock (_sockets) _sockets.Add(socket);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public static byte[] Frame(byte flag, uint length, byte[] bytes)
    {
        var frame = new byte[5 + bytes.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), length);
        bytes.CopyTo(frame, 5);
        return frame;
    }

    public static byte[] Frame(IMessage message)
    {
        var bytes = message.ToByteArray();
        return Frame(0, (uint)bytes.Length, bytes);
    }

    public static HttpRequestMessage Request(string method, HttpContent content, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/conformance.Echo/{method}")
        {
            Content = content, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        request.Headers.Add("te", "trailers");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    /// <returns>When the headers are there.</returns>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation = default) =>
        _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);

    /// <returns>The status that the call ended with, and its message as it was sent.</returns>
    public async Task<(int Status, string Message)> CallAsync(
        string method, HttpContent content, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(Request(method, content, headers));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await response.Content.ReadAsByteArrayAsync();
        return StatusOf(response);
    }

    public Task<(int Status, string Message)> CallAsync(string method, byte[] body, params (string Name, string Value)[] headers) =>
        CallAsync(method, new ByteArrayContent(body), headers);

    /// <summary>Without a message the status stands in the headers.</summary>
    public static (int Status, string Message) StatusOf(HttpResponseMessage response)
    {
        var headers = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        return (
            int.Parse(headers.GetValues("grpc-status").Single()),
            headers.TryGetValues("grpc-message", out var messages) ? messages.Single() : "");
    }

    /// <summary>As if the process had been killed: no farewell in any protocol.</summary>
    public void Vanish()
    {
        lock (_sockets)
        {
            foreach (var socket in _sockets)
            {
                socket.LingerState = new LingerOption(true, 0);
                socket.Close();
            }
        }
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>A request body that stays open until it is told to end.</summary>
internal sealed class OpenContent(byte[] begin) : HttpContent
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void End() => _end.TrySetResult();

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(begin, cancellationToken);
        await stream.FlushAsync(cancellationToken);
        await _end.Task.WaitAsync(cancellationToken);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
