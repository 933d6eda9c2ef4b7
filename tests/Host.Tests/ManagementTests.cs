using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TiKvActors.Host.Management;
using TiKvActors.Hosting;

namespace TiKvActors.Host.Tests;

/// <summary>A node in an application on .NET's generic host, what it answers over HTTP, and a member that only uses its cluster.</summary>
public class ManagementTests
{
    [Fact]
    public async Task An_embedded_node_serves_is_managed_by_HTTP_and_ends_with_its_application()
    {
        using var directory = new TemporaryDirectory();
        var port = 2551 + PlaygroundProcess.FreePortOffset();
        using var application = Application(new TikvNodeOptions { DataDirectory = directory.File("data"), Port = port });
        await application.StartAsync();
        var service = application.Services.GetRequiredService<TikvService>();
        await service.ReadyAsync().WaitAsync(TimeSpan.FromSeconds(60));
        await using (var client = await service.ConnectRawAsync())
        {
            await client.PutAsync("key"u8.ToArray(), "value"u8.ToArray());

            using var member = Application(new TikvNodeOptions { Roles = [TikvRoles.Client], Port = 0, Members = [$"1@127.0.0.1:{port}"] });
            await member.StartAsync();
            var memberService = member.Services.GetRequiredService<TikvService>();
            await memberService.ReadyAsync().WaitAsync(TimeSpan.FromSeconds(60));
            await using (var other = await memberService.ConnectRawAsync())
                Assert.Equal("value"u8.ToArray(), await other.GetAsync("key"u8.ToArray()));
            await member.StopAsync();
        }

        var settings = new ManagementSettings(Enabled: true, "127.0.0.1", port + 1, AllowsChanges: false);
        await using (await ManagementServer.StartAsync(service.Host, settings))
        using (var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{settings.Port}") })
        {
            Assert.Equal("alive\n", await http.GetStringAsync("/alive"));
            using var ready = JsonDocument.Parse(await http.GetStringAsync("/ready"));
            Assert.True(ready.RootElement.GetProperty("ready").GetBoolean());
            using var members = JsonDocument.Parse(await http.GetStringAsync("/cluster/members"));
            Assert.Equal($"127.0.0.1:{port}", members.RootElement.GetProperty("pd").GetString());
            Assert.Contains($"tikv_store_open{{node=\"127.0.0.1:{port}\"}} 1\n", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
            using var config = JsonDocument.Parse(await http.GetStringAsync("/config"));
            Assert.Equal($"{port}", config.RootElement.GetProperty("akka.remote.dot-netty.tcp.port").GetString());
            Assert.Equal("(not shown)", config.RootElement.GetProperty("akka.remote.dot-netty.tcp.ssl.certificate.password").GetString());
            using var refused = await http.DeleteAsync(new Uri($"/cluster/members/127.0.0.1:{port}", UriKind.Relative));
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        // What an administrator may do where it is allowed; the application ends with its node.
        await using (await ManagementServer.StartAsync(service.Host, settings with { AllowsChanges = true }))
        using (var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{settings.Port}") })
        {
            using var unknown = await http.DeleteAsync(new Uri("/cluster/members/127.0.0.1:1", UriKind.Relative));
            Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
            using var leaves = await http.DeleteAsync(new Uri($"/cluster/members/127.0.0.1:{port}", UriKind.Relative));
            Assert.Equal(HttpStatusCode.Accepted, leaves.StatusCode);
            await application.WaitForShutdownAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
    }

    private static IHost Application(TikvNodeOptions options)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddTiKvActors(options);
        return builder.Build();
    }
}
