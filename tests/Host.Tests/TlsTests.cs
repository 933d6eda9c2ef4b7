using System.Diagnostics;
using System.Reflection;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Host.Tests;

/// <summary>A cluster and its commands over TLS, with the settings that docs/operations.md shows.</summary>
public sealed class TlsTests : IDisposable
{
    private const string DocumentedFile = "/etc/tikvactors/node.pfx";
    private const string DocumentedPassword = "changeit";

    private readonly TemporaryDirectory _directory = new();
    private readonly CertificateAuthority _authority = CertificateAuthority.Create("Cluster");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Nodes_and_commands_with_the_documented_settings_talk_and_strangers_are_refused()
    {
        var (node, stranger) = (Settings("node", _authority), Settings("stranger", CertificateAuthority.Create("Elsewhere")));
        await using var playground = await PlaygroundProcess.StartAsync(
            $"--ephemeral --config \"{node}\"", PlaygroundProcess.FreePortOffset(), Environment(null));
        Assert.Equal((0, ""), await TkvAsync(playground, node, "raw put hello world"));
        Assert.Equal((0, "world\n"), await TkvAsync(playground, node, "raw get hello"));

        await RefusedAsync(playground, stranger, "its certificate CN=stranger of CN=Elsewhere", "if it does not take this system's certificate");
        await RefusedAsync(playground, null, "the TLS handshake failed", "akka.remote.dot-netty.tcp.enable-ssl");
        Assert.Equal((0, "world\n"), await TkvAsync(playground, node, "raw get hello"));
        Assert.Equal(0, await playground.TerminateAsync());
    }

    /// <summary>
    /// Tries until a node has said why it refuses (of many lines like it within seconds, one reaches its log), and the command, unless it
    /// ran out of time first, where to look.
    /// </summary>
    private async Task RefusedAsync(PlaygroundProcess playground, string? settings, string reason, string hint)
    {
        var watch = Stopwatch.StartNew();
        var (said, hinted, output) = (false, false, "");
        while (!said || !hinted)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), $"\"{reason}\" in {playground.Output}\n\"{hint}\" in {output}");
            (var exitCode, output) = await TkvAsync(playground, settings, "raw get hello --timeout 3");
            Assert.Equal(1, exitCode);
            hinted |= output.Contains(hint, StringComparison.Ordinal);
            said = playground.Output.Contains(reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_loaded_is_named_by_nodes_and_commands()
    {
        var settings = Settings("node", _authority);
        File.Delete(_directory.File("node.pfx"));
        await using var playground = PlaygroundProcess.Launch(
            $"--ephemeral --config \"{settings}\"", PlaygroundProcess.FreePortOffset(), Environment(null));
        Assert.Equal(1, await playground.ExitAsync());
        await Says(playground, _directory.File("node.pfx") + " cannot be loaded");
        var (exitCode, output) = await TkvAsync(playground, settings, "raw get hello");
        Assert.Equal(1, exitCode);
        Assert.Contains(_directory.File("node.pfx") + " cannot be loaded", output, StringComparison.Ordinal);
        Assert.DoesNotContain("a bug", playground.Output + output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere.conf", null)]
    [InlineData("broken.conf", "a { b = ")]
    public async Task A_file_of_settings_that_cannot_be_read_is_named_by_commands(string name, string? text)
    {
        var file = _directory.File(name);
        if (text is not null) await File.WriteAllTextAsync(file, text + "\n}}");
        var (exitCode, output) = await RunAsync("raw get hello", Environment(file));
        Assert.Equal(2, exitCode);
        Assert.Contains(name, output, StringComparison.Ordinal);
    }

    /// <summary>The documented settings with a certificate of their own.</summary>
    private string Settings(string name, CertificateAuthority authority)
    {
        var root = typeof(TlsTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;
        var documented = File.ReadAllText(Path.Combine(root, "docs", "operations.md")).Split("```hocon\n").Skip(1)
            .Select(block => block.Split("```")[0]).Single(block => block.Contains(DocumentedFile, StringComparison.Ordinal));
        Assert.Contains(DocumentedPassword, documented, StringComparison.Ordinal);
        authority.WritePkcs12(authority.Certificate(name, ["127.0.0.1"]), _directory.File(name + ".pfx"), DocumentedPassword);
        var file = _directory.File(name + ".conf");
        File.WriteAllText(file, documented.Replace(DocumentedFile, _directory.File(name + ".pfx"), StringComparison.Ordinal));
        return file;
    }

    /// <summary>Of a process that trusts the cluster's authority and no other.</summary>
    private Dictionary<string, string> Environment(string? settings)
    {
        File.WriteAllText(_directory.File("ca.pem"), _authority.Pem);
        var variables = new Dictionary<string, string> { ["SSL_CERT_FILE"] = _directory.File("ca.pem"), ["SSL_CERT_DIR"] = "/nonexistent" };
        if (settings is not null) variables["TKV_CONFIG"] = settings;
        return variables;
    }

    private Task<(int ExitCode, string Output)> TkvAsync(PlaygroundProcess playground, string? settings, string arguments) =>
        RunAsync($"{arguments} --endpoint {playground.Endpoint}", Environment(settings));

    /// <summary>The program in a process of its own; its output is what it writes to both streams.</summary>
    private static async Task<(int ExitCode, string Output)> RunAsync(string arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("dotnet", $"\"{PlaygroundProcess.Program}\" {arguments}")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var texts = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, string.Concat(texts));
    }

    private static Task Says(PlaygroundProcess playground, string text) =>
        Eventually.TrueAsync(() => playground.Output.Contains(text, StringComparison.Ordinal), () => $"\"{text}\" in {playground.Output}");
}
