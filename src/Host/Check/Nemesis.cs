using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Check;

/// <summary>
/// Does harm to a cluster, one fault after the other, in an order that the seed decides. What the cluster is doing at that moment it does
/// not decide: the same
/// seed is the same story, not the same history.
/// </summary>
internal sealed class Nemesis(ProcessCluster cluster, CheckOptions options, Action<string> messages)
{
    private const int MostRegions = 8;
    private static readonly TimeSpan _adminTimeout = TimeSpan.FromSeconds(5);

    private readonly Random _random = new(options.Seed);
    private readonly SortedDictionary<FaultKind, int> _done = [];
    private readonly SortedDictionary<FaultKind, int> _impossible = [];

    public IReadOnlyDictionary<FaultKind, int> Done => _done;

    /// <summary>Faults that could not be done, because PD or the region's leader was away, or there are regions enough.</summary>
    public IReadOnlyDictionary<FaultKind, int> Impossible => _impossible;

    /// <summary>Until <paramref name="end"/>; leaves stores behind as the last fault has left them.</summary>
    public async Task RunAsync(Func<bool> end, CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(Between(200, 2_000), cancellation);
            if (end() || options.Faults.Count == 0) return;
            var kind = options.Faults[_random.Next(options.Faults.Count)];
            try
            {
                var story = await DoAsync(kind, cancellation);
                _done[kind] = _done.GetValueOrDefault(kind) + 1;
                messages(story);
            }
            catch (Exception e) when (e is TikvException || e is CommandException { ExitCode: ExitCode.Failed } && kind is FaultKind.Transfer or FaultKind.Split)
            {
                _impossible[kind] = _impossible.GetValueOrDefault(kind) + 1;
                messages($"no {kind.ToString().ToLowerInvariant()}: {e.Message}");
            }
        }
    }

    private Task<string> DoAsync(FaultKind kind, CancellationToken cancellation) => kind switch
    {
        FaultKind.Kill => KillAsync(cancellation),
        FaultKind.Pause => PauseAsync(cancellation),
        FaultKind.Stop => StopAsync(cancellation),
        FaultKind.Transfer => TransferAsync(cancellation),
        FaultKind.Split => SplitAsync(cancellation),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private async Task<string> KillAsync(CancellationToken cancellation)
    {
        var victims = _random.Next(6) == 0 ? cluster.Nodes : [AnyNode()];
        var away = Between(0, 3_000);
        await Task.WhenAll(victims.Select(v => v.KillAsync()));
        await Task.Delay(away, cancellation);
        await Task.WhenAll(victims.Select(v => v.StartAsync()));
        return $"store {string.Join(", ", victims.Select(v => v.Number))} killed, started after {Text(away)}";
    }

    private async Task<string> PauseAsync(CancellationToken cancellation)
    {
        var wantsLeader = _random.Next(4) != 0;
        var any = AnyNode();
        var time = Between(1_500, 5_500);
        var victim = wantsLeader ? await AnyLeaderAsync(cancellation) ?? any : any;
        await victim.PauseAsync();
        await Task.Delay(time, cancellation);
        await victim.ResumeAsync();
        return $"store {victim.Number} paused for {Text(time)}";
    }

    private async Task<string> StopAsync(CancellationToken cancellation)
    {
        var victim = AnyNode();
        var away = Between(0, 3_000);
        await victim.StopAsync();
        await Task.Delay(away, cancellation);
        await victim.StartAsync();
        return $"store {victim.Number} stopped, started after {Text(away)}";
    }

    private async Task<string> TransferAsync(CancellationToken cancellation)
    {
        var number = _random.Next(1_000);
        await using var admin = await AdminAsync(cancellation);
        var regions = (await admin.ListRegionsAsync(cancellation)).Where(r => r.Leader is not null).ToList();
        if (regions.Count == 0) throw new CommandException(ExitCode.Failed, "no region has a leader");
        var region = regions[number % regions.Count];
        var others = region.Region.Peers.Where(p => p.Id != region.Leader!.Id).ToList();
        var target = others[number % others.Count];
        var leader = await NodeOfAsync(admin, region.Leader!.StoreId, cancellation);
        await leader.AskAsync(string.Create(CultureInfo.InvariantCulture, $"transfer {region.Region.Id} {target.StoreId}"));
        return $"region {region.Region.Id} transferred from store {region.Leader.StoreId} to {target.StoreId} (ids)";
    }

    private async Task<string> SplitAsync(CancellationToken cancellation)
    {
        var key = CheckLoad.Key(_random.Next(1, options.Keys));
        await using var admin = await AdminAsync(cancellation);
        if ((await admin.ListRegionsAsync(cancellation)).Count >= MostRegions) throw new CommandException(ExitCode.Failed, $"there are {MostRegions} regions");
        var regions = await admin.SplitRegionAsync(key, cancellation);
        return $"split into regions {string.Join(", ", regions.Select(r => r.Region.Id))}";
    }

    private async Task<NodeProcess?> AnyLeaderAsync(CancellationToken cancellation)
    {
        try
        {
            await using var admin = await AdminAsync(cancellation);
            var leaders = (await admin.ListRegionsAsync(cancellation)).Where(r => r.Leader is not null).Select(r => r.Leader!.StoreId).ToList();
            return leaders.Count == 0 ? null : await NodeOfAsync(admin, leaders[_random.Next(leaders.Count)], cancellation);
        }
        catch (TikvException)
        {
            // PD is away: then it is somebody else.
            return null;
        }
    }

    private async Task<NodeProcess> NodeOfAsync(AdminClient admin, ulong storeId, CancellationToken cancellation)
    {
        var address = (await admin.ListStoresAsync(cancellation)).First(s => s.Id == storeId).Address;
        return cluster.Nodes.First(n => n.Endpoint == address);
    }

    private Task<AdminClient> AdminAsync(CancellationToken cancellation) =>
        AdminClient.ConnectAsync(cluster.Endpoints, new RawClientOptions { ConnectTimeout = _adminTimeout, CallTimeout = _adminTimeout }, cancellation);

    private NodeProcess AnyNode() => cluster.Nodes[_random.Next(cluster.Nodes.Count)];

    private TimeSpan Between(int least, int most) => TimeSpan.FromMilliseconds(_random.Next(least, most));

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
