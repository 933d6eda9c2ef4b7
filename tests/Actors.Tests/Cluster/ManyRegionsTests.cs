using System.Diagnostics;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using Xunit.Abstractions;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>A store with many regions: what its start costs, and that nobody else pays for it.</summary>
public sealed class ManyRegionsTests(ITestOutputHelper output)
{
    private const int IdleRegions = 10_000;
    private const int RegionsPerSplit = 1000;

    /// <summary>As long as Akka's own failure detectors wait for a heartbeat by default.</summary>
    private static readonly TimeSpan _longestSilence = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Each region has one voter, so every idle peer that has recovered also elects itself: a persisted vote, a persisted and applied entry
    /// and a report to PD each, which peers with a leader elsewhere do not need.
    /// </summary>
    [Fact]
    public async Task TenThousandIdlePeersRecoverTogetherWhileALoadedRegionServes()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        var node = cluster.Node(1);
        await cluster.Client.SplitAsync("k");
        var memory = MemoryAfterCollection();
        int before;
        var watch = new Stopwatch();
        await using (var loadMeanwhile = new WriteLoad(cluster.Client, letters: "abcdefgh"))
        {
            await loadMeanwhile.ProgressAsync(100);
            before = loadMeanwhile.Acknowledged;
            watch.Restart();
            await SplitOffAsync(cluster);
            await AllLeadAsync(node);
            var meanwhile = loadMeanwhile.Acknowledged - before;
            output.WriteLine(
                $"{IdleRegions} regions split off, started and led after {watch.Elapsed.TotalSeconds:0.0} s; "
                    + $"{meanwhile} writes acknowledged meanwhile");
            Assert.True(meanwhile > 0, "nothing was served while the new peers started");
            await loadMeanwhile.ProgressAsync(100);
            await loadMeanwhile.StopAsync();
        }

        output.WriteLine(
            $"memory: {(MemoryAfterCollection() - memory) / IdleRegions:N0} bytes of managed heap a peer; "
                + $"process {Environment.WorkingSet >> 20} MiB");
        output.WriteLine($"idle: {await CoresInUseAsync():0.00} cores");

        await using var load = new WriteLoad(cluster.Client, letters: "abcdefgh");
        await load.ProgressAsync(100);
        watch.Restart();
        await node.StopAsync();
        output.WriteLine($"stopped after {watch.Elapsed.TotalSeconds:0.0} s");

        watch.Restart();
        node.Start();
        var probe = Probe.Start(node.System);
        before = load.Acknowledged;
        await Eventually.TrueAsync(() => ServesAsync(node), "the loaded region serves");
        output.WriteLine(
            $"first write after {watch.Elapsed.TotalSeconds:0.0} s, with {node.Tikv.Node!.Services!.Router.Peers.Count} peers recovered");
        await Eventually.TrueAsync(
            () => node.Tikv.Node?.Services is { } services && services.Router.Peers.Count == IdleRegions + 2, "all peers have recovered");
        output.WriteLine(
            $"all peers recovered after {watch.Elapsed.TotalSeconds:0.0} s, {GC.GetTotalMemory(false) >> 20} MiB of "
                + $"heap; {load.Acknowledged - before} writes acknowledged meanwhile");
        before = load.Acknowledged;
        await AllLeadAsync(node);
        output.WriteLine($"all peers lead after {watch.Elapsed.TotalSeconds:0.0} s; {load.Acknowledged - before} more writes acknowledged");
        await load.ProgressAsync(100);
        await load.StopAsync();
        var (answers, longest) = await probe.Ask<(int, TimeSpan)>(Probe.Report.Instance, TimeSpan.FromSeconds(60));
        output.WriteLine($"probe on the default dispatcher: {answers} answers, longest silence {longest.TotalMilliseconds:0} ms");
        foreach (var line in node.Log.Lines.Distinct().Take(20))
            output.WriteLine(line);

