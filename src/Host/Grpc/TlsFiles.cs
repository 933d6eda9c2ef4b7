using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Grpc;

/// <summary>What a TLS handshake needs, from files that may be replaced while the server runs. Thread-safe.</summary>
internal sealed class TlsFiles
{
    private const string ForClients = "1.3.6.1.5.5.7.3.2";
    private static readonly TimeSpan _readInterval = TimeSpan.FromSeconds(1);

    private readonly TlsSettings _settings;
    private readonly Action<string, Exception> _report;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private Contents _contents;
    private Loaded _loaded;
    private long _readAt;

    /// <param name="report">Told why files that have changed cannot be used; the former ones stay in use. Any thread.</param>
    /// <exception cref="CommandException">They cannot be used.</exception>
    public TlsFiles(TlsSettings settings, Action<string, Exception> report, TimeProvider time)
    {
        (_settings, _report, _time) = (settings, report, time);
        try
        {
            _contents = Read();
            _loaded = Load(_contents);
        }
        catch (Exception e) when (IsOfFiles(e))
        {
            throw new CommandException(ExitCode.Failed, Describe(e));
        }

        _readAt = _time.GetTimestamp();
    }

    /// <summary>For one handshake, of the files as they were a second ago or later.</summary>
    public SslServerAuthenticationOptions ForHandshake()
    {
        var loaded = Refreshed();
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = loaded.Certificate,
            ClientCertificateRequired = loaded.ClientPolicy is not null,
            CertificateChainPolicy = loaded.ClientPolicy,
            // A session that is resumed would not show its certificate to authorities that have changed.
            AllowTlsResume = false,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
    }

    private Loaded Refreshed()
    {
        lock (_lock)
        {
            if (_time.GetElapsedTime(_readAt) < _readInterval)
                return _loaded;
            _readAt = _time.GetTimestamp();
            try
            {
                var contents = Read();
                if (contents != _contents)
                {
                    // Also if they cannot be used: it is told once.
                    _contents = contents;
                    _loaded = Load(contents);
                }
            }
            catch (Exception e) when (IsOfFiles(e))
            {
                _report($"{Describe(e)}; the former certificates stay in use", e);
            }

            return _loaded;
        }
    }

    private Contents Read() => new(
        File.ReadAllText(_settings.CertificateFile),
        File.ReadAllText(_settings.KeyFile),
        _settings.ClientAuthorityFile is { } file ? File.ReadAllText(file) : null);

    private static Loaded Load(Contents contents)
    {
        var certificate = X509Certificate2.CreateFromPem(contents.Certificate, contents.Key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(contents.Certificate);
        var context = SslStreamCertificateContext.Create(certificate, chain, offline: true);
        return new Loaded(context, contents.ClientAuthority is { } pem ? ClientPolicy(pem) : null);
    }

    private static X509ChainPolicy ClientPolicy(string pem)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.ImportFromPem(pem);
        policy.ApplicationPolicy.Add(new Oid(ForClients));
        return policy.CustomTrustStore.Count > 0 ? policy : throw new CryptographicException("the clients' authority has no certificate");
    }

    private static bool IsOfFiles(Exception e) =>
        e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    private string Describe(Exception e) =>
        $"TLS with certificate {_settings.CertificateFile}, key {_settings.KeyFile}"
        + $"{(_settings.ClientAuthorityFile is { } file ? $" and clients of {file}" : "")}: {e.Message}";

    private sealed record Contents(string Certificate, string Key, string? ClientAuthority);

    private sealed record Loaded(SslStreamCertificateContext Certificate, X509ChainPolicy? ClientPolicy);
}
