using System.Globalization;
using System.Text.RegularExpressions;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Membership;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Raft;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Nodes;

/// <summary>What reference.conf holds under <c>tikv</c>, read once. Units and consequences stand there.</summary>
public sealed partial record TikvSettings
{
    /// <summary>Empty on a node that keeps nothing.</summary>
    public required string DataDirectory { get; init; }

    public required bool PdEnabled { get; init; }

    public required bool StoreEnabled { get; init; }

    /// <summary>host:port of the actor protocol.</summary>
    public required string PdEndpoint { get; init; }

    public required int InitialStores { get; init; }

    /// <summary>Null: as the cluster was founded; a new one with v2.</summary>
    public required APIVersion? ApiVersion { get; init; }

    public required StorageSettings Storage { get; init; }

    internal PdSettings Pd { get; private init; } = null!;

    internal StoreSettings Store { get; private init; } = null!;

    /// <summary>Zero: nothing is handed over.</summary>
    internal TimeSpan HandOverTimeout { get; private init; }

    internal DiskSettings Disk { get; private init; } = null!;

    internal LinkSettings Link { get; private init; } = null!;

    /// <summary>Id of the store to be filled in.</summary>
    internal PeerConfig Peer { get; private init; } = null!;

    internal SnapshotSettings Snapshot { get; private init; } = null!;

    internal GatewaySettings Gateway { get; private init; } = null!;

    internal MetaSettings Meta { get; private init; } = null!;

    /// <summary>The embedded reference.conf of this and all lower layers: the fallback for an actor system that runs a node.</summary>
    public static Config Reference() =>
        ConfigurationFactory.FromResource("TiKvActors.Actors.reference.conf", typeof(TikvSettings).Assembly)
            .WithFallback(StorageHocon.Reference())
            .WithFallback(ConfigurationFactory.ParseString(ProtocolHocon.Reference))
            .WithFallback(ClusterSharding.DefaultConfig());

    /// <exception cref="ArgumentException">A value is missing or out of its range; the message names the key.</exception>
    public static TikvSettings From(Config system)
    {
        var config = system.WithFallback(Reference()).GetConfig("tikv");
        var pd = config.GetConfig("pd");
        var store = config.GetConfig("store");
        var raft = config.GetConfig("raft");
        var region = config.GetConfig("region");
        var tick = Positive(store, "tick-interval");
        APIVersion? apiVersion = pd.GetString("api-version") is { Length: > 0 } mode ? ParseApiVersion(mode) : null;
        return new TikvSettings
        {
            DataDirectory = config.GetString("data-directory") is var directory && (directory.Length > 0 || !config.GetBoolean("store.enabled"))
                ? directory
                : throw new ArgumentException("tikv.data-directory is not set: a node needs a directory for its store"),
            PdEnabled = pd.GetBoolean("enabled"),
            StoreEnabled = config.GetBoolean("store.enabled"),
            PdEndpoint = pd.GetString("endpoint"),
            InitialStores = Count(pd, "initial-stores"),
            ApiVersion = apiVersion,
            Storage = StorageSettings.From(system),
            Pd = new PdSettings(
                new PdConfig(Count(pd, "initial-stores"), apiVersion, (uint)Count(pd, "id-window"))
                {
                    Stores = new StoreTimes(Positive(pd, "store-disconnect-time"), Positive(pd, "max-store-down-time")),
                    ReplicaScheduleLimit = Count(pd, "replica-schedule-limit"),
                    RemovesExtraReplicas = pd.GetBoolean("remove-extra-replica"),
                },
                Count(pd, "snapshot-interval"),
                ReadTimestamps(pd),
                Positive(pd, "release-timeout"),
                Positive(pd, "restart-backoff"),
                Positive(pd, "restart-backoff-max")),
            Store = new StoreSettings(
                tick,
                Positive(store, "pd-heartbeat-interval"),
                Positive(store, "region-heartbeat-interval"),
                Positive(store, "pd-retry-interval"),
                Count(store, "appliers"),
                Bytes(store, "apply-batch-size"),
                Count(store, "point-readers"),
                Count(store, "scan-readers"),
                Positive(store, "peer-restart-backoff"),
                Positive(store, "peer-restart-backoff-max"),
                Positive(store, "engine-restart-backoff"))
            {
                Labels = ReadLabels(config),
                HibernateCheckInterval = Positive(region, "hibernate-check-interval"),
            },
            HandOverTimeout = NotNegative(store, "hand-over-timeout"),
            Disk = new DiskSettings(
                config.GetByteSize("disk.reserve") is { } reserve and > 0 ? reserve : throw Invalid("disk.reserve", config.GetString("disk.reserve"), "a positive size"),
                Positive(config, "disk.check-interval")),
            Link = new LinkSettings(Bytes(config, "link.batch-size"), Count(config, "link.max-waiting")),
            Peer = ReadPeer(region, raft, tick),
            Snapshot = new SnapshotSettings(Count(config, "snapshot.max-receiving"), Positive(config, "snapshot.chunk-timeout")),
            Gateway = new GatewaySettings(
                Count(config, "gateway.max-requests"),
                Bytes(config, "gateway.max-requests-size"),
                Count(config, "gateway.max-routed-requests"),
                Bytes(config, "gateway.batch-response-size"),
                Bytes(config, "gateway.max-response-size"),
                Positive(config, "gateway.default-deadline"),
                Positive(config, "gateway.attempt-timeout"),
                Positive(config, "gateway.retry-backoff"),
                Positive(config, "gateway.retry-backoff-max")),
            Meta = ReadMeta(system),
        };
    }

