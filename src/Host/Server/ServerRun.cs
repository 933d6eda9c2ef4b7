using System.Diagnostics;
using System.Globalization;
using TiKvActors.Actors.Nodes;
using TiKvActors.Host.Grpc.Services;
using TiKvActors.Host.Management;
using TiKvActors.Host.Terminal;
using TiKvActors.Hosting;
using TiKvActors.Storage;

namespace TiKvActors.Host.Server;

/// <summary><c>tkv server</c>: a node of a cluster, from its start until it is told to stop.</summary>
internal sealed class ServerRun(ServerOptions options, Output output)
{
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _reportInterval = TimeSpan.FromSeconds(5);

    /// <summary>Serves until it is cancelled.</summary>
    /// <exception cref="CommandException">The port cannot be used, or settings cannot be understood.</exception>
    /// <exception cref="StorageException">The data directory cannot be used, or the store's files are found to be damaged.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var node = options.ToNode();
        var management = options.Management(node);
        var grpc = options.GrpcOf(node);
        await using var host = await StartAsync(node);
        await using var web = management.Enabled ? await ManagementServer.StartAsync(host, management) : null;
        host.Restarting += reason => output.Alert($"the actor system starts again: {reason.Why}");
        GrpcNode? services = null;
        try
        {
            if (await ReadyAsync(host, cancellation))
            {
                services = grpc.Enabled ? await GrpcNode.StartAsync(host, grpc) : null;
                output.Line(Describe(watch.Elapsed, host, node, management) + services?.Describe());
                output.Flush();
            }

            await host.Ended.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            output.Message("stopping: what is led here is handed over, then the cluster is left");
            output.Flush();
        }
        finally
        {
            if (services is not null)
                await services.DisposeAsync();
        }

        await host.StopAsync();
    }

    private static string Describe(TimeSpan after, TikvHost host, TikvNodeOptions node, ManagementSettings management)
    {
        var data = node.DataDirectory is null ? "" : $"; data in {node.DataDirectory}";
        var http = management.Enabled
            ? string.Create(CultureInfo.InvariantCulture, $"; management http://{management.Host}:{management.Port}") : "";
        var protocol = $"actor protocol {Tikv.Get(host.System).Address}; roles {string.Join(", ", node.Roles)}";
        return string.Create(CultureInfo.InvariantCulture, $"ready in {after.TotalSeconds:0.0} s: {protocol}{data}{http}");
    }

    private static async Task<TikvHost> StartAsync(TikvNodeOptions node)
    {
        try
        {
            return await TikvHost.StartAsync(node.ToConfig());
        }
        catch (ArgumentException e)
        {
            throw new CommandException(ExitCode.BadUsage, e.Message);
        }
        catch (Exception e) when (PortInUse.Describe(e, node.Host, node.Port) is { } problem)
        {
            throw new CommandException(ExitCode.Failed, problem);
        }
    }

    /// <returns>False: it has ended.</returns>
    private async Task<bool> ReadyAsync(TikvHost host, CancellationToken cancellation)
    {
        var reported = Stopwatch.StartNew();
        while (!host.Ended.IsCompleted)
        {
            var now = await NodeReadiness.OfAsync(host);
            if (now.IsReady)
                return true;
            if (reported.Elapsed > _reportInterval)
            {
                output.Message($"waiting: {now.Missing}");
                output.Flush();
                reported.Restart();
            }

            await Task.Delay(_pollInterval, cancellation);
        }

        return false;
    }
}
