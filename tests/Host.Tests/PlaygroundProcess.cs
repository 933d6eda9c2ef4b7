using System.Net;
using System.Net.Sockets;

namespace TiKvActors.Host.Tests;

/// <summary>A <c>tkv playground</c> in a process of its own, on ports of its own.</summary>
internal sealed class PlaygroundProcess : TkvProcess
{
    private const int FirstPort = 2551;
    private const int FirstManagementPort = 8558;

    /// <summary>
    /// Test classes run side by side, and so do the two projects that use this: each call gets ports of its own.
    /// </summary>
    private static int _lastOffset =
        (typeof(PlaygroundProcess).Assembly.GetName().Name == "Faults" ? 18_000 : 15_000) + Environment.ProcessId % 100 * 10;

    private PlaygroundProcess(string arguments, int portOffset, IReadOnlyDictionary<string, string>? environment)
        : base($"playground --port-offset {portOffset} {arguments}", environment) => PortOffset = portOffset;

    public int PortOffset { get; }

    /// <summary>Of the first store.</summary>
    public string Endpoint => $"127.0.0.1:{FirstPort + PortOffset}";

    /// <summary>Of all three stores.</summary>
    public string Endpoints => string.Join(',', Enumerable.Range(0, 3).Select(i => $"127.0.0.1:{FirstPort + PortOffset + i}"));

    /// <summary>An offset at which three playground stores find their ports free.</summary>
    public static int FreePortOffset()
    {
        while (true)
        {
            var offset = Interlocked.Add(ref _lastOffset, 10);
            try
            {
                foreach (var port in new[] { FirstPort, FirstManagementPort })
                {
                    for (var i = 0; i < 3; i++)
                    {
                        using var probe = new TcpListener(IPAddress.Loopback, port + offset + i);
                        probe.Start();
                    }
                }

                return offset;
            }
            catch (SocketException)
            {
                // Taken: try the next ten.
            }
        }
    }

    /// <summary>Returns when the playground serves.</summary>
    public static async Task<PlaygroundProcess> StartAsync(
        string arguments, int portOffset, IReadOnlyDictionary<string, string>? environment = null)
    {
        var playground = Launch(arguments, portOffset, environment);
        await playground.ReadyAsync();
        return playground;
    }

    /// <summary>For starts that are meant to fail.</summary>
    public static PlaygroundProcess Launch(string arguments, int portOffset, IReadOnlyDictionary<string, string>? environment = null) =>
        new(arguments, portOffset, environment);
}
