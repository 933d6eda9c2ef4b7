using System.Globalization;
using System.Net.Sockets;

namespace TiKvActors.Host.Terminal;

internal static class PortInUse
{
    /// <returns>What to say if somebody else listens on the port; null if that is not the trouble.</returns>
    public static string? Describe(Exception e, string host, int port)
    {
        for (Exception? cause = e; cause != null; cause = cause.InnerException)
            if (cause is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
                return $"port {port.ToString(CultureInfo.InvariantCulture)} on {host} is in use: "
                    + "stop what listens there, or choose other ports with --port-offset";
        return null;
    }
}
