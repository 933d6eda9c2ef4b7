using System.Net.Sockets;
using System.Text;
using Google.Protobuf;

namespace TiKvActors.Conformance;

/// <summary>Connections that begin as no client's does, end without a word, do not read; two versions of HTTP on one port.</summary>
public sealed class ConnectionTests : IAsyncLifetime
{
    private static readonly byte[] _preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
    private static readonly byte[] _noSettings = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Both_versions_of_HTTP_are_served_on_the_port()
    {
        // Two requests on one connection of each.
        foreach (var (version, page) in new[] { ("1.1", "page by HTTP/1.1\n"), ("2.0", "page by HTTP/2\n") })
        {
            using var http = NewHttp(version);
            Assert.Equal(page, await http.GetStringAsync("/page"));
            Assert.Equal(page, await http.GetStringAsync("/page"));
        }
    }

    [Fact]
    public async Task What_a_connection_speaks_is_seen_however_it_is_cut()
    {
        for (var cut = 1; cut < _preface.Length; cut += 4)
        {
            using var http2 = await ConnectAsync();
            await http2.SendAsync(_preface.AsMemory(0, cut));
            await http2.SendAsync(_preface.AsMemory(cut));
            await http2.SendAsync(_noSettings);
            // The server's own settings: a frame of type 4 on stream 0.
            var header = await ReceiveAsync(http2, 9);
            Assert.Equal([4, 0, 0, 0, 0, 0], header[3..]);
        }

        using var http1 = await ConnectAsync();
        foreach (var octet in "PRIX /page HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray())
            await http1.SendAsync(new[] { octet });
        Assert.StartsWith("HTTP/1.1 405", Encoding.ASCII.GetString(await ReceiveAsync(http1, 12)));
    }

    [Fact]
    public async Task Garbage_is_refused_and_silence_is_let_go()
    {
        using (var garbage = await ConnectAsync())
        {
            // As TLS begins, where there is none.
            await garbage.SendAsync(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0x0d, 0x0a });
            Assert.StartsWith("HTTP/1.1 400", Encoding.ASCII.GetString(await ReceiveAsync(garbage, 12)));
        }

        using (var afterPreface = await ConnectAsync())
        {
            await afterPreface.SendAsync((byte[])[.. _preface, .. Enumerable.Repeat((byte)0xee, 100)]);
            // Its settings, and GOAWAY: type 7.
            var all = await ReceiveToEndAsync(afterPreface);
            Assert.Contains(Frames(all), type => type == 7);
        }

        (await ConnectAsync()).Dispose();
        using (var part = await ConnectAsync())
            await part.SendAsync(_preface.AsMemory(0, 10));
        await Eventually.TrueAsync(() => _server.Connections == 0, () => $"{_server.Connections} connections are left over");
    }

    [Fact]
    public async Task Clients_that_vanish_leave_nothing()
    {
        using var client = new Http2Client(_server.Port);
        var calls = new List<Task<HttpResponseMessage>>();
        foreach (var method in new[] { "Unary", "ServerStream", "ClientStream", "Bidirectional" })
        {
            for (var i = 0; i < 25; i++)
                calls.Add(client.SendAsync(Http2Client.Request(method, Waiting())));
        }

        await Eventually.TrueAsync(() => _server.Echo.Begun == calls.Count, () => $"{_server.Echo.Begun} calls have begun");
        client.Vanish();
        foreach (var call in calls)
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => call);
        await NothingIsLeftAsync();
        Assert.Empty(_server.Reports);

