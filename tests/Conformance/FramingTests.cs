using System.IO.Compression;
using System.Net;
using Google.Protobuf;

namespace TiKvActors.Conformance;

/// <summary>Requests that break the protocol, or that no client means to send: each gets its status, and the next one is served.</summary>
public sealed class FramingTests : IAsyncLifetime
{
    private const int MaxReceiveBytes = 1 << 20;

    private static readonly byte[] _hello = Http2Client.Frame(new EchoRequest { Payload = ByteString.CopyFromUtf8("hello") });

    private TestServer _unlimited = null!;
    private TestServer _limited = null!;
    private Http2Client _client = null!;
    private Http2Client _ofLimited = null!;

    public async Task InitializeAsync()
    {
        _unlimited = await TestServer.StartAsync();
        _limited = await TestServer.StartAsync(s => s with { MaxReceiveBytes = MaxReceiveBytes });
        (_client, _ofLimited) = (new Http2Client(_unlimited.Port), new Http2Client(_limited.Port));
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        _ofLimited.Dispose();
        await _unlimited.DisposeAsync();
        await _limited.DisposeAsync();
    }

    [Theory]
    [InlineData("Unary", 12, "takes exactly one message")]
    [InlineData("ServerStream", 12, "takes exactly one message")]
    [InlineData("ClientStream", 0, "")]
    [InlineData("Bidirectional", 0, "")]
    public async Task No_message_and_two_messages(string method, int status, string message)
    {
        foreach (var body in new byte[][] { [], [.. _hello, .. _hello] })
        {
            var answer = await _client.CallAsync(method, body);
            Assert.Equal(status, answer.Status);
            Assert.Contains(message, answer.Message);
        }
    }

    [Theory]
    [InlineData(1, 13, "the request ends 1 bytes into a message")]
    [InlineData(4, 13, "the request ends 4 bytes into a message")]
    [InlineData(5, 13, "the request ends 5 bytes into a message")]
    [InlineData(11, 13, "the request ends 11 bytes into a message")]
    public async Task Half_a_frame(int bytes, int status, string message)
    {
        foreach (var method in new[] { "Unary", "ServerStream", "ClientStream", "Bidirectional" })
            Assert.Equal((status, message), await _client.CallAsync(method, _hello[..bytes]));
        Assert.Equal((0, ""), await _client.CallAsync("Unary", _hello));
    }

    [Fact]
    public async Task A_frame_that_comes_byte_by_byte()
    {
        using var content = new StreamContent(new Trickle(_hello));
        Assert.Equal((0, ""), await _client.CallAsync("Unary", content));
    }

    [Fact]
    public async Task Messages_that_are_none()
    {
        Assert.Equal(
            (13, "a message begins with 2: it has to be 0, or 1 if it is compressed"), await _client.CallAsync("Unary", [2, 0, 0, 0, 0]));
        var (status, message) = await _client.CallAsync("Unary", Http2Client.Frame(0, 3, [0xff, 0xff, 0xff]));
        Assert.Equal(13, status);
        Assert.StartsWith("a message of 3 bytes cannot be parsed", message);
        var compressed = Http2Client.Frame(1, 3, [1, 2, 3]);
        Assert.Equal(13, (await _client.CallAsync("Unary", compressed)).Status);
        Assert.Equal(13, (await _client.CallAsync("Unary", compressed, ("grpc-encoding", "identity"))).Status);
        Assert.Equal(12, (await _client.CallAsync("Unary", compressed, ("grpc-encoding", "deflate"))).Status);
        Assert.Equal(13, (await _client.CallAsync("Unary", compressed, ("grpc-encoding", "gzip"))).Status);
        Assert.Equal((0, ""), await _client.CallAsync("Unary", _hello, ("grpc-encoding", "gzip")));
    }

