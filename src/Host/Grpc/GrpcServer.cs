using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using TiKvActors.Host.Terminal;
using TiKvActors.Host.Web;

namespace TiKvActors.Host.Grpc;

/// <summary>A port that serves gRPC, and HTTP/1.1 beside it.</summary>
internal sealed class GrpcServer : IAsyncDisposable
{
    private static readonly TimeSpan _firstBytesTimeout = TimeSpan.FromSeconds(30);

    private readonly WebApplication _web;
    private readonly CancellationTokenSource _stopping;

    private GrpcServer(WebApplication web, CancellationTokenSource stopping, int port)
    {
        (_web, _stopping, Port) = (web, stopping, port);
    }

    /// <summary>Also of a server that was to choose one.</summary>
    public int Port { get; }

    /// <param name="routes">What else is served on the port, as HTTP.</param>
    /// <param name="report">Told of handlers that fail, and of certificates that cannot be read again. Any thread.</param>
    /// <param name="key">Begins the names of the settings that errors speak of.</param>
    /// <exception cref="CommandException">The port or the certificates cannot be used.</exception>
    public static async Task<GrpcServer> StartAsync(
        GrpcSettings settings,
        IEnumerable<GrpcService> services,
        Action<IEndpointRouteBuilder>? routes,
        Action<string, Exception> report,
        string key)
    {
        var stopping = new CancellationTokenSource();
        var builder = WebServer.NewBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => Limit(kestrel.Limits, settings));
        ListenOptions? endpoint = null;
        var configure = settings.Tls is { } tls ? WithTls(new TlsFiles(tls, report, TimeProvider.System)) : Cleartext(builder);
        builder.Listen(settings.Host, settings.Port, $"{key}.host", options => configure(endpoint = options));
        if (routes is not null)
            builder.Services.AddRoutingCore();
        var web = builder.Build();
        Use(web, new CallDispatcher([.. services], settings, report, stopping.Token));
        routes?.Invoke(web);
        await web.StartAsync(settings.Host, settings.Port, $"{key}.port");
        return new GrpcServer(web, stopping, endpoint!.IPEndPoint!.Port);
    }

    /// <summary>Ends calls that stream; waits, a while, for those that do not.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _web.StopAsync();
        await _web.DisposeAsync();
    }

    private static void Use(WebApplication web, CallDispatcher calls) => web.Use((http, next) =>
    {
        if (CallDispatcher.IsGrpc(http.Request))
            return calls.HandleAsync(http);
        return calls.Refuses(http) ? Task.CompletedTask : next(http);
    });

    private static void Limit(KestrelServerLimits limits, GrpcSettings settings)
    {
        limits.Http2.MaxStreamsPerConnection = settings.MaxStreamsPerConnection;
        limits.Http2.KeepAlivePingDelay = settings.KeepAliveTime;
        limits.Http2.KeepAlivePingTimeout = settings.KeepAliveTimeout;
        // Clients keep connections without calls; those that are lost are found by the pings.
        limits.KeepAliveTimeout = settings.IdleTimeout;
        // Calls are limited by message, and may be as slow as they like.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
    }

    private static Action<ListenOptions> WithTls(TlsFiles files) => options =>
    {
        options.Protocols = HttpProtocols.Http1AndHttp2;
        options.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(files.ForHandshake()) });
    };

    private static Action<ListenOptions> Cleartext(WebApplicationBuilder builder)
    {
        var protocols = new CleartextProtocols(_firstBytesTimeout);
        builder.Services.AddSingleton<IConnectionListenerFactory>(protocols);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(protocols.EndPoint, http1 => http1.Protocols = HttpProtocols.Http1));
        return options =>
        {
            options.Protocols = HttpProtocols.Http2;
            options.Use(protocols.Middleware);
        };
    }
}
