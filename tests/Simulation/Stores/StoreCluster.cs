using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Raft;
using MetaPeer = TiKvActors.Protocol.Metapb.Peer;

namespace TiKvActors.Simulation.Stores;

/// <summary>The stores, everything between them, PD, clients, and the settings that this seed has drawn.</summary>
internal sealed class StoreCluster
{
    public const ulong ClusterId = 7;

    public StoreCluster(World world, StoreProfile profile)
    {
        (World, Profile) = (world, profile);
        var heartbeat = world.Random.Next(1, 3);
        Raft = new RaftConfig
        {
            Id = 1,
            TickInterval = TimeSpan.FromMilliseconds(20),
            HeartbeatTicks = heartbeat,
            ElectionTimeoutTicks = heartbeat * 2 + world.Random.Next(2, 5),
            ClockDriftBound = world.Pick([0.02, 0.1, 0.25]),
            MaxMessageBytes = world.Pick([1, 300, 1 << 20]),
            MaxInflightMessages = world.Pick([1, 4, 256]),
            MaxInflightBytes = world.Pick([400L, 1 << 20]),
            MaxCachedLogBytes = world.Pick([0L, 600, 1 << 20]),
            MaxPendingBytes = world.Pick([1000L, 1 << 20]),
            MaxApplyingBytes = world.Pick([1L, 600, 1 << 20]),
            MaxPendingReads = world.Pick([2, 1000]),
            PreVote = !world.Chance(0.1),
        };
        var tick = Raft.TickInterval;
        Settings = new StoreSettings(
            tick, Timeout, Timeout * 2, Timeout, 2, world.Pick([1, 200, 1 << 20]), 1, 1, Timeout / 10, Timeout, Timeout)
        {
            HibernateCheckInterval = Timeout * world.Pick([3, 30]),
        };
        ApplyBatchBytes = Settings.ApplyBatchBytes;
        Snapshots = new SnapshotSettings(world.Pick([1, 4]), Timeout * world.Pick([0.5, 2, 6]));
        ChunkBytes = world.Pick([1, 60, 1 << 20]);
        Mode = world.Pick([APIVersion.V2, APIVersion.V1]);
        Pd = new SimPd(this);
        Network = new StoreNetwork(this);
        Hits = new FaultPlan(this);
        Checker = new StoreChecker(this);
        var members = world.Pick([3, 3, 3, 5]);
        var stores = members + world.Pick([0, 1, 2]);
        FirstRegion = new Region { Id = Pd.NextId(), RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 } };
        for (var id = 1ul; id <= (ulong)members; id++) FirstRegion.Peers.Add(new MetaPeer { Id = Pd.NextId(), StoreId = id });
        Pd.Regions.Put(FirstRegion);
        var template = new PeerConfig
        {
            StoreId = 0,
            Raft = Raft,
            MaxPendingRequests = world.Pick([2, 1000]),
            MaxPendingBytes = world.Pick([200L, 1 << 20]),
            MaxProposalBytes = world.Pick([1, 100, 1 << 20]),
            LogCompactionThresholdBytes = world.Pick([300L, 1500]),
            LogLimitBytes = world.Pick([900L, 3000]),
            IdleCompactionTicks = world.Pick([3, 20]),
            IdleLogEntries = world.Pick<ulong>([1, 8]),
            UndeterminedAfterTicks = world.Pick([3, 30]),
            HibernateAfterTicks = world.Pick([0, 1, 1, 2, 6]),
        };
        for (var id = 1ul; id <= (ulong)stores; id++)
        {
            PeerConfigs[id] = template with { StoreId = id };
            Stores.Add(new SimStore(this, id));
        }

        Keys = new KeySpace(Mode, world.Random.Next(6, 15));
        History = new StoreHistory(this);
        Clients = [.. Enumerable.Range(1, 5).Select(i => new StoreClient(this, i))];
        foreach (var store in Stores) store.Start();
        foreach (var client in Clients) client.Start();
    }

    public World World { get; }
    public StoreProfile Profile { get; }
    public RaftConfig Raft { get; }
    public StoreSettings Settings { get; }
    public SnapshotSettings Snapshots { get; }
    public int ChunkBytes { get; }
    public int ApplyBatchBytes { get; }
    public APIVersion Mode { get; }
    public TimeSpan Timeout => Raft.ElectionTimeout;
    public SimPd Pd { get; }
    public StoreNetwork Network { get; }
    public FaultPlan Hits { get; }
    public StoreChecker Checker { get; }
    public StoreHistory History { get; }
    public Region FirstRegion { get; }
    public KeySpace Keys { get; }
    public Dictionary<ulong, PeerConfig> PeerConfigs { get; } = [];
    public List<SimStore> Stores { get; } = [];
    public IReadOnlyList<StoreClient> Clients { get; }
    public bool ClientsAreDone { get; set; }

    /// <summary>Clients begin nothing before.</summary>
    public TimeSpan QuietUntil { get; set; }
    /// <summary>What does not hold, as soon as something does not. Deciding code may catch what a check throws.</summary>
    public string? Violation { get; set; }

    public IEnumerable<SimStore> Live => Stores.Where(s => s.IsUp);

    public SimStore Store(ulong id) => Stores[(int)id - 1];

    /// <summary>Whoever leads the region in its highest term.</summary>
    public SimPeer? LeaderOf(ulong regionId)
    {
        SimPeer? leader = null;
        foreach (var store in Stores)
        {
            if (store.PeerOf(regionId) is not { IsStopped: false, Shell.Peer: { IsLeader: true } peer } found) continue;
            if (leader is null || peer.Term > leader.Shell.Peer!.Term) leader = found;
        }

        return leader;
    }

    /// <summary>Of all regions that PD knows.</summary>
    public List<SimPeer> Leaders() => [.. Pd.Regions.All.Select(r => LeaderOf(r.Region.Id)).OfType<SimPeer>()];
}
