using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Certificates for nodes, in files of a temporary directory that goes with the process, and settings with them.</summary>
internal static class Certificates
{
    public const string Password = "secret";

    private static readonly string _directory = Directory.CreateTempSubdirectory("tikvactors-certificates-").FullName;
    private static int _lastFile;

    /// <summary>The only authority that this process trusts.</summary>
    public static CertificateAuthority Trusted { get; } = CertificateAuthority.Create("Trusted");

    public static string NewFile(string extension) => Path.Combine(_directory, Interlocked.Increment(ref _lastFile) + extension);

    /// <summary>A certificate for the loopback address, or else for these hosts.</summary>
    public static X509Certificate2 Of(CertificateAuthority authority, string name, params string[] hosts) =>
        authority.Certificate(name, hosts.Length == 0 ? ["127.0.0.1"] : hosts);

    public static string FileOf(X509Certificate2 certificate, CertificateAuthority authority)
    {
        var file = NewFile(".pfx");
        authority.WritePkcs12(certificate, file, Password);
        return file;
    }

    /// <summary>The settings of a system with a certificate of its own.</summary>
    /// <param name="more">In the block ssl.</param>
    public static string Settings(CertificateAuthority authority, string more = "", params string[] hosts) =>
        Settings(FileOf(Of(authority, "node", hosts), authority), more);

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
    /// the C library's environment, which Environment.SetEnvironmentVariable does not reach.
    /// </summary>
    [ModuleInitializer]
    internal static void Trust()
    {
        var file = NewFile(".pem");
        File.WriteAllText(file, Trusted.Pem);
        if (SetEnvironment("SSL_CERT_FILE", file, 1) != 0 || SetEnvironment("SSL_CERT_DIR", "/nonexistent", 1) != 0)
            throw new InvalidOperationException("cannot set SSL_CERT_FILE and SSL_CERT_DIR");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(_directory, recursive: true);
    }

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetEnvironment(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}
