using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace TiKvActors.Client;

/// <summary>host:port of a node's actor protocol.</summary>
internal readonly record struct Endpoint(string Host, int Port)
{
    public const int DefaultPort = 2551;

    /// <param name="list"><c>HOST:PORT[,…]</c>; a port may be left out.</param>
    /// <exception cref="InvalidRequestException">Malformed.</exception>
    public static IReadOnlyList<Endpoint> ParseList(string list)
    {
        var endpoints = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Parse).ToList();
        return endpoints.Count > 0
            ? endpoints : throw new InvalidRequestException($"no endpoint in \"{list}\": write HOST:PORT[,HOST:PORT…]");
    }

    /// <exception cref="InvalidRequestException">Malformed.</exception>
    public static Endpoint Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0 && text.Length > 0)
            return new Endpoint(text, DefaultPort);
        if (colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= IPEndPoint.MaxPort)
            return new Endpoint(text[..colon], port);
        throw new InvalidRequestException($"malformed endpoint \"{text}\": write HOST:PORT with a port of 1 to 65535");
    }

    /// <summary>The address of this machine from which the endpoint is reached. Sends nothing.</summary>
    /// <exception cref="ConnectionFailedException">The host name is unknown, or there is no route.</exception>
    public async Task<string> LocalAddressAsync(CancellationToken cancellation)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(Host, AddressFamily.InterNetwork, cancellation).ConfigureAwait(false);
            if (addresses.Length == 0)
                throw new ConnectionFailedException($"host name \"{Host}\" of endpoint {this} has no IPv4 address");
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            await socket.ConnectAsync(new IPEndPoint(addresses[0], Port), cancellation).ConfigureAwait(false);
            return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
        }
        catch (SocketException e)
        {
            throw new ConnectionFailedException($"endpoint {this} cannot be reached: {e.Message}", e);
        }
    }

    /// <summary>
    /// The address of this machine under which it is reached by whoever answers at one of the endpoints: that of the first that resolves,
    /// but loopback only when there is no other, because no other machine can answer to it.
    /// </summary>
    /// <param name="localAddress">Of one endpoint, as <see cref="LocalAddressAsync(CancellationToken)"/>.</param>
    /// <exception cref="ConnectionFailedException">None can be reached; the first one's failure.</exception>
    public static async Task<string> LocalAddressAsync(IReadOnlyList<Endpoint> endpoints, Func<Endpoint, Task<string>> localAddress)
    {
        string? loopback = null;
        ConnectionFailedException? failure = null;
        foreach (var endpoint in endpoints)
        {
            try
            {
                var address = await localAddress(endpoint).ConfigureAwait(false);
                if (!IPAddress.IsLoopback(IPAddress.Parse(address)))
                    return address;
                loopback ??= address;
            }
            catch (ConnectionFailedException e)
            {
                failure ??= e;
            }
        }

        return loopback ?? throw failure!;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
