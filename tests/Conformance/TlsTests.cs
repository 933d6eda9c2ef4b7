using System.Security.Cryptography.X509Certificates;
using TiKvActors.Host.Grpc;
using TiKvActors.Host.Terminal;
using TiKvActors.Host.Tests;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Conformance;

/// <summary>TLS in both versions of HTTP, clients that have to show certificates, files that change under a running server.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly CertificateAuthority _authority = CertificateAuthority.Create("Authority");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("1.1", "page by HTTP/1.1\n")]
    [InlineData("2.0", "page by HTTP/2\n")]
    public async Task The_version_of_HTTP_is_negotiated(string version, string page)
    {
        await using var server = await StartAsync(clientAuthorityFile: null);
        Assert.Equal(page, await PageAsync(server, _authority, null, version));
    }

    [Fact]
    public async Task Clients_without_a_certificate_of_the_authority_are_refused()
    {
        await using var server = await StartAsync(AuthorityFile(_authority));
        Assert.Equal("page by HTTP/2\n", await PageAsync(server, _authority, _authority.Certificate("client", [])));
        await RefusedAsync(server, null);
        await RefusedAsync(server, CertificateAuthority.Create("Elsewhere").Certificate("stranger", []));
        await RefusedAsync(server, _authority.Certificate("only-server", [], onlyForServers: true));
        await RefusedAsync(server, _authority.Certificate("expired", [], firstDay: -3, lastDay: -1));
        Assert.Equal("page by HTTP/2\n", await PageAsync(server, _authority, _authority.Certificate("client", [])));
    }

    [Fact]
    public async Task Files_that_change_count_for_the_connections_after()
    {
        var (second, file) = (CertificateAuthority.Create("Second"), AuthorityFile(_authority));
        await using var server = await StartAsync(file);
        var (first, client) = (_authority.Certificate("client", []), second.Certificate("client", []));
        Assert.Equal("page by HTTP/2\n", await PageAsync(server, _authority, first));

        // What cannot be used is told, and the former stays.
        File.WriteAllText(file, "no certificate");
        await Eventually.TrueAsync(
            async () => await PageAsync(server, _authority, first) == "page by HTTP/2\n" && !server.Reports.IsEmpty, "nothing is reported");
        Assert.EndsWith("the former certificates stay in use: the clients' authority has no certificate", Assert.Single(server.Reports));

        second.WritePem(second.Certificate("server", ["127.0.0.1"]), _directory.File("server"), null);
        File.WriteAllText(file, second.Pem);
        await Eventually.TrueAsync(
            async () => await TryPageAsync(server, second, client) is not null, "the new certificates are not taken");
        await RefusedAsync(server, first);
    }

    [Theory]
    [InlineData("server.pem")]
    [InlineData("server.key")]
    [InlineData("Authority.pem")]
    public async Task Files_that_cannot_be_used_are_named(string file)
    {
        var settings = Settings(AuthorityFile(_authority));
        File.Delete(_directory.File(file));
        var missing = await Assert.ThrowsAsync<CommandException>(() => StartAsync(settings));
        Assert.Contains(_directory.File(file), missing.Message);
        File.WriteAllText(_directory.File(file), "no PEM");
        var broken = await Assert.ThrowsAsync<CommandException>(() => StartAsync(settings));
        Assert.Contains(_directory.File(file), broken.Message);
    }

    private async Task RefusedAsync(TestServer server, X509Certificate2? certificate) =>
        await Assert.ThrowsAsync<HttpRequestException>(() => PageAsync(server, null, certificate));

    private static async Task<string?> TryPageAsync(TestServer server, CertificateAuthority authority, X509Certificate2 client)
    {
        try
        {
            return await PageAsync(server, authority, client);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <param name="authority">Of the server's certificate; null: any.</param>
    private static async Task<string> PageAsync(
        TestServer server, CertificateAuthority? authority, X509Certificate2? client, string version = "2.0")
    {
        var handler = new SocketsHttpHandler();
        if (client is not null)
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => client;
        if (authority is null)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        }
        else
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.ImportFromPem(authority.Pem);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        using var http = new HttpClient(handler)
        {
            DefaultRequestVersion = new Version(version), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        return await http.GetStringAsync(new Uri($"https://127.0.0.1:{server.Port}/page"));
    }

    private string AuthorityFile(CertificateAuthority authority)
    {
        File.WriteAllText(_directory.File("Authority.pem"), authority.Pem);
        return _directory.File("Authority.pem");
    }

    private TlsSettings Settings(string? clientAuthorityFile) =>
        _authority.WritePem(_authority.Certificate("server", ["127.0.0.1"]), _directory.File("server"), clientAuthorityFile);

    private Task<TestServer> StartAsync(string? clientAuthorityFile) => StartAsync(Settings(clientAuthorityFile));

    private static Task<TestServer> StartAsync(TlsSettings settings) => TestServer.StartAsync(s => s with { Tls = settings });
}
