namespace TiKvActors.Host.Grpc;

/// <summary>Files in PEM. They are read again when they have changed; connections that are open stay as they are.</summary>
/// <param name="CertificateFile">The server's certificate, followed by those of the authorities between it and the root.</param>
/// <param name="KeyFile">Its private key, not encrypted.</param>
/// <param name="ClientAuthorityFile">Of the authorities of which clients have to show a certificate. Null: they show none.</param>
internal sealed record TlsSettings(string CertificateFile, string KeyFile, string? ClientAuthorityFile);
