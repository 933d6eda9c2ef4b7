using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Certificates for nodes, in files of a temporary directory, and settings with them.</summary>
public sealed class Certificates : IDisposable
{
    public const string Password = "secret";

    private static readonly string _directory = Path.Combine(Path.GetTempPath(), $"tikvactors-certificates-{Environment.ProcessId}");

    private int _lastFile;

    public Certificates()
    {
        Directory.CreateDirectory(_directory);
        File.WriteAllText(TrustedFile, Trusted.Pem);
    }

    /// <summary>The only authority that this process trusts.</summary>
    internal CertificateAuthority Trusted { get; } = CertificateAuthority.Create("Trusted");

    private static string TrustedFile => Path.Combine(_directory, "trusted.pem");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    public string NewFile() => Path.Combine(_directory, Interlocked.Increment(ref _lastFile) + ".pfx");

    /// <summary>A certificate for the loopback address, or else for these hosts.</summary>
    internal static X509Certificate2 Of(CertificateAuthority authority, string name, params string[] hosts) =>
        authority.Certificate(name, hosts.Length == 0 ? ["127.0.0.1"] : hosts);

    internal string FileOf(X509Certificate2 certificate, CertificateAuthority authority)
    {
        var file = NewFile();
        authority.WritePkcs12(certificate, file, Password);
        return file;
    }

    /// <summary>The settings of a system with a certificate of its own.</summary>
    /// <param name="more">In the block ssl.</param>
    internal string Settings(CertificateAuthority authority, string more = "", params string[] hosts) =>
        Settings(Of(authority, "node", hosts), authority, more);

    internal string Settings(X509Certificate2 certificate, CertificateAuthority authority, string more = "") =>
        Settings(FileOf(certificate, authority), more);

    public static string Settings(string file, string more = "") => $$"""
        akka.remote.dot-netty.tcp {
          enable-ssl = true
          ssl {
            certificate { path = "{{file}}", password = "{{Password}}" }
            {{more}}
          }
        }

        """;

    /// <summary>
    /// OpenSSL's variables for what is trusted instead of the machine's own roots. .NET reads them once, when it needs them first, and from
    /// the C library's environment, which Environment.SetEnvironmentVariable does not reach. Here, before there are threads to read it.
    /// </summary>
    [ModuleInitializer]
    internal static void Trust()
    {
        if (SetEnvironment("SSL_CERT_FILE", TrustedFile, 1) != 0 || SetEnvironment("SSL_CERT_DIR", "/nonexistent", 1) != 0)
            throw new InvalidOperationException("cannot set SSL_CERT_FILE and SSL_CERT_DIR");
    }

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetEnvironment(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}

/// <summary>Tests that share what this process trusts.</summary>
[CollectionDefinition(Name)]
public sealed class TlsCollection : ICollectionFixture<Certificates>
{
    public const string Name = "TLS";
}
