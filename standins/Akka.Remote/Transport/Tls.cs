using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Akka.Remote.Transport;

/// <summary>Makes a connection's bytes go through TLS. Of both ends the one that dialled is TLS's client.</summary>
internal sealed class Tls
{
    /// <summary>For the log, where the other end has closed the connection for a reason that only it knows.</summary>
    public const string ClosedHint = "if it does not take this system's certificate, its log says why";

    /// <summary>For the log, where one end may speak TLS and the other one plaintext.</summary>
    public const string EnabledHint = "do both ends have the same akka.remote.dot-netty.tcp.enable-ssl?";

    private readonly TlsSettings _settings;
    private readonly SslStreamCertificateContext _own;

    public Tls(TlsSettings settings)
    {
        _settings = settings;
        // offline: the chain is what was configured, nothing is downloaded for it.
        _own = SslStreamCertificateContext.Create(settings.Certificate, settings.Intermediates, offline: true);
    }

    /// <summary>The handshake. Whatever its end, it owns the stream; if it fails, the stream is closed.</summary>
    /// <param name="dialled">The host, at the end that dialled; null at the other one.</param>
    /// <exception cref="TlsException">The other end does not speak TLS, or one does not take the other's certificate.</exception>
    public async Task<Stream> SecureAsync(Stream stream, string dialled, CancellationToken cancellation)
    {
        var secure = new SslStream(stream);
        string refusal = null;
        bool Accepts(object sender, X509Certificate certificate, X509Chain chain, SslPolicyErrors errors) =>
            (refusal = Refusal((X509Certificate2)certificate, chain, errors, dialled)) == null;
        try
        {
            if (dialled == null) await secure.AuthenticateAsServerAsync(ServerOptions(Accepts), cancellation);
            else await secure.AuthenticateAsClientAsync(ClientOptions(dialled, Accepts), cancellation);
            return secure;
        }
        catch (Exception e)
        {
            await secure.DisposeAsync();
            if (refusal != null) throw new TlsException(refusal);
            if (e is not (AuthenticationException or IOException)) throw;
            throw new TlsException($"the TLS handshake failed: {Innermost(e).Message} ({EnabledHint})");
        }
    }

    private SslServerAuthenticationOptions ServerOptions(RemoteCertificateValidationCallback accepts) => new()
    {
        ServerCertificateContext = _own,
        ClientCertificateRequired = _settings.RequireMutualAuthentication,
        RemoteCertificateValidationCallback = accepts,
        CertificateChainPolicy = ChainPolicy(),
        AllowRenegotiation = false,
        AllowTlsResume = false
    };

    private SslClientAuthenticationOptions ClientOptions(string host, RemoteCertificateValidationCallback accepts) => new()
    {
        TargetHost = host,
        ClientCertificateContext = _settings.RequireMutualAuthentication ? _own : null,
        RemoteCertificateValidationCallback = accepts,
        CertificateChainPolicy = ChainPolicy(),
        AllowRenegotiation = false,
        AllowTlsResume = false
    };

    /// <summary>A certificate that a stranger shows makes nobody download what it refers to.</summary>
    private static X509ChainPolicy ChainPolicy() =>
        new() { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };

    /// <summary>Why the other end's certificate is not taken, or null.</summary>
    private string Refusal(X509Certificate2 certificate, X509Chain chain, SslPolicyErrors errors, string dialled)
    {
        if (certificate == null)
        {
            return dialled == null && !_settings.RequireMutualAuthentication
                ? null
                : $"it shows no certificate ({TlsSettings.Path}.require-mutual-authentication)";
        }
        var (begin, end) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        var who = $"its certificate {Printable(certificate.Subject)} of {Printable(certificate.Issuer)}, valid from {begin:u} to {end:u},";
        if (!_settings.SuppressValidation && errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
            return $"{who} is not to be trusted: {Statuses(chain)}";
        if (_settings.ValidateCertificateHostname && errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return $"{who} is not for the host {dialled} ({TlsSettings.Path}.validate-certificate-hostname)";
        return null;
    }

    /// <summary>A stranger's text, for the log.</summary>
    private static string Printable(string name) => string.Concat(name.Take(200).Select(c => char.IsControl(c) ? '?' : c));

    private static string Statuses(X509Chain chain) =>
        string.Join(", ", chain.ChainStatus.Select(s => $"{s.Status} ({s.StatusInformation.Trim()})").Distinct());

    private static Exception Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e;
}

/// <summary>There is no TLS between both ends; the message says why, and what SslStream throws says no more.</summary>
internal sealed class TlsException : IOException
{
    public TlsException(string message) : base(message)
    {
    }
}
