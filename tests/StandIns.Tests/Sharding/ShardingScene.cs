using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster.Sharding;
using TiKvActors.StandIns.Tests.Clustering;

namespace TiKvActors.StandIns.Tests.Sharding;

/// <summary>Nodes of one cluster with a kind of entities, whose shards live where the test says. The first node is the oldest.</summary>
internal sealed class ShardingScene : IAsyncDisposable
{
    public const string TypeName = "account";
    public const string CoordinatorId = "/system/sharding/accountCoordinator/singleton/coordinator";

    private readonly string _name = Guid.NewGuid().ToString("N");
    private readonly string _hocon;
    private readonly List<ClusterNode> _nodes = [];

    private ShardingScene(string hocon)
    {
        _hocon = hocon;
        Store = SharedStore.Named(_name);
    }

    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    public SharedStore Store { get; }

    public EntityLife Life { get; } = new();

    public Places Places { get; } = new();

    public static async Task<ShardingScene> Start(int hosts, string hocon = "", object stopMessage = null)
    {
        var scene = new ShardingScene(hocon);
        for (var i = 0; i < hosts; i++) await scene.AddHost(stopMessage);
        return scene;
    }

    /// <summary>A member with a region.</summary>
    public async Task<ClusterNode> AddHost(object stopMessage = null)
    {
        var node = await Add("host");
        await StartRegion(node, stopMessage);
        await IsRegistered(node);
        return node;
    }

    /// <summary>From then on it is among the regions that the strategy can choose from.</summary>
    private static async Task IsRegistered(ClusterNode node)
    {
        var watch = Stopwatch.StartNew();
        while (!(await Region(node).Ask<CurrentRegions>(GetCurrentRegions.Instance, ClusterNode.Patience)).Regions.Contains(node.Address))
        {
            if (watch.Elapsed > ClusterNode.Patience) throw new TimeoutException($"{node.Address} has not been registered");
            await Task.Delay(10);
        }
    }

    public Task<IActorRef> StartRegion(ClusterNode node, object stopMessage = null) => ClusterSharding.Get(node.System).StartAsync(
        TypeName, PropsAt(node), SettingsOf(node), new Extractor(), new Placement(node.Address, Places),
        stopMessage ?? PoisonPill.Instance);

    /// <summary>A member with a proxy, which cannot host.</summary>
    public async Task<ClusterNode> AddProxy()
    {
        var node = await Add("client");
        await ClusterSharding.Get(node.System).StartProxyAsync(TypeName, "host", new Extractor());
        return node;
    }

    public static IActorRef Region(ClusterNode node) => ClusterSharding.Get(node.System).ShardRegion(TypeName);

    public ClusterShardingSettings SettingsOf(ClusterNode node) => ClusterShardingSettings.Create(node.System).WithRole("host");

    public Func<string, Props> PropsAt(ClusterNode node)
    {
        var (life, port) = (Life, node.Address.Port!.Value);
        return id => Props.Create(() => new Entity(id, port, life));
    }

    /// <summary>The port of the node where the entity lives, and which of its incarnations that is.</summary>
    public static async Task<(int Port, int Incarnation)> Who(ClusterNode from, string entity)
    {
        var answer = (await Region(from).Ask<string>(entity + " who", ClusterNode.Patience)).Split(' ');
        return (Number(answer[0]), Number(answer[1]));
    }

    /// <summary>Asks again where a question may be lost, as one to a node that is gone.</summary>
    public static async Task<(int Port, int Incarnation)> WhoAtLast(ClusterNode from, string entity)
    {
        using var patience = new CancellationTokenSource(ClusterNode.Patience);
        while (true)
        {
            try
            {
                var answer = (await Region(from).Ask<string>(entity + " who", TimeSpan.FromSeconds(1), patience.Token)).Split(' ');
                return (Number(answer[0]), Number(answer[1]));
            }
            catch (AskTimeoutException)
            {
                // Lost on its way.
            }
        }
    }

