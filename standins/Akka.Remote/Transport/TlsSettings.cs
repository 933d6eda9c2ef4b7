using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;

namespace Akka.Remote.Transport;

/// <summary>What akka.remote.dot-netty.tcp.ssl or a setup says, with its certificate loaded.</summary>
internal sealed class TlsSettings
{
    public const string Path = "akka.remote.dot-netty.tcp.ssl";

    private const string CertificatePath = Path + ".certificate";

    private static readonly string[] _keys =
        ["certificate", "suppress-validation", "require-mutual-authentication", "validate-certificate-hostname"];

    private static readonly string[] _certificateKeys =
        ["path", "password", "flags", "use-thumbprint-over-file", "thumbprint", "store-name", "store-location"];

    /// <exception cref="ConfigurationException">
    /// A setting that does not exist, or a certificate that cannot be loaded or has no private key.
    /// </exception>
    public TlsSettings(Config ssl)
    {
        RefuseUnknown(ssl, Path, _keys);
        RefuseUnknown(ssl.GetConfig("certificate"), CertificatePath, _certificateKeys);
        SuppressValidation = ssl.GetBoolean("suppress-validation");
        RequireMutualAuthentication = ssl.GetBoolean("require-mutual-authentication");
        ValidateCertificateHostname = ssl.GetBoolean("validate-certificate-hostname");
        var certificate = ssl.GetConfig("certificate");
        (Certificate, Intermediates) = certificate.GetBoolean("use-thumbprint-over-file") ? FromStore(certificate) : FromFile(certificate);
    }

    /// <exception cref="ConfigurationException">The certificate has no private key.</exception>
    public TlsSettings(DotNettySslSetup setup)
    {
        SuppressValidation = setup.SuppressValidation;
        RequireMutualAuthentication = true;
        Certificate = WithKey([setup.Certificate], "DotNettySslSetup");
        Intermediates = [];
    }

    /// <summary>What this system shows to others, whoever dialled.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Shown along with it: what else its file holds.</summary>
    public X509Certificate2Collection Intermediates { get; }

    /// <summary>Take certificates of any authority and any date.</summary>
    public bool SuppressValidation { get; }

    /// <summary>Whether who dials has to show a certificate, and shows one.</summary>
    public bool RequireMutualAuthentication { get; }

    /// <summary>Whether the certificate of who is dialled has to be for the host that was dialled.</summary>
    public bool ValidateCertificateHostname { get; }

    private static (X509Certificate2, X509Certificate2Collection) FromFile(Config config)
    {
        var file = config.GetString("path");
        if (string.IsNullOrWhiteSpace(file))
            throw new ConfigurationException($"{CertificatePath}.path: empty, must be a PKCS #12 file (.pfx) with a certificate and its key");
        var flags = config.GetStringList("flags").Aggregate(X509KeyStorageFlags.DefaultKeySet, (all, flag) => all | FlagOf(flag));
        try
        {
            var all = X509CertificateLoader.LoadPkcs12CollectionFromFile(file, config.GetString("password"), flags);
            var own = WithKey(all, $"{CertificatePath}.path: {file}");
            all.Remove(own);
            return (own, all);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{CertificatePath}.path: {file} cannot be loaded as a PKCS #12 file (.pfx): {e.Message}", e);
        }
    }

    private static (X509Certificate2, X509Certificate2Collection) FromStore(Config config)
    {
        var thumbprint = config.GetString("thumbprint");
        if (string.IsNullOrWhiteSpace(thumbprint))
            throw new ConfigurationException($"{CertificatePath}.thumbprint: empty, and use-thumbprint-over-file is on");
        var (name, location) = (config.GetString("store-name"), LocationOf(config.GetString("store-location")));
        if (string.IsNullOrWhiteSpace(name)) throw new ConfigurationException($"{CertificatePath}.store-name: empty, must be a store like My");
        try
        {
            using var store = new X509Store(name, location, OpenFlags.ReadOnly);
            var found = store.Certificates.Find(X509FindType.FindByThumbprint, thumbprint, validOnly: false);
            return (WithKey(found, $"{CertificatePath}.thumbprint: {thumbprint} in the store {name} of {location}"), []);
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException)
        {
            throw new ConfigurationException($"{CertificatePath}.store-name: the store {name} of {location} cannot be opened: {e.Message}", e);
        }
    }

    private static X509Certificate2 WithKey(X509Certificate2Collection found, string where) =>
        found.FirstOrDefault(c => c.HasPrivateKey) ?? throw new ConfigurationException(
            found.Count == 0 ? $"{where}: there is no such certificate" : $"{where}: the certificate {found[0].Subject} has no key");

    private static void RefuseUnknown(Config block, string path, string[] known)
    {
        // Nobody shall believe a misspelled key to have an effect here.
        foreach (var (key, _) in block.AsEnumerable())
            if (!known.Contains(key))
                throw new ConfigurationException($"{path}.{key}: there is no such setting, only {string.Join(", ", known)}");
    }

    private static StoreLocation LocationOf(string text) => text switch
    {
        "local-machine" => StoreLocation.LocalMachine,
        "current-user" => StoreLocation.CurrentUser,
        _ => throw new ConfigurationException($"{CertificatePath}.store-location: '{text}' is neither local-machine nor current-user")
    };

    private static X509KeyStorageFlags FlagOf(string text) => text switch
    {
        "default-key-set" => X509KeyStorageFlags.DefaultKeySet,
        "exportable" => X509KeyStorageFlags.Exportable,
        "machine-key-set" => X509KeyStorageFlags.MachineKeySet,
        "persist-key-set" => X509KeyStorageFlags.PersistKeySet,
        "user-key-set" => X509KeyStorageFlags.UserKeySet,
        "user-protected" => X509KeyStorageFlags.UserProtected,
        _ => throw new ConfigurationException($"{CertificatePath}.flags: '{text}' is none of default-key-set, exportable, machine-key-set, " +
            "persist-key-set, user-key-set and user-protected")
    };
}