    [Fact]
    public async Task A_frame_of_two_gigabytes_costs_only_what_arrives_of_it()
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        using var content = new OpenContent(Http2Client.Frame(0, int.MaxValue, new byte[1000]));
        Assert.Equal(4, (await _client.CallAsync("Unary", content, ("grpc-timeout", "300m"))).Status);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 64 << 20);

        Assert.Equal(8, (await _client.CallAsync("Unary", Http2Client.Frame(0, uint.MaxValue, []))).Status);
        using var refused = new OpenContent(Http2Client.Frame(0, int.MaxValue, []));
        Assert.Equal(
            (8, $"received message larger than max ({int.MaxValue} vs. {MaxReceiveBytes})"), await _ofLimited.CallAsync("Unary", refused));
    }

    [Fact]
    public async Task Gzip_is_inflated_up_to_the_limit()
    {
        var fits = new EchoRequest { Payload = ByteString.CopyFrom(new byte[MaxReceiveBytes - 100]) };
        var tooLarge = new EchoRequest { Payload = ByteString.CopyFrom(new byte[100 * MaxReceiveBytes]) };
        Assert.Equal((0, ""), await GzipAsync(_ofLimited, Gzip(fits)));
        Assert.Equal(8, (await GzipAsync(_ofLimited, Gzip(tooLarge))).Status);
        Assert.Equal(13, (await GzipAsync(_ofLimited, Gzip(fits)[..^12])).Status);
        Assert.Equal((0, ""), await GzipAsync(_client, Gzip(tooLarge)));
    }

    [Fact]
    public async Task Random_bytes_disturb_nobody()
    {
        var random = new Random(5);
        for (var i = 0; i < 300; i++)
        {
            var body = new byte[random.Next(64)];
            random.NextBytes(body);
            // Mostly what gets beyond the header.
            if (body.Length > 5 && random.Next(4) > 0)
                (body[0], body[1], body[2], body[3], body[4]) = ((byte)random.Next(2), 0, 0, 0, (byte)random.Next(body.Length));
            var method = random.GetItems(["Unary", "ServerStream", "ClientStream", "Bidirectional"], 1)[0];
            // A random request may ask to wait without end.
            await _ofLimited.CallAsync(method, body, ("grpc-encoding", "gzip"), ("grpc-timeout", "1S"));
        }

        Assert.Equal((0, ""), await _ofLimited.CallAsync("Unary", _hello));
        Assert.Equal(0, _limited.Echo.Running);
    }

    [Theory]
    [InlineData("1n", 4)]
    [InlineData("0S", 4)]
    [InlineData("99999999H", 0)]
    [InlineData("10S", 0)]
    [InlineData("100000000S", 13)]
    [InlineData("S", 13)]
    [InlineData("1", 13)]
    [InlineData("-1S", 13)]
    [InlineData("1s", 13)]
    public async Task Timeouts(string timeout, int status)
    {
        var begun = _unlimited.Echo.Begun;
        Assert.Equal(status, (await _client.CallAsync("Unary", _hello, ("grpc-timeout", timeout))).Status);
        Assert.Equal(status == 0 ? 1 : 0, _unlimited.Echo.Begun - begun);
    }

    [Theory]
    [InlineData("Unary")]
    [InlineData("ServerStream")]
    [InlineData("ClientStream")]
    [InlineData("Bidirectional")]
    public async Task Calls_end_at_their_deadline_whatever_they_wait_for(string method)
    {
        using var open = new OpenContent([]);
        Assert.Equal((4, "the deadline has passed"), await _client.CallAsync(method, open, ("grpc-timeout", "100m")));
        using var waits = new OpenContent(Http2Client.Frame(new EchoRequest { Waits = true }));
        Assert.Equal((4, "the deadline has passed"), await _client.CallAsync(method, waits, ("grpc-timeout", "100m")));
        await Eventually.TrueAsync(() => _unlimited.Echo.Running == 0, "a handler is left over");
    }

    [Fact]
    public async Task A_handler_that_throws_is_reported()
    {
        var fails = Http2Client.Frame(new EchoRequest { Fails = true });
        Assert.Equal((2, "InvalidOperationException: it was told to fail"), await _client.CallAsync("Unary", fails));
        Assert.Equal(["/conformance.Echo/Unary has failed: it was told to fail"], _unlimited.Reports);
    }

    [Fact]
    public async Task A_status_without_a_message_stands_in_the_headers()
    {
        using var response = await _client.SendAsync(Http2Client.Request("Nothing", new ByteArrayContent([])));
        Assert.Equal("12", Assert.Single(response.Headers.GetValues("grpc-status")));
        Assert.Equal("unknown method Nothing for service conformance.Echo", Assert.Single(response.Headers.GetValues("grpc-message")));
        Assert.Equal("application/grpc", response.Content.Headers.ContentType?.ToString());
        await response.Content.ReadAsByteArrayAsync();
        Assert.Empty(response.TrailingHeaders);
    }

    [Theory]
    [InlineData("application/grpc;charset=utf-8", 200)]
    [InlineData("application/grpc+proto", 200)]
    [InlineData("application/grpc+json", 415)]
    [InlineData("application/grpc-web", 415)]
    [InlineData("application/json", 415)]
    [InlineData(null, 415)]
    public async Task Content_types(string? type, int httpStatus)
    {
        using var request = Http2Client.Request("Unary", new ByteArrayContent(_hello));
        request.Content!.Headers.Remove("content-type");
        if (type is not null) request.Content.Headers.TryAddWithoutValidation("content-type", type);
        using var response = await _client.SendAsync(request);
        Assert.Equal(httpStatus, (int)response.StatusCode);
    }

    [Fact]
    public async Task Only_HTTP2_and_POST_make_a_call()
    {
        using var get = Http2Client.Request("Unary", new ByteArrayContent(_hello));
        get.Method = HttpMethod.Get;
        using var notGet = await _client.SendAsync(get);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, notGet.StatusCode);

        using var http1 = new HttpClient();
        using var content = new ByteArrayContent(_hello);
        content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        using var notHttp1 = await http1.PostAsync(new Uri($"http://127.0.0.1:{_unlimited.Port}/conformance.Echo/Unary"), content);
        Assert.Equal(HttpStatusCode.HttpVersionNotSupported, notHttp1.StatusCode);
    }

    private static byte[] Gzip(EchoRequest request)
    {
        var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest))
            request.WriteTo(gzip);
        return bytes.ToArray();
    }

    private static Task<(int Status, string Message)> GzipAsync(Http2Client client, byte[] bytes) =>
        client.CallAsync("ClientStream", Http2Client.Frame(1, (uint)bytes.Length, bytes), ("grpc-encoding", "gzip"));

    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..1], cancellationToken);
    }
}
