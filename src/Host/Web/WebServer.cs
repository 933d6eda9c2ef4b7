using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Web;

/// <summary>How this program uses Kestrel, whatever it serves: nothing but the server, and no say in the program's signals.</summary>
internal static class WebServer
{
    public static WebApplicationBuilder NewBuilder()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        return builder;
    }

    /// <param name="key">The setting that names the host.</param>
    /// <exception cref="CommandException">The host is none that can be listened on.</exception>
    public static void Listen(this WebApplicationBuilder builder, string host, int port, string key, Action<ListenOptions> configure)
    {
        if (IPAddress.TryParse(host, out var address))
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address, port, configure));
        else if (host == "localhost")
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port, configure));
        else
            throw new CommandException(ExitCode.BadUsage, $"{key} = {host} is neither an address nor localhost");
    }

    /// <param name="key">The setting that names the port.</param>
    /// <exception cref="CommandException">The port cannot be used.</exception>
    public static async Task StartAsync(this WebApplication web, string host, int port, string key)
    {
        try
        {
            await web.StartAsync();
        }
        catch (IOException e) when (PortInUse.Describe(e, host, port) is not null || e.InnerException is not null)
        {
            await web.DisposeAsync();
            throw new CommandException(ExitCode.Failed, $"{PortInUse.Describe(e, host, port) ?? e.Message} ({key})");
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
