using TiKvActors.Host.Grpc;
using TiKvActors.Host.Tests;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Conformance;

/// <summary>What @grpc/grpc-js sees: node/grpc.js holds the cases, and runs all of them once.</summary>
public sealed class NodeTests(NodeTests.Servers servers) : IClassFixture<NodeTests.Servers>
{
    public static TheoryData<string> Cases => NodeRun.CasesOf("grpc.js");

    [NodeTheory]
    [MemberData(nameof(Cases))]
    public void A_foreign_client(string sees) => servers.Run!.AssertPassed(sees);

    /// <summary>Of the layer with the echo service.</summary>
    public sealed class Servers : IAsyncLifetime
    {
        private const int MaxReceiveBytes = 1000;

        internal NodeRun? Run { get; private set; }

        public async Task InitializeAsync()
        {
            if (NodePackages.Unavailable is not null) return;
            using var directory = new TemporaryDirectory();
            var tls = Tls(directory);
            await using var plain = await TestServer.StartAsync();
            await using var limited = await TestServer.StartAsync(
                s => s with { MaxReceiveBytes = MaxReceiveBytes, CompressesResponses = true });
            await using var secure = await TestServer.StartAsync(s => s with { Tls = tls });
            Run = await NodeRun.OfAsync("grpc.js", new
            {
                plain = plain.Port, limited = limited.Port, secure = secure.Port, maxReceiveBytes = MaxReceiveBytes,
                authority = directory.File("authority.pem"), certificate = tls.CertificateFile, key = tls.KeyFile,
            });
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
