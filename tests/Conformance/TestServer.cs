using System.Collections.Concurrent;
using System.Net.NetworkInformation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using TiKvActors.Host.Grpc;
using TiKvActors.Host.Grpc.Reflection;

namespace TiKvActors.Conformance;

/// <summary>The layer with the echo service, reflection, and a page of HTTP beside them.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly GrpcServer _server;

    private TestServer(GrpcServer server, EchoService echo, ConcurrentQueue<string> reports) =>
        (_server, Echo, Reports) = (server, echo, reports);

    public EchoService Echo { get; }

    public ConcurrentQueue<string> Reports { get; }

    public int Port => _server.Port;

    /// <summary>Connections whose end on this side has not been closed.</summary>
    public int Connections => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
        .Count(c => c.LocalEndPoint.Port == Port && c.State is TcpState.Established or TcpState.CloseWait);

    public static async Task<TestServer> StartAsync(Func<GrpcSettings, GrpcSettings>? change = null)
    {
        var (echo, reports) = (new EchoService(), new ConcurrentQueue<string>());
        var settings = new GrpcSettings("127.0.0.1", 0);
        var server = await GrpcServer.StartAsync(
            change?.Invoke(settings) ?? settings,
            ReflectionService.AddTo([echo.ToService()]),
            routes => routes.MapGet("/page", (HttpRequest request) => Results.Text($"page by {request.Protocol}\n")),
            (what, e) => reports.Enqueue($"{what}: {e.Message}"),
            "test");
        return new TestServer(server, echo, reports);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
