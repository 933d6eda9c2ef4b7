using System.CommandLine;
using System.Globalization;
using TiKvActors.Host.Server;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv server</c>: one node of a real cluster.</summary>
internal static class ServerCommand
{
    private const string Description = """
        Run one node of a cluster, until Ctrl-C or SIGTERM

        Every flag but --grpc and --set has a variable: TKV_CONFIG, TKV_ROLE, TKV_DATA, TKV_API, TKV_HOST, TKV_PORT, TKV_SEED. Flags win
        over variables, those over files, and these over the files in hocon/.

        Example: three nodes on this machine, each in a terminal of its own
          ./tkv server --data data/1 --seed 127.0.0.1:2551,127.0.0.1:2552,127.0.0.1:2553
          ./tkv server --data data/2 --seed 127.0.0.1:2551,127.0.0.1:2552,127.0.0.1:2553 --port-offset 1
          ./tkv server --data data/3 --seed 127.0.0.1:2551,127.0.0.1:2552,127.0.0.1:2553 --port-offset 2
        """;

    public static Command Create()
    {
        var config = new Option<FileInfo[]>("--config")
        {
            Description = "Files of settings (HOCON), such as hocon/node.conf; an earlier one wins over a later one",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
        };
        config.AcceptExistingOnly();
        var role = new Option<string?>("--role")
        {
            Description = "What the node is for: pd,store, or pd, or store (default: pd,store)",
            HelpName = "pd,store",
        };
        var data = new Option<DirectoryInfo?>("--data") { Description = "Where the data is kept (default: ./data)", HelpName = "DIR" };
        var api = new Option<string?>("--api")
        {
            Description = "API mode of raw keys; counts at the cluster's first start only (default: v2)",
            HelpName = "v2|v1|v1ttl",
        };
        api.AcceptOnlyFromAmong("v2", "v1", "v1ttl");
        var host = new Option<string?>("--host")
        {
            Description = "Name or address by which others reach this node, and on which it listens (default: 127.0.0.1)",
            HelpName = "HOST",
        };
        var port = new Option<int?>("--port") { Description = "Port of the actor protocol (default: 2551)", HelpName = "PORT" };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 65_535) result.AddError("--port must be from 1 to 65535");
        });
        var portOffset = new Option<int>("--port-offset") { Description = "Added to every port of this node", HelpName = "N" };
        portOffset.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 60_000) result.AddError("--port-offset must be from 0 to 60000");
        });
        var seed = new Option<string[]>("--seed")
        {
            Description = "The PD nodes of the cluster's first start, in the same order on every node (default: this node alone)",
            HelpName = "HOST:PORT[,...]",
        };
        var set = new Option<string[]>("--set")
        {
            Description = "One setting, such as tikv.pd.initial-stores=5; wins over files",
            HelpName = "KEY=VALUE",
        };
        var grpc = new Option<bool>("--grpc")
        {
            Description = "Serve TiKV's own clients too: PD on port 2379, the store on 20160 (tikv.grpc)",
        };
        var command = new Command("server", Description) { config, role, data, api, host, port, portOffset, seed, grpc, set };
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = new ServerOptions
            {
                ConfigFiles = parsed.GetValue(config) is { Length: > 0 } files
                    ? [.. files.Select(f => f.FullName)]
                    : Split(Variable("TKV_CONFIG")),
                Settings = parsed.GetValue(set) ?? [],
                Roles = parsed.GetValue(role) ?? Variable("TKV_ROLE"),
                DataDirectory = parsed.GetValue(data)?.FullName ?? Variable("TKV_DATA"),
                ApiMode = parsed.GetValue(api) ?? Variable("TKV_API"),
                Host = parsed.GetValue(host) ?? Variable("TKV_HOST"),
                Port = parsed.GetValue(port) ?? PortOf(Variable("TKV_PORT")),
                PortOffset = parsed.GetValue(portOffset),
                Grpc = parsed.GetValue(grpc),
                Seeds = parsed.GetValue(seed) is { Length: > 0 } seeds ? [.. seeds.SelectMany(Split)] : Split(Variable("TKV_SEED")),
            };
            var output = new Output(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, json: false);
            await new ServerRun(options, output).RunAsync(cancellation);
            return ExitCode.Done;
        });
        return command;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static string[] Split(string? list) =>
        list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static int? PortOf(string? text) => text is null
        ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? port
            : throw new CommandException(ExitCode.BadUsage, $"TKV_PORT = {text} is no port");
}
