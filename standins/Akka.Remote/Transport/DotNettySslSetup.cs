using System.Security.Cryptography.X509Certificates;
using Akka.Actor.Setup;

namespace Akka.Remote.Transport.DotNetty;

/// <summary>
/// The certificate of a system, handed to it instead of akka.remote.dot-netty.tcp.ssl, which does not count then: mutual authentication is
/// required, host names are not looked at. akka.remote.dot-netty.tcp.enable-ssl still has to be on.
/// </summary>
public sealed class DotNettySslSetup : Setup
{
    public DotNettySslSetup(X509Certificate2 certificate, bool suppressValidation)
    {
        Certificate = certificate;
        SuppressValidation = suppressValidation;
    }

    public X509Certificate2 Certificate { get; }

    public bool SuppressValidation { get; }
}
