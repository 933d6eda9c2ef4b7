using System.Net.NetworkInformation;
using TiKvActors.Host.Tests;

namespace TiKvActors.Conformance;

/// <summary>What a foreign client sees of a cluster's ports for TiKV's clients: node/services.js holds the cases, runs all once.</summary>
public sealed class ServicesTests(ServicesTests.Cluster cluster) : IClassFixture<ServicesTests.Cluster>
{
    public static TheoryData<string> Cases => NodeRun.CasesOf("services.js");

    [NodeTheory]
    [MemberData(nameof(Cases))]
    public void A_client_of_TiKV(string sees) => cluster.Run!.AssertPassed(sees);

    /// <summary>A playground in a process of its own.</summary>
    public sealed class Cluster : IAsyncLifetime
    {
        internal NodeRun? Run { get; private set; }

        public async Task InitializeAsync()
        {
            if (NodePackages.Unavailable is not null) return;
            var offset = FreePortOffset();
            await using var playground = await PlaygroundProcess.StartAsync("--ephemeral --api v1 --grpc", offset);
            string[] Ports(int first) => [.. Enumerable.Range(0, 3).Select(n => $"127.0.0.1:{first + offset + n}")];
            Run = await NodeRun.OfAsync("services.js", new { pd = Ports(2379)[0], pds = Ports(2379), stores = Ports(20160) });
            Assert.Equal(0, await playground.TerminateAsync());
        }

        public Task DisposeAsync() => Task.CompletedTask;

        /// <summary>At which the ports for TiKV's clients are free as well.</summary>
        private static int FreePortOffset()
        {
            var taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(l => l.Port).ToHashSet();
            while (true)
            {
                var offset = PlaygroundProcess.FreePortOffset();
                if (!Enumerable.Range(0, 3).Any(n => taken.Contains(2379 + offset + n) || taken.Contains(20160 + offset + n)))
                    return offset;
            }
        }
    }
}
