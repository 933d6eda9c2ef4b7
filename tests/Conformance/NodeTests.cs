using System.Text.Json;
using System.Text.RegularExpressions;
using TiKvActors.Host.Grpc;
using TiKvActors.Host.Tests;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Conformance;

/// <summary>What @grpc/grpc-js sees: node/grpc.js holds the cases, and runs all of them once.</summary>
public sealed partial class NodeTests(NodeTests.Run run) : IClassFixture<NodeTests.Run>
{
    public static TheoryData<string> Cases =>
        [.. CaseName().Matches(File.ReadAllText(Path.Combine(NodePackages.Directory, "grpc.js"))).Select(m => m.Groups[1].Value)];

    [NodeTheory]
    [MemberData(nameof(Cases))]
    public void A_foreign_client(string sees)
    {
        Assert.True(run.Outcomes.TryGetValue(sees, out var failure), $"not run: {run.Output}");
        Assert.True(failure is null, failure);
    }

    [GeneratedRegex("^test\\('([^']+)'", RegexOptions.Multiline)]
    private static partial Regex CaseName();

    /// <summary>One run of the program against servers of their own.</summary>
    public sealed class Run : IAsyncLifetime
    {
        internal const int MaxReceiveBytes = 1000;

        public Dictionary<string, string?> Outcomes { get; } = [];

        public string Output { get; private set; } = "";

        public async Task InitializeAsync()
        {
            if (NodePackages.Unavailable is not null) return;
            using var directory = new TemporaryDirectory();
            var tls = Tls(directory);
            await using var plain = await TestServer.StartAsync();
            await using var limited = await TestServer.StartAsync(
                s => s with { MaxReceiveBytes = MaxReceiveBytes, CompressesResponses = true });
            await using var secure = await TestServer.StartAsync(s => s with { Tls = tls });
            var settings = JsonSerializer.Serialize(new
            {
                plain = plain.Port, limited = limited.Port, secure = secure.Port, maxReceiveBytes = MaxReceiveBytes,
                authority = directory.File("authority.pem"), certificate = tls.CertificateFile, key = tls.KeyFile,
            });
            var (_, output, errors) = await NodePackages.RunAsync("node", "grpc.js", settings);
            Output = output + errors;
            foreach (var line in output.Split('\n').Where(l => l.StartsWith('{')))
            {
                using var outcome = JsonDocument.Parse(line);
                Outcomes.Add(outcome.RootElement.GetProperty("name").GetString()!, outcome.RootElement.GetProperty("failure").GetString());
            }
        }

        public Task DisposeAsync() => Task.CompletedTask;

        private static TlsSettings Tls(TemporaryDirectory directory)
        {
            var authority = CertificateAuthority.Create("Conformance");
            File.WriteAllText(directory.File("authority.pem"), authority.Pem);
            var certificate = authority.Certificate("server", ["127.0.0.1"]);
            return authority.WritePem(certificate, directory.File("server"), directory.File("authority.pem"));
        }
    }
}
