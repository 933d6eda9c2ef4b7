using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TiKvActors.Tests.Shared;

/// <summary>Issues certificates for one test run: its key is nowhere but in memory.</summary>
internal sealed class CertificateAuthority
{
    private const string ForServers = "1.3.6.1.5.5.7.3.1";
    private const string ForClients = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection _above = [];

    private CertificateAuthority(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>Its certificate, without the key.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    public static CertificateAuthority Create(string name)
    {
        using var key = NewKey();
        var request = RequestOf(name, key, isAuthority: true);
        return new CertificateAuthority(request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10)));
    }

    /// <summary>An authority that this one vouches for. Files of what it issues have its own certificate as well.</summary>
    public CertificateAuthority Intermediate(string name)
    {
        using var key = NewKey();
        var authority = new CertificateAuthority(Sign(RequestOf(name, key, isAuthority: true), key, -5, 5));
        authority._above.Add(X509CertificateLoader.LoadCertificate(authority._certificate.RawData));
        return authority;
    }

    /// <summary>For servers and clients.</summary>
    /// <param name="hosts">Names or addresses.</param>
    /// <param name="firstDay">From now on.</param>
    /// <param name="lastDay">From now on.</param>
    public X509Certificate2 Certificate(
        string name, IEnumerable<string> hosts, int firstDay = -1, int lastDay = 1, bool onlyForServers = false)
    {
        using var key = NewKey();
        var request = RequestOf(name, key, isAuthority: false);
        var usages = new OidCollection { new Oid(ForServers) };
        if (!onlyForServers) usages.Add(new Oid(ForClients));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        return Sign(request, key, firstDay, lastDay);
    }

    /// <summary>A PKCS #12 file with the certificate, its key and those of the authorities between this one and the root.</summary>
    public void WritePkcs12(X509Certificate2 certificate, string file, string password)
    {
        var all = new X509Certificate2Collection(certificate);
        all.AddRange(_above);
        File.WriteAllBytes(file, all.Export(X509ContentType.Pkcs12, password)!);
    }

    private X509Certificate2 Sign(CertificateRequest request, ECDsa key, int firstDay, int lastDay)
    {
        var (begin, end) = (DateTimeOffset.UtcNow.AddDays(firstDay), DateTimeOffset.UtcNow.AddDays(lastDay));
        using var signed = request.Create(_certificate, begin, end, RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    private static ECDsa NewKey() => ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private static CertificateRequest RequestOf(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        return request;
    }
}
