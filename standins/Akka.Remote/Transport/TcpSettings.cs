using System.Net;
using System.Net.Sockets;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;

namespace Akka.Remote.Transport;

/// <summary>What akka.remote.dot-netty.tcp says. Sizes are bytes.</summary>
internal sealed class TcpSettings
{
    /// <summary>Smallest maximum-frame-size; the real package refuses less as well.</summary>
    private const long SmallestFrame = 32_000;

    /// <param name="certificate">Counts instead of what the settings say of TLS, if that is on; null for those.</param>
    public TcpSettings(Config config, DotNettySslSetup certificate = null)
    {
        if (config.GetBoolean("enable-ssl"))
            Tls = certificate == null ? new TlsSettings(config.GetConfig("ssl")) : new TlsSettings(certificate);
        Hostname = NullIfEmpty(config.GetString("hostname"));
        PublicHostname = NullIfEmpty(config.GetString("public-hostname")) ?? Hostname ?? Dns.GetHostName();
        Port = PortOf(config, "port");
        PublicPort = PortOf(config, "public-port");
        MaximumFrameSize = SizeOf(config, "maximum-frame-size") ?? SmallestFrame;
        if (MaximumFrameSize < SmallestFrame || MaximumFrameSize > Array.MaxLength)
            throw new ConfigurationException($"akka.remote.dot-netty.tcp.maximum-frame-size: {MaximumFrameSize} bytes, must be between {SmallestFrame} and {Array.MaxLength}");
        SendBufferSize = SizeOf(config, "send-buffer-size");
        ReceiveBufferSize = SizeOf(config, "receive-buffer-size");
        Backlog = config.GetInt("backlog");
        if (Backlog < 1) throw new ConfigurationException($"akka.remote.dot-netty.tcp.backlog: {Backlog}, must be at least 1");
        NoDelay = config.GetBoolean("tcp-nodelay");
        KeepAlive = config.GetBoolean("tcp-keepalive");
        ConnectTimeout = config.GetTimeSpan("connection-timeout");
        EnforceIpFamily = config.GetBoolean("enforce-ip-family");
        UseIpv6 = config.GetBoolean("dns-use-ipv6");
    }

    /// <summary>What to listen on; null for every interface.</summary>
    public string Hostname { get; }

    /// <summary>The host in this system's address: what others must use to reach it, letter by letter.</summary>
    public string PublicHostname { get; }

    /// <summary>0 for any free one.</summary>
    public int Port { get; }

    /// <summary>0 for the one that is listened on.</summary>
    public int PublicPort { get; }

    public long MaximumFrameSize { get; }

    public int? SendBufferSize { get; }

    public int? ReceiveBufferSize { get; }

    public int Backlog { get; }

    public bool NoDelay { get; }

    public bool KeepAlive { get; }

    public TimeSpan ConnectTimeout { get; }

    public bool EnforceIpFamily { get; }

    public bool UseIpv6 { get; }

    /// <summary>Null: connections are not encrypted.</summary>
    public TlsSettings Tls { get; }

    public void Apply(Socket socket)
    {
        socket.NoDelay = NoDelay;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, KeepAlive);
        if (SendBufferSize is { } send) socket.SendBufferSize = send;
        if (ReceiveBufferSize is { } receive) socket.ReceiveBufferSize = receive;
    }

    /// <summary>The addresses of a host that may be tried, in the resolver's order, of the wanted family only if that is enforced.</summary>
    /// <exception cref="RemoteTransportException">There is none.</exception>
    public async Task<IPAddress[]> Resolve(string host, CancellationToken cancellation = default)
    {
        var wanted = UseIpv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        IPAddress[] all;
        try
        {
            all = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellation);
        }
        catch (SocketException e)
        {
            throw new RemoteTransportException($"The host name '{host}' cannot be resolved: {e.Message}", e);
        }
        var allowed = EnforceIpFamily ? all.Where(a => a.AddressFamily == wanted).ToArray() : all.OrderBy(a => a.AddressFamily == wanted ? 0 : 1).ToArray();
        if (allowed.Length == 0)
            throw new RemoteTransportException($"The host name '{host}' has no {(UseIpv6 ? "IPv6" : "IPv4")} address (akka.remote.dot-netty.tcp.enforce-ip-family, dns-use-ipv6)");
        return allowed;
    }

    private static string NullIfEmpty(string text) => string.IsNullOrEmpty(text) ? null : text;

    private static int PortOf(Config config, string key)
    {
        var port = config.GetInt(key);
        return port is >= 0 and <= IPEndPoint.MaxPort ? port : throw new ConfigurationException($"akka.remote.dot-netty.tcp.{key}: {port}, must be between 0 and {IPEndPoint.MaxPort}");
    }

    private static int? SizeOf(Config config, string key) => config.GetByteSize(key) is { } size and > 0 ? checked((int)size) : null;
}