    /// <summary><c>tikv.meta</c> alone, for a system that may run no store.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names the key.</exception>
    internal static MetaSettings ReadMeta(Config system)
    {
        var config = system.WithFallback(Reference()).GetConfig("tikv");
        var calls = new MetaCallSettings(
            Positive(config, "meta.call-deadline"),
            Positive(config, "meta.attempt-timeout"),
            Positive(config, "meta.retry-backoff"));
        return new MetaSettings(
            ReadMembers(config), calls, config.GetString("data-directory"), Positive(config, "meta.member-check-interval"));
    }

    /// <summary><c>tikv.cluster</c> alone.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names the key.</exception>
    internal static FormationSettings ReadCluster(Config system)
    {
        var config = system.WithFallback(Reference()).GetConfig("tikv");
        return new FormationSettings(
            Positive(config, "cluster.retry-interval"),
            Positive(config, "cluster.check-interval"),
            Positive(config, "cluster.answer-timeout"),
            Positive(config, "cluster.join-timeout"),
            Positive(config, "cluster.forgotten-timeout"));
    }

    /// <summary><c>tikv.sharding</c> alone, for a system that may run no store.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names the key.</exception>
    internal static ShardingSettings ReadSharding(Config system)
    {
        var config = system.WithFallback(Reference()).GetConfig("tikv");
        return new ShardingSettings(
            Positive(config, "sharding.leader-timeout"),
            Positive(config, "sharding.retry-interval"),
            Positive(config, "sharding.move-timeout"),
            Count(config, "sharding.max-moving"),
            NotNegative(config, "sharding.passivate-idle-after"));
    }

    /// <exception cref="ArgumentException">Not one of the three modes.</exception>
    public static APIVersion ParseApiVersion(string text) => text switch
    {
        "v2" => APIVersion.V2,
        "v1" => APIVersion.V1,
        "v1ttl" => APIVersion.V1Ttl,
        _ => throw new ArgumentException($"tikv.pd.api-version = \"{text}\" is unknown: it is v2, v1 or v1ttl"),
    };

    private static PeerConfig ReadPeer(Config region, Config raft, TimeSpan tick)
    {
        var maxEntry = Bytes(region, "max-entry-size");
        return new PeerConfig
        {
            StoreId = 0,
            Raft = new RaftConfig
            {
                Id = 0,
                ElectionTimeoutTicks = Count(raft, "election-timeout-ticks"),
                HeartbeatTicks = Count(raft, "heartbeat-ticks"),
                TickInterval = tick,
                ClockDriftBound = raft.GetDouble("clock-drift-bound"),
                MaxMessageBytes = Bytes(raft, "max-message-size"),
                MaxInflightMessages = Count(raft, "max-inflight-messages"),
                MaxInflightBytes = Bytes(raft, "max-inflight-size"),
                MaxCachedLogBytes = Bytes(raft, "cached-log-size"),
                // The limit is on keys and values; their encoding and the command around them come on top.
                MaxEntryBytes = maxEntry + (maxEntry / 8) + Protocol.RequestLimits.MaxEntryOverheadBytes,
                MaxPendingBytes = 2L * Bytes(region, "max-pending-size"),
            },
            // Counted in engine form; the door has checked what the user wrote.
            MaxEntryBytes = maxEntry + Protocol.RequestLimits.MaxEntryOverheadBytes,
            MaxPendingRequests = Count(region, "max-pending-requests"),
            MaxPendingBytes = Bytes(region, "max-pending-size"),
            MaxProposalBytes = Bytes(region, "max-proposal-size"),
            LogCompactionThresholdBytes = Bytes(region, "log-compaction-threshold"),
            LogLimitBytes = Bytes(region, "log-limit"),
            IdleCompactionTicks = Ticks(region, "idle-compaction-interval", tick),
            IdleLogEntries = (ulong)Count(region, "idle-log-entries"),
            UndeterminedAfterTicks = Ticks(region, "undetermined-after", tick),
            HibernateAfterTicks = NotNegative(region, "hibernate-after") is var after && after > TimeSpan.Zero
                ? Ticks(region, "hibernate-after", tick) : 0,
            BusyBackoff = Positive(region, "busy-backoff"),
        };
    }

