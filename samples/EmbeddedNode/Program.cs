// An application that is a node of a cluster itself, or with --client a member that only uses one. Run it beside nothing for a cluster of
// one node:    dotnet run --project samples/EmbeddedNode
// then, in a second terminal, a member without a store:
//              dotnet run --project samples/EmbeddedNode -- --client 127.0.0.1:2551

using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TiKvActors.Hosting;

var builder = Host.CreateApplicationBuilder();
builder.Services.AddTiKvActors(args is ["--client", var pd]
    ? new TikvNodeOptions { Roles = [TikvRoles.Client], Port = 0, Members = [$"1@{pd}"] }
    : new TikvNodeOptions { DataDirectory = args is ["--data", var directory] ? directory : "data/embedded" });
builder.Services.AddHostedService<Counter>();
await builder.Build().RunAsync();

/// <summary>Counts its runs in the store.</summary>
internal sealed class Counter(TikvService tikv, ILogger<Counter> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await tikv.ReadyAsync(stoppingToken);
        await using var client = await tikv.ConnectRawAsync(cancellation: stoppingToken);
        var key = "runs"u8.ToArray();
        while (true)
        {
            var before = await client.GetAsync(key, stoppingToken);
            var runs = before is null ? 1 : int.Parse(Encoding.UTF8.GetString(before)) + 1;
            var swap = await client.CompareAndSwapAsync(key, expected: before, Encoding.UTF8.GetBytes($"{runs}"), cancellation: stoppingToken);
            if (!swap.Swapped) continue;
            log.LogInformation("run {Runs} of this sample; Ctrl-C ends it", runs);
            return;
        }
    }
}
