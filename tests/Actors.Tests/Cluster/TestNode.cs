using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>One node: an actor system of its own with real remoting, and a directory that outlives it.</summary>
internal sealed class TestNode(int number, int port, int pdPort, string directory, string extraConfig) : IAsyncDisposable
{
    private ActorSystem? _system;

    public int Number => number;

    /// <summary>From the next start on.</summary>
    public int Port { get; set; } = port;

    public string DataDirectory => directory;

    /// <summary>Of the next start.</summary>
    public string Config { get; set; } = extraConfig;

    /// <summary>From the next start on.</summary>
    public bool RunsPd { get; set; } = number == 1;

    /// <summary>Of the node that this one asks for PD, from the next start on.</summary>
    public int PdPort { get; set; } = pdPort;

    /// <summary>Called after every start, before much has happened.</summary>
    public Action? Started { get; set; }

    public bool IsRunning => _system is not null;

    public ActorSystem System => _system ?? throw new InvalidOperationException($"node {number} is stopped");

    public TikvExtension Tikv => Actors.Nodes.Tikv.Get(System);

    public NodeLog Log { get; } = new();

    public ulong StoreId => Tikv.Node?.Services?.StoreId ?? 0;

    public void Start()
    {
        var config = ConfigurationFactory.ParseString(Config).WithFallback(ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = WARNING
              actor.provider = remote
              remote.dot-netty.tcp {
                hostname = "127.0.0.1"
                port = {{Port}}
              }
            }
            tikv {
              data-directory = "{{directory}}"
              pd {
                enabled = {{(RunsPd ? "on" : "off")}}
                endpoint = "127.0.0.1:{{PdPort}}"
              }
              store {
                pd-retry-interval = 100ms
                pd-heartbeat-interval = 1s
                region-heartbeat-interval = 1s
              }
              storage.block-cache-size = 8 MiB
            }
            """)).WithFallback(TikvSettings.Reference());
        _system = ActorSystem.Create("tikv", config);
        Log.Follow(_system);
        _ = Tikv;
        Started?.Invoke();
    }

    /// <param name="handsOver">Others lead what it leads first. Otherwise they find out by an election.</param>
    public async Task StopAsync(bool handsOver = false)
    {
        if (_system is null)
            return;
        var system = _system;
        _system = null;
        Actors.Nodes.Tikv.Get(system).HandsOver = handsOver;
        await system.Terminate();
    }

    /// <summary>
    /// Copies the directory as kill -9 would leave it now. Nobody may write meanwhile but who has begun to: what then misses in the copy,
    /// or is torn, nobody has heard of.
    /// </summary>
    public void TakeImage()
    {
        // The engines' own threads may still finish a table file, or remove one: then the copy is of no one moment.
        while (!TryTakeImage())
            Directory.Delete(Image, true);
    }

    private bool TryTakeImage()
    {
        Directory.CreateDirectory(Image);
        try
        {
            var files = Files();
            foreach (var (file, _) in files)
            {
                var copy = Path.Combine(Image, Path.GetRelativePath(directory, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }

            return files.SequenceEqual(Files());
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    /// <summary>What is left of the actor system ends, and what it did to the directory since the image was taken never happened.</summary>
    public async Task BecomeImageAsync()
    {
        await StopAsync();
        Directory.Delete(directory, true);
        Directory.Move(Image, directory);
    }

    private string Image => directory + ".image";

    /// <summary>All files; how long one is counts if it is no log, which is appended to.</summary>
    private List<(string File, long Length)> Files() =>
    [
        .. new DirectoryInfo(directory).GetFiles("*", SearchOption.AllDirectories)
            .Where(f => f.Name is not ("LOCK" or "pid" or "LOG"))
            .Select(f => (f.FullName, f.Extension == ".log" ? 0 : f.Length))
            .Order(),
    ];

    /// <summary>States of this node's peers; empty while it does not serve.</summary>
    public async Task<List<RegionPeer.Status>> PeersAsync()
    {
        var peers = new List<RegionPeer.Status>();
        if (!IsRunning || Tikv.Node?.Services is not { } services)
            return peers;
        foreach (var (_, peer) in services.Router.Peers)
        {
            try
            {
                peers.Add(await peer.Ask<RegionPeer.Status>(RegionPeer.GetStatus.Instance, TimeSpan.FromSeconds(5)));
            }
            catch (AskTimeoutException)
            {
                // Stopped meanwhile, or damaged: it has no state to show.
            }
        }

        return peers;
    }

    /// <summary>Applied index and checksum of every region, by region id.</summary>
    public Dictionary<ulong, (ulong Applied, RangeChecksum Sum)> Checksums()
    {
        var sums = new Dictionary<ulong, (ulong, RangeChecksum)>();
        if (Tikv.Engines is not { } engines)
            return sums;
        foreach (var state in engines.Data.ReadRegionStates())
        {
            using var snapshot = engines.Data.NewSnapshot();
            if (snapshot.ReadRegionState(state.Region.Id) is { State: Protocol.RaftServerpb.PeerState.Normal } now)
                sums[now.Region.Id] = (snapshot.ReadApplyState(now.Region.Id)!.AppliedIndex,
                    RangeChecksum.OfRegion(snapshot, now.Region.StartKey.Span, now.Region.EndKey.Span));
        }

        return sums;
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
