using System.Security.Cryptography.X509Certificates;
using TiKvActors.Host.Grpc;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Conformance;

internal static class TlsFilesWriter
{
    /// <returns>The settings of a server that shows this certificate.</returns>
    public static TlsSettings WritePem(
        this CertificateAuthority authority, X509Certificate2 certificate, string path, string? clientAuthorityFile)
    {
        File.WriteAllText(path + ".pem", certificate.ExportCertificatePem() + "\n" + authority.Pem);
        File.WriteAllText(path + ".key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return new TlsSettings(path + ".pem", path + ".key", clientAuthorityFile);
    }
}
