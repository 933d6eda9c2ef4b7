using System.CommandLine;
using System.Globalization;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary>
/// <c>tkv playground</c>: a whole cluster on this machine, and the hidden command by which it starts a store in a process of its own.
/// </summary>
internal static class PlaygroundCommand
{
    private const int MostStores = 9;

    public static Command Create()
    {
        var stores = new Option<int>("--stores")
        {
            Description = "Stores, each with a data directory of its own",
            HelpName = "N",
            DefaultValueFactory = _ => 3
        };
        stores.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MostStores) result.AddError($"--stores must be from 1 to {MostStores}");
        });
        var pds = new Option<int?>("--pds")
        {
            Description = "Stores whose nodes may run PD, the first ones; counts at the first start only (default: all, at most 3)",
            HelpName = "N",
        };
        pds.Validators.Add(result =>
        {
            var given = result.GetValueOrDefault<int?>();
            if (given < 1 || given > result.GetValue(stores)) result.AddError("--pds must be from 1 to the number of stores");
        });
        var data = new Option<DirectoryInfo?>("--data") { Description = "Where the data is kept (default: ./data)", HelpName = "DIR" };
        var ephemeral = new Option<bool>("--ephemeral") { Description = "Keep the data in a temporary directory, removed at the end" };
        var api = new Option<string?>("--api")
        {
            Description = "API mode of raw keys; counts at the first start only (default: v2)",
            HelpName = "v2|v1|v1ttl"
        };
        api.AcceptOnlyFromAmong("v2", "v1", "v1ttl");
        var portOffset = PortOffset();
        var processes = new Option<bool>("--processes") { Description = "Each store in a process of its own, which can be killed, "
            + "paused (SIGSTOP) and resumed (SIGCONT); they end with the playground" };
        var grpc = Grpc();
        var config = ConfigFile();
        var command = new Command(
            "playground", "Run a whole cluster on this machine, until Ctrl-C\n\nExample: ./tkv playground --data /var/tmp/tkv")
            { stores, pds, data, ephemeral, api, portOffset, grpc, processes, config };
        command.Validators.Add(result =>
        {
            if (result.GetResult(data) != null && result.GetValue(ephemeral)) result.AddError("--data and --ephemeral exclude each other");
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var directory = parsed.GetValue(ephemeral) ? null : parsed.GetValue(data)?.FullName ?? Path.GetFullPath("data");
            var options = new PlaygroundOptions
            {
                Stores = parsed.GetValue(stores),
                Pds = PdsOf(directory, parsed.GetValue(stores), parsed.GetValue(pds)),
                DataDirectory = directory,
                ApiMode = parsed.GetValue(api),
                PortOffset = parsed.GetValue(portOffset),
                Grpc = parsed.GetValue(grpc),
                Processes = parsed.GetValue(processes),
                ConfigFile = parsed.GetValue(config)?.FullName,
            };
            var output = new Output(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, json: false);
            await using var cluster = new PlaygroundCluster(options, output);
            await cluster.RunAsync(Console.In, cancellation);
            return ExitCode.Done;
        });
        return command;
    }

    private static int PdsOf(string? directory, int stores, int? given)
    {
        var known = directory is null ? 0 : PlaygroundNode.CountPds(directory, stores);
        return given is { } wanted && known > 0 && wanted != known
            ? throw new CommandException(
                ExitCode.Failed,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the cluster in {directory} was founded with {known} PD nodes, not {wanted}: start it without --pds, or with an empty directory"))
            : given ?? (known > 0 ? known : PlaygroundOptions.PdsOf(stores));
    }

    /// <summary>Started by <see cref="NodeProcess"/>.</summary>
    public static Command CreateNode()
    {
        var pds = new Option<int>("--pds") { Required = true };
        var number = new Option<int>("--number") { Required = true };
        var stores = new Option<int>("--stores") { Required = true };
        var data = new Option<string>("--data") { Required = true };
        var api = new Option<string?>("--api");
        var portOffset = PortOffset();
        var publicPorts = new Option<int[]>("--public-port");
        var management = new Option<bool>("--management");
        var grpc = Grpc();
        var config = ConfigFile();
        const string Description = "One store of a playground in a process of its own; 'tkv playground --processes' starts it";
        var command = new Command("playground-node", Description)
            { number, stores, pds, data, api, portOffset, publicPorts, management, grpc, config };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            var root = parsed.GetRequiredValue(data);
            var options = new PlaygroundOptions
            {
                Stores = parsed.GetRequiredValue(stores),
                Pds = parsed.GetRequiredValue(pds),
                DataDirectory = root,
                ApiMode = parsed.GetValue(api),
                PortOffset = parsed.GetValue(portOffset),
                Grpc = parsed.GetValue(grpc),
                PublicPorts = parsed.GetValue(publicPorts) ?? [],
                HasManagement = parsed.GetValue(management),
                ConfigFile = parsed.GetValue(config)?.FullName,
            };
            var output = new Output(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, json: false);
            await new NodeRunner(parsed.GetRequiredValue(number), root, options, output).RunAsync(Console.In, cancellation);
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<FileInfo> ConfigFile()
    {
        var option = new Option<FileInfo>("--config")
        {
            Description = "HOCON for every store, before the reference configuration",
            HelpName = "FILE"
        };
        option.AcceptExistingOnly();
        return option;
    }

    private static Option<bool> Grpc() => new("--grpc")
    {
        Description = "Serve TiKV's own clients too: PD on ports from 2379, stores on ports from 20160",
    };

    private static Option<int> PortOffset()
    {
        var option = new Option<int>("--port-offset") { Description = "Added to every port", HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 60_000) result.AddError("--port-offset must be from 0 to 60000");
        });
        return option;
    }
}
