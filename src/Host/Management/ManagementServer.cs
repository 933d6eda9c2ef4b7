using System.Text.Json;
using Akka.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using TiKvActors.Actors.Membership;
using TiKvActors.Host.Terminal;
using TiKvActors.Host.Web;
using TiKvActors.Hosting;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Management;

/// <summary>A node's management by HTTP: what supervisors, balancers, scrapers and administrators ask.</summary>
internal sealed class ManagementServer : IAsyncDisposable
{
    private const string Json = "application/json";

    private readonly WebApplication _web;

    private ManagementServer(WebApplication web) => _web = web;

    /// <exception cref="CommandException">The port cannot be used.</exception>
    public static async Task<ManagementServer> StartAsync(TikvHost host, ManagementSettings settings)
    {
        var builder = WebServer.NewBuilder();
        builder.Services.AddRoutingCore();
        builder.Listen(settings.Host, settings.Port, "tikv.management.host", _ => { });
        var web = builder.Build();
        Map(web, host, settings);
        await web.StartAsync(settings.Host, settings.Port, "tikv.management.port");
        return new ManagementServer(web);
    }

    public async ValueTask DisposeAsync()
    {
        await _web.StopAsync();
        await _web.DisposeAsync();
    }

    private static void Map(WebApplication web, TikvHost host, ManagementSettings settings)
    {
        web.MapGet("/alive", () => Results.Text("alive\n"));
        web.MapGet("/ready", () => ReadyAsync(host));
        web.MapGet("/cluster/members", () => Results.Text(ClusterJson.Text(ClusterDoor.State(Cluster.Get(host.System))) + "\n", Json));
        web.MapDelete("/cluster/members/{address}", (string address) => Change(host, settings, address, "leave"));
        web.MapPut("/cluster/members/{address}", (string address, string? operation) => Change(host, settings, address, operation));
        web.MapGet("/metrics", () => Results.Text(PrometheusText.Read(), PrometheusText.ContentType));
        web.MapGet("/config", () => Results.Text(ConfigJson.Text(host.System.Settings.Config) + "\n", Json));
    }

    private static async Task<IResult> ReadyAsync(TikvHost host)
    {
        var now = await NodeReadiness.OfAsync(host);
        var text = JsonSerializer.Serialize(new
        {
            ready = now.IsReady, storageOpen = now.StorageOpen, memberUp = now.MemberUp, pdKnown = now.PdKnown, missing = now.Missing,
        });
        return Results.Text(text + "\n", Json, statusCode: now.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static IResult Change(TikvHost host, ManagementSettings settings, string address, string? operation)
    {
        if (!settings.AllowsChanges)
        {
            return Results.Text(
                "changes are off: set tikv.management.allow-changes = on, or use ./tkv ctl cluster\n",
                statusCode: StatusCodes.Status403Forbidden);
        }

        var change = operation?.ToLowerInvariant() switch
        {
            "leave" => ClusterChangeRequest.Types.Change.Leave,
            "down" => ClusterChangeRequest.Types.Change.Down,
            _ => ClusterChangeRequest.Types.Change.None,
        };
        if (change == ClusterChangeRequest.Types.Change.None)
            return Results.Text("operation has to be leave or down\n", statusCode: StatusCodes.Status400BadRequest);
        var why = ClusterDoor.Change(Cluster.Get(host.System), new ClusterChangeRequest { Change = change, Address = address });
        return why.Length == 0
            ? Results.Text($"{address}: {operation} has begun\n", statusCode: StatusCodes.Status202Accepted)
            : Results.Text(why + "\n", statusCode: StatusCodes.Status404NotFound);
    }
}