    public static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await _nodes.End();
        SharedStore.Forget(_name);
    }

    private async Task<ClusterNode> Add(string role)
    {
        var node = StartNode(role);
        var members = _nodes.Where(n => !n.Cluster.IsTerminated).ToList();
        await node.Cluster.JoinAsync(members[0].Address).WaitAsync(ClusterNode.Patience);
        foreach (var member in members) await member.SeesUp(members.Count);
        return node;
    }

    /// <summary>No member yet.</summary>
    public ClusterNode StartNode(string role)
    {
        var node = ClusterNode.Start(_hocon + $$"""

            akka.cluster {
              roles = [{{role}}]
              singleton { hand-over-retry-interval = 100ms }
              sharding {
                journal-plugin-id = shared-journal
                snapshot-plugin-id = shared-snapshots
                retry-interval = 200ms
                rebalance-interval = 100ms
                coordinator-failure-backoff = 100ms
              }
            }
            shared-journal { class = "{{typeof(SharedJournal).FullName}}, {{typeof(SharedJournal).Assembly.GetName().Name}}",
                store = {{_name}} }
            shared-snapshots { class = "{{typeof(SharedSnapshots).FullName}}, {{typeof(SharedSnapshots).Assembly.GetName().Name}}",
                store = {{_name}} }
            """);
        _nodes.Add(node);
        return node;
    }

    /// <summary>"entity text", where the entity is "shard-name".</summary>
    private sealed class Extractor : IMessageExtractor
    {
        public string EntityId(object message) => (message as string)?.Split(' ')[0];

        public object EntityMessage(object message) => ((string)message).Split(' ', 2)[1];

        public string ShardId(object message) => ShardId(EntityId(message), message);

        public string ShardId(string entityId, object messageHint = null) => entityId.Split('-')[0];
    }

    private sealed class Entity(string id, int port, EntityLife life) : UntypedActor
    {
        private int _incarnation;

        protected override void PreStart() => _incarnation = life.Begins(id, port);

        protected override void PostStop() => life.Ends(id);

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case "who":
                    Sender.Tell($"{port} {_incarnation}");
                    break;
                case "passivate":
                    Context.Parent.Tell(new Passivate("stop"));
                    break;
                case "hand-off" or "stop":
                    life.StopMessage(id, (string)message);
                    Context.Stop(Self);
                    break;
                case "ignored stop":
                    break;
                default:
                    life.Receives(id, (string)message);
                    break;
            }
        }
    }
}

/// <summary>What happens to entities, wherever they live.</summary>
internal sealed class EntityLife
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _running = new();
    private readonly Dictionary<string, int> _ports = new();
    private readonly Dictionary<string, int> _incarnations = new();
    private readonly Dictionary<int, long> _received = new();
    private readonly Dictionary<(string Entity, int Sender), int> _last = new();
    private readonly List<string> _disorder = [];
    private readonly List<string> _stopMessages = [];

    /// <summary>The most incarnations of one entity that ran at once.</summary>
    public int Most { get; private set; }

    /// <summary>Of senders' messages to an entity, numbered from 1: those that came without the one before them.</summary>
    public IReadOnlyList<string> Disorder
    {
        get { lock (_lock) return [.. _disorder]; }
    }

    public IReadOnlyList<string> StopMessages
    {
        get { lock (_lock) return [.. _stopMessages]; }
    }

    public int Begins(string entity, int port)
    {
        lock (_lock)
        {
            _ports[entity] = port;
            _running[entity] = _running.GetValueOrDefault(entity) + 1;
            Most = Math.Max(Most, _running[entity]);
            return _incarnations[entity] = _incarnations.GetValueOrDefault(entity) + 1;
        }
    }

    public void Ends(string entity)
    {
        lock (_lock) _running[entity]--;
    }

    public int Incarnations(string entity)
    {
        lock (_lock) return _incarnations.GetValueOrDefault(entity);
    }

    public bool IsRunning(string entity)
    {
        lock (_lock) return _running.GetValueOrDefault(entity) > 0;
    }

    /// <summary>Of the node where it was started last; 0: nowhere.</summary>
    public int PortOf(string entity)
    {
        lock (_lock) return _ports.GetValueOrDefault(entity);
    }

    public void StopMessage(string entity, string message)
    {
        lock (_lock) _stopMessages.Add($"{entity} {message}");
    }

    /// <param name="message">"sender number"</param>
    public void Receives(string entity, string message)
    {
        var parts = message.Split(' ');
        var (sender, number) = (ShardingScene.Number(parts[0]), ShardingScene.Number(parts[1]));
        lock (_lock)
        {
            var last = _last.GetValueOrDefault((entity, sender));
            if (number != last + 1) _disorder.Add($"{entity} got {number} after {last} of sender {sender}");
            _last[(entity, sender)] = number;
            _received[sender] = _received.GetValueOrDefault(sender) + 1;
        }
    }

    public long Received(int sender)
    {
        lock (_lock) return _received.GetValueOrDefault(sender);
    }
}

