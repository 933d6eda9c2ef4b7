using System.CommandLine;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary>Options that every command which talks to a cluster has.</summary>
internal sealed class CommonOptions
{
    private const string DefaultEndpoint = "127.0.0.1:2551";
    private const string EndpointVariable = "TKV_ENDPOINT";

    /// <summary>Names the file with what all commands need to reach a cluster at all, such as its TLS.</summary>
    private const string ConfigVariable = "TKV_CONFIG";

    private readonly Option<string?> _endpoint = new("--endpoint")
    {
        Description =
            $"Nodes to ask first, HOST:PORT[,HOST:PORT...] (default: ${EndpointVariable}, else {DefaultEndpoint}); "
                + $"${ConfigVariable} names a file with HOCON for connections",
        HelpName = "HOST:PORT[,...]",
        Recursive = true,
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print one JSON document (JSON lines for streams) and nothing else",
        Recursive = true
    };

    private readonly Option<double> _timeout = new("--timeout")
    {
        Description = "How long one operation may take, in seconds",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 20,
        Recursive = true,
    };

    public CommonOptions() => _timeout.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<double>() is not (> 0 and <= 86_400))
            result.AddError("--timeout must be more than 0 and at most 86400 seconds");
    });

    public void AddTo(Command command)
    {
        command.Add(_endpoint);
        command.Add(_json);
        command.Add(_timeout);
    }

    public Output Output(ParseResult parsed) =>
        new(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(_json));

    public string Endpoints(ParseResult parsed)
    {
        if (parsed.GetValue(_endpoint) is { } given) return given;
        return Environment.GetEnvironmentVariable(EndpointVariable) is { Length: > 0 } fromEnvironment ? fromEnvironment : DefaultEndpoint;
    }

    /// <summary>Runs with a client for raw keys that lives as long as the command.</summary>
    public async Task<int> WithClient(ParseResult parsed, CancellationToken cancellation, Func<RawClient, Output, Task<int>> run)
    {
        await using var client = await RawClient.ConnectAsync(Endpoints(parsed), Options(parsed), cancellation);
        var output = Output(parsed);
        var exitCode = await run(client, output);
        output.Flush();
        return exitCode;
    }

    public Task<AdminClient> AdminAsync(ParseResult parsed, CancellationToken cancellation) =>
        AdminClient.ConnectAsync(Endpoints(parsed), Options(parsed), cancellation);

    public Task<MemberClient> MembersAsync(ParseResult parsed, CancellationToken cancellation) =>
        MemberClient.ConnectAsync(Endpoints(parsed), Options(parsed), cancellation);

    public TimeSpan Timeout(ParseResult parsed) => TimeSpan.FromSeconds(parsed.GetValue(_timeout));

    public Task<ClusterClient> ClusterAsync(ParseResult parsed, CancellationToken cancellation) =>
        ClusterClient.OpenAsync(Endpoints(parsed), Options(parsed), cancellation);

    /// <exception cref="CommandException">The file of settings cannot be read.</exception>
    private RawClientOptions Options(ParseResult parsed)
    {
        var config = Environment.GetEnvironmentVariable(ConfigVariable) is { Length: > 0 } file ? HoconFile.Read(file) : null;
        return new RawClientOptions { CallTimeout = Timeout(parsed), ConnectTimeout = Timeout(parsed), Config = config };
    }
}