        // A unary handler is reached by a whole request only.
        static HttpContent Waiting() => new ByteArrayContent(Http2Client.Frame(new EchoRequest { Waits = true }));
    }

    [Fact]
    public async Task Thousands_of_calls_at_once_that_are_cancelled_leave_nothing()
    {
        const int Calls = 3000;
        using var client = new Http2Client(_server.Port);
        using var cancellation = new CancellationTokenSource();
        var waits = Http2Client.Frame(new EchoRequest { Waits = true });
        var calls = Enumerable.Range(0, Calls)
            .Select(_ => client.SendAsync(Http2Client.Request("Bidirectional", new OpenContent(waits)), cancellation.Token)).ToList();
        await Eventually.TrueAsync(() => _server.Echo.Running == Calls, () => $"{_server.Echo.Running} calls are under way");
        await cancellation.CancelAsync();
        foreach (var call in calls)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Eventually.TrueAsync(() => _server.Echo.Running == 0, () => $"{_server.Echo.Running} calls are left over");
        Assert.Equal((0, ""), await client.CallAsync("Unary", Http2Client.Frame(new EchoRequest())));
        Assert.Empty(_server.Reports);
    }

    [Fact]
    public async Task A_client_that_does_not_read_stops_its_stream_and_no_other()
    {
        using var client = new Http2Client(_server.Port);
        var endless = new EchoRequest { Payload = ByteString.CopyFrom(new byte[100_000]), Answers = -1 };
        using (var response = await client.SendAsync(Http2Client.Request("ServerStream", new ByteArrayContent(Http2Client.Frame(endless)))))
        {
            await Eventually.TrueAsync(() => _server.Echo.Waiting > TimeSpan.FromSeconds(1), "the stream does not stop");
            var written = _server.Echo.Written;
            // What the client's windows and the buffers on the way hold.
            Assert.InRange(written, 0, 32 << 20);
            Assert.Equal((0, ""), await client.CallAsync("Unary", Http2Client.Frame(new EchoRequest())));

            await using var stream = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[1 << 16];
            while (_server.Echo.Written < 2 * written + (1 << 20))
                Assert.NotEqual(0, await stream.ReadAsync(buffer));
        }

        await Eventually.TrueAsync(() => _server.Echo.Running == 0, "the stream goes on without its client");
        Assert.Empty(_server.Reports);
    }

    [Fact]
    public async Task A_server_that_stops_ends_streams_and_lets_calls_finish()
    {
        using var client = new Http2Client(_server.Port);
        using var open = new OpenContent(Http2Client.Frame(new EchoRequest()));
        using var stream = await client.SendAsync(Http2Client.Request("Bidirectional", open));
        using var idle = NewHttp("1.1");
        await idle.GetStringAsync("/page");
        using var silent = await ConnectAsync();
        var call = client.CallAsync("Unary", Http2Client.Frame(new EchoRequest { Waits = true }), ("grpc-timeout", "1S"));
        await Eventually.TrueAsync(() => _server.Echo.Running == 2, "the calls have not begun");
        var stopped = _server.DisposeAsync().AsTask();
        await stream.Content.ReadAsByteArrayAsync();
        Assert.Equal((14, "the server is stopping"), Http2Client.StatusOf(stream));
        Assert.Equal((4, "the deadline has passed"), await call);
        // Kestrel would wait for half a minute, and then cut what is left.
        await stopped.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private async Task NothingIsLeftAsync()
    {
        await Eventually.TrueAsync(() => _server.Echo.Running == 0, () => $"{_server.Echo.Running} calls are left over");
        await Eventually.TrueAsync(() => _server.Connections == 0, () => $"{_server.Connections} connections are left over");
    }

    private HttpClient NewHttp(string version) => new()
    {
        BaseAddress = new Uri($"http://127.0.0.1:{_server.Port}"),
        DefaultRequestVersion = new Version(version),
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", _server.Port);
        return socket;
    }

    private static async Task<byte[]> ReceiveAsync(Socket socket, int bytes)
    {
        var buffer = new byte[bytes];
        for (var received = 0; received < bytes;)
        {
            var more = await socket.ReceiveAsync(buffer.AsMemory(received));
            Assert.NotEqual(0, more);
            received += more;
        }

        return buffer;
    }

    private static async Task<byte[]> ReceiveToEndAsync(Socket socket)
    {
        var all = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer) is var more and > 0)
                all.Write(buffer, 0, more);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // The server has not read everything before it closed.
        }

        return all.ToArray();
    }

    /// <returns>The types of HTTP/2's frames.</returns>
    private static IEnumerable<byte> Frames(byte[] bytes)
    {
        for (var at = 0; at + 9 <= bytes.Length; at += 9 + ((bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]))
            yield return bytes[at + 3];
    }
}