/// <summary>Where the test wants shards to be, and what the strategies were asked.</summary>
internal sealed class Places
{
    private readonly ConcurrentDictionary<string, int> _ports = new();
    private readonly ConcurrentQueue<string> _allocations = new();

    /// <summary>"shard from port" for every question to allocate.</summary>
    public IReadOnlyList<string> Allocations => [.. _allocations];

    /// <summary>Allocations that are to fail first.</summary>
    public int Failures;

    public void Put(string shard, ClusterNode node) => _ports[shard] = node.Address.Port!.Value;

    public int? PortOf(string shard) => _ports.TryGetValue(shard, out var port) ? port : null;

    public void Asked(string allocation) => _allocations.Enqueue(allocation);
}

/// <summary>Places shards as the test says, those that it does not name with who asks; lets move what is elsewhere.</summary>
internal sealed class Placement(Address self, Places places) : IShardAllocationStrategy
{
    public async Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        await Task.Yield();
        places.Asked($"{shardId} from {self.Port}");
        if (Interlocked.Decrement(ref places.Failures) >= 0) throw new InvalidOperationException("the test wants this to fail");
        return Find(
            currentShardAllocations, shardId)
            ?? (currentShardAllocations.ContainsKey(requester) ? requester : currentShardAllocations.Keys.First());
    }

    public Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress) =>
        Task.FromResult<IImmutableSet<string>>(currentShardAllocations
            .SelectMany(
                region =>
                region.Value.Where(shard => Find(currentShardAllocations, shard) is { } wanted && !wanted.Equals(region.Key)))
                .ToImmutableHashSet());

    private IActorRef Find(IImmutableDictionary<IActorRef, IImmutableList<string>> regions, string shard) =>
        places.PortOf(shard) is { } port ? regions.Keys.FirstOrDefault(r => (r.Path.Address.Port ?? self.Port) == port) : null;
}

/// <summary>A sender of numbered messages to several entities, by turns, with a bounded number of them on their way.</summary>
internal sealed class Flow(int sender, IActorRef region, IReadOnlyList<string> entities, EntityLife life)
{
    private const int OnTheirWay = 200;

    private readonly CancellationTokenSource _stop = new();
    private Task _run;
    private long _sent;

    public long Sent => Interlocked.Read(ref _sent);

    public Flow Start()
    {
        _run = Task.Run(Run);
        return this;
    }

    /// <summary>Returns when all messages have arrived.</summary>
    public async Task Stop()
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(ClusterNode.Patience);
        await Eventually.TrueAsync(
            () => life.Received(sender) >= Sent, () =>
            $"all of {Sent} messages of sender {sender}, arrived are {life.Received(sender)}; {string.Join("; ", life.Disorder)}");
    }

    /// <summary>Returns when so many messages more have arrived.</summary>
    public Task Goes(int messages)
    {
        var goal = life.Received(sender) + messages;
        return Eventually.TrueAsync(
            () => life.Received(sender) >= goal, () =>
            $"{goal} messages of sender {sender}, arrived are {life.Received(sender)} of {Sent}; {string.Join("; ", life.Disorder)}");
    }

    private async Task Run()
    {
        for (var number = 1; !_stop.IsCancellationRequested; number++)
        {
            foreach (var entity in entities)
            {
                region.Tell($"{entity} {sender} {number}", ActorRefs.NoSender);
                Interlocked.Increment(ref _sent);
            }
            while (Sent - life.Received(sender) > OnTheirWay && !_stop.IsCancellationRequested) await Task.Delay(1);
        }
    }
}