        // A recovery that failed, timed out or met an open circuit breaker stops its peer.
        Assert.Empty(node.Log.Of("TKA103", "TKA203", "TKA205", "TKA208", "TKA402"));
        Assert.DoesNotContain(node.Log.Lines, line => line.Contains("circuit breaker", StringComparison.OrdinalIgnoreCase));
        Assert.InRange(longest, TimeSpan.Zero, _longestSilence);
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    /// <summary>Asked on the node itself: what a client waits until it has a connection again is not of interest here.</summary>
    private static async Task<bool> ServesAsync(TestNode node)
    {
        var put = new RawPutRequest
        {
            Context = new Context { ApiVersion = APIVersion.V2, MaxExecutionDurationMs = 500 },
            Key = TestClient.Key("a first"),
            Value = ByteString.CopyFromUtf8("1"),
        };
        try
        {
            return await node.System.ActorSelection("/user/tikv/kv")
                .Ask<RawPutResponse>(put, TimeSpan.FromMilliseconds(500)) is { RegionError: null, Error: "" };
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }

    private static Task AllLeadAsync(TestNode node) =>
        Eventually.TrueAsync(() => node.Tikv.Counters.Leaders == IdleRegions + 2, "all peers lead");

    private static long MemoryAfterCollection()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static async Task<double> CoresInUseAsync()
    {
        using var process = Process.GetCurrentProcess();
        var (watch, before) = (Stopwatch.StartNew(), process.TotalProcessorTime);
        // What is measured is a stretch of time in which nothing happens.
        await Task.Delay(TimeSpan.FromSeconds(2));
        process.Refresh();
        return (process.TotalProcessorTime - before) / watch.Elapsed;
    }

    private static async Task SplitOffAsync(TestCluster cluster)
    {
        for (var first = 0; first < IdleRegions; first += RegionsPerSplit)
            await SplitAsync(cluster, Enumerable.Range(first, RegionsPerSplit).Select(i => $"k{i:00000}"));
    }

    private static async Task SplitAsync(TestCluster cluster, IEnumerable<string> keys)
    {
        var all = keys.Select(TestClient.RegionKey).ToList();
        var leader = await cluster.LeaderOfAsync("z");
        var split = new Split(leader.Status, all);
        leader.Node.Tikv.Node!.Services!.Router.Find(leader.Status.Region.Id)!.Tell(new RegionPeer.Submit([split]));
        Assert.Null(await split.Done.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    private sealed class Split(RegionPeer.Status from, IReadOnlyList<ByteString> keys) : SplitRequest(
        new Context { RegionId = from.Region.Id, RegionEpoch = from.Region.RegionEpoch, Peer = from.Self }, TimeSpan.MaxValue)
    {
        private readonly TaskCompletionSource<Error?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Error?> Done => _done.Task;

        public override IReadOnlyList<ByteString> SplitKeys => keys;

        public override void Succeed(IReadOnlyList<Region> regions) => _done.TrySetResult(null);

        public override void Fail(Error error) => _done.TrySetResult(error);
    }

    /// <summary>
    /// Stands for whatever has to answer in time beside the store, such as heartbeats. It says how long it once had to wait for its turn.
    /// </summary>
    private sealed class Probe : ReceiveActor, IWithTimers
    {
        public sealed class Report
        {
            public static readonly Report Instance = new();
        }

        private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(50);
        private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
        private TimeSpan _longest;
        private int _answers;

        public Probe()
        {
            Receive<int>(_ =>
            {
                _answers++;
                if (_sinceLast.Elapsed > _longest)
                    _longest = _sinceLast.Elapsed;
                _sinceLast.Restart();
            });
            Receive<Report>(_ => Sender.Tell((_answers, _longest)));
        }

        public ITimerScheduler Timers { get; set; } = null!;

        public static IActorRef Start(ActorSystem system) => system.ActorOf(Props.Create(() => new Probe()), "probe");

        protected override void PreStart() => Timers.StartPeriodicTimer("beat", 0, _interval);
    }
}