    private static TimestampOracleConfig ReadTimestamps(Config pd)
    {
        var drift = pd.GetDouble("tso.clock-drift-bound");
        return new TimestampOracleConfig(
            Positive(pd, "tso.window"),
            Positive(pd, "tso.lease"),
            drift is >= 0 and < 1 ? drift : throw Invalid("pd.tso.clock-drift-bound", drift, "at least 0 and less than 1"),
            Count(pd, "tso.max-waiting"));
    }

    private static IReadOnlyList<MetaMember> ReadMembers(Config config)
    {
        var members = config.GetStringList("meta.members").Select(ParseMember).ToList();
        if (members.DistinctBy(m => m.Id).Count() < members.Count || members.DistinctBy(m => m.Address).Count() < members.Count)
            throw Invalid("meta.members", string.Join(", ", members), "a list in which no id and no address comes twice");
        return members;
    }

    private static MetaMember ParseMember(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at < 1 || at + 1 == text.Length
            || !ulong.TryParse(text.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == 0)
        {
            throw Invalid("meta.members", text, "of the form 1@host:port, with an id above 0");
        }

        return new MetaMember { Id = id, Address = text[(at + 1)..] };
    }

    private static IReadOnlyList<StoreLabel> ReadLabels(Config config)
    {
        var labels = config.GetStringList("store.labels").Select(ParseLabel).ToList();
        if (labels.DistinctBy(l => l.Key).Count() < labels.Count)
            throw Invalid("store.labels", string.Join(", ", labels.Select(l => l.Key)), "a list in which no key comes twice");
        return labels;
    }

    private static StoreLabel ParseLabel(string text) => LabelForm().Match(text) is { Success: true } label
        ? new StoreLabel { Key = label.Groups[1].Value, Value = label.Groups[2].Value }
        : throw Invalid("store.labels", text, "of the form zone=z1, of letters, digits and -_./");

    [GeneratedRegex(@"^([A-Za-z0-9][-A-Za-z0-9_./]*)=([-A-Za-z0-9_./]+)$")]
    private static partial Regex LabelForm();

    private static int Ticks(Config config, string key, TimeSpan tick) => Math.Max(1, (int)(Positive(config, key) / tick));

    private static int Count(Config config, string key)
    {
        var count = config.GetInt(key);
        return count > 0 ? count : throw Invalid(key, count, "positive");
    }

    private static int Bytes(Config config, string key) =>
        config.GetByteSize(key) is { } bytes and > 0 and <= int.MaxValue ? (int)bytes : throw Invalid(key, config.GetString(key), "a positive size below 2 GiB");

    private static TimeSpan Positive(Config config, string key) =>
        config.GetTimeSpan(key) is var time && time > TimeSpan.Zero ? time : throw Invalid(key, time, "positive");

    private static TimeSpan NotNegative(Config config, string key) =>
        config.GetTimeSpan(key) is var time && time >= TimeSpan.Zero ? time : throw Invalid(key, time, "a time, or 0");

    private static ArgumentException Invalid(string key, object value, string allowed) => new($"tikv: {key} = {value} is not allowed, it must be {allowed}");
}

internal sealed record StoreSettings(
    TimeSpan TickInterval,
    TimeSpan PdHeartbeatInterval,
    TimeSpan RegionHeartbeatInterval,
    TimeSpan PdRetryInterval,
    int Appliers,
    int ApplyBatchBytes,
    int PointReaders,
    int ScanReaders,
    TimeSpan PeerRestartBackoff,
    TimeSpan PeerRestartBackoffMax,
    TimeSpan EngineRestartBackoff)
{
    public IReadOnlyList<StoreLabel> Labels { get; init; } = [];

    public TimeSpan HibernateCheckInterval { get; init; } = TimeSpan.FromMinutes(5);
}

/// <param name="Members">
/// The first configuration of the meta group, and its members' addresses; of a node that is to be added, itself and some that it asks.
/// Empty: there is no such group.
/// </param>
/// <param name="DataDirectory">Empty on a system without a store.</param>
internal sealed record MetaSettings(
    IReadOnlyList<MetaMember> Members, MetaCallSettings Calls, string DataDirectory, TimeSpan MemberCheckInterval);

internal sealed record LinkSettings(int BatchBytes, int MaxWaiting);

internal sealed record SnapshotSettings(int MaxReceiving, TimeSpan ChunkTimeout);

/// <param name="PassivateIdleAfter">Zero: never.</param>
internal sealed record ShardingSettings(
    TimeSpan LeaderTimeout, TimeSpan RetryInterval, TimeSpan MoveTimeout, int MaxMoving, TimeSpan PassivateIdleAfter);

internal sealed record GatewaySettings(
    int MaxRequests, int MaxRequestsBytes, int MaxRoutedRequests, int BatchResponseBytes, int MaxResponseBytes, TimeSpan DefaultDeadline, TimeSpan AttemptTimeout, TimeSpan RetryBackoff, TimeSpan RetryBackoffMax);
