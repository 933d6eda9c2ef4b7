using System.Diagnostics;
using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Check;

/// <summary>
/// Does harm to a cluster and its clients, as planned. The plan decides what is done when; what the cluster is doing at that moment it does
/// not decide: the same seed is the same story, not the same history. Every fault ends by itself.
/// </summary>
internal sealed class Nemesis(
    RelayedCluster cluster, ClientProcesses clients, CheckOptions options, IReadOnlyList<PlannedFault> plan, Action<string> messages)
{
    private const int MostRegions = 8;

    /// <summary>Faults under way together.</summary>
    private const int MostAtOnce = 5;
    private static readonly TimeSpan _adminTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();

    /// <summary>Stores that a fault has stopped, and client processes.</summary>
    private readonly HashSet<Party> _taken = [];

    private readonly IReadOnlyList<NodeProcess> _nodes = cluster.Processes.Nodes;

    public FaultLog Log { get; } = new();

    /// <summary>
    /// For <see cref="CheckOptions.Duration"/>, and until the last fault has ended. What was to come after that is left out.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var late = TimeSpan.Zero;
        var underWay = new List<(PlannedFault Fault, Task Done)>();
        foreach (var fault in plan)
        {
            var wait = fault.At + late - watch.Elapsed;
            if (wait > TimeSpan.Zero) await Task.Delay(wait, cancellation);
            await ReadyAsync(fault, underWay, cancellation);
            if (watch.Elapsed >= options.Duration) break;
            late = watch.Elapsed - fault.At;
            underWay.Add((fault, DoAsync(fault, cancellation)));
        }

        await Task.WhenAll(underWay.Select(f => f.Done));
    }

    /// <summary>There are not too many faults already. If it must leave a majority alone, that majority serves.</summary>
    private async Task ReadyAsync(PlannedFault fault, List<(PlannedFault Fault, Task Done)> underWay, CancellationToken cancellation)
    {
        bool Is(PlannedFault other) => other.StoresAway(CheckOptions.Stores) > 0;
        var waitsForStores = Is(fault) && !fault.MayTakeMajority;
        while (underWay.Count >= MostAtOnce || (waitsForStores && underWay.Any(f => Is(f.Fault))))
        {
            await Task.WhenAny(underWay.Select(f => f.Done));
            foreach (var (_, done) in underWay.Where(f => f.Done.IsCompleted)) await done;
            underWay.RemoveAll(f => f.Done.IsCompletedSuccessfully);
        }

        if (waitsForStores) await cluster.Processes.ServesAsync(cancellation);
    }

    private async Task DoAsync(PlannedFault fault, CancellationToken cancellation)
    {
        var overlaps = Log.Begin(fault);
        var began = HistoryWriter.Now;
        try
        {
            var what = await PerformAsync(fault, cancellation);
            Log.End(new FaultDone(fault, what, began, HistoryWriter.Now, overlaps));
            messages($"fault {fault.Number}: {what}");
        }
        catch (Exception e) when (e is ImpossibleException or TikvException
            || (e is CommandException && fault.Kind is FaultKind.Transfer or FaultKind.Split))
        {
            Log.WasImpossible(fault);
            messages($"fault {fault.Number}: no {PlannedFault.NameOf(fault.Kind)}: {e.Message}");
        }
    }

    private Task<string> PerformAsync(PlannedFault fault, CancellationToken cancellation) => fault.Kind switch
    {
        FaultKind.Kill => AwayAsync(fault, "killed, started", n => n.KillAsync(), n => n.StartAsync(), cancellation),
        FaultKind.Pause => AwayAsync(fault, "paused, resumed", n => n.PauseAsync(), n => n.ResumeAsync(), cancellation),
        FaultKind.Stop => AwayAsync(fault, "stopped, started", n => n.StopAsync(), n => n.StartAsync(), cancellation),
        FaultKind.Partition => PartitionAsync(fault, cancellation),
        FaultKind.ClientPartition => ClientPartitionAsync(fault, cancellation),
        FaultKind.ClientKill => ClientKillAsync(fault, cancellation),
        FaultKind.Transfer => TransferAsync(fault, cancellation),
        FaultKind.Split => SplitAsync(fault, cancellation),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault.Kind, null),
    };

    // ---- processes

    private async Task<string> AwayAsync(
        PlannedFault fault, string what, Func<NodeProcess, Task> stop, Func<NodeProcess, Task> start, CancellationToken cancellation)
    {
        var first = await FirstAsync(fault, cancellation);
        var victims = Take(fault.MeansAll ? _nodes.Count : 1, first);
        try
        {
            await Task.WhenAll(victims.Select(stop));
            await Task.Delay(fault.Length, cancellation);
            await Task.WhenAll(victims.Select(start));
            return $"store {string.Join(", ", victims.Select(v => v.Number))} {what} after {Text(fault.Length)}";
        }
        finally
        {
            foreach (var victim in victims) Release(Party.Store(victim.Number));
        }
    }

    private async Task<string> ClientKillAsync(PlannedFault fault, CancellationToken cancellation)
    {
        var client = Party.Client(fault.Other);
        lock (_gate)
            if (!_taken.Add(client)) throw new ImpossibleException($"client process {fault.Other} is not there");
        try
        {
            if (!await clients.KillAsync(fault.Other)) throw new ImpossibleException($"client process {fault.Other} is not there");
            await Task.Delay(fault.Length, cancellation);
            clients.Start(fault.Other);
            return $"client process {fault.Other} killed, another one started after {Text(fault.Length)}";
        }
        finally
        {
            Release(client);
        }
    }

    /// <summary>Stores that no other fault has stopped, the first one preferred.</summary>
    private List<NodeProcess> Take(int count, NodeProcess first)
    {
        lock (_gate)
        {
            var inOrder = _nodes.Skip(first.Number - 1).Concat(_nodes.Take(first.Number - 1));
            var free = inOrder.Where(n => !_taken.Contains(Party.Store(n.Number))).Take(count).ToList();
            if (free.Count == 0) throw new ImpossibleException("every store is away");
            foreach (var node in free) _taken.Add(Party.Store(node.Number));
            return free;
        }
    }

    private void Release(Party party)
    {
        lock (_gate) _taken.Remove(party);
    }

    // ---- links

    private async Task<string> PartitionAsync(PlannedFault fault, CancellationToken cancellation)
    {
        var store = (await FirstAsync(fault, cancellation)).Number;
        var other = fault.Other == store ? fault.Store : fault.Other;
        bool IsEnd(Party party) => fault.MeansAll || party.Number == store;
        bool IsOtherEnd(Party party) => fault.MeansAll || (party.Number != store && (other == 0 || party.Number == other));
        bool IsCut(Party from, Party to) =>
            from.IsStore && to.IsStore && Holds(fault.Direction, IsEnd(to) && IsOtherEnd(from), IsEnd(from) && IsOtherEnd(to));
        await CutAsync(fault, IsCut, cancellation);
        var between = fault.MeansAll ? "all stores" : other == 0 ? $"store {store} and the others" : $"stores {store} and {other}";
        return $"no connection between {between}{How(fault)} for {Text(fault.Length)}";
    }

    private async Task<string> ClientPartitionAsync(PlannedFault fault, CancellationToken cancellation)
    {
        var store = Party.Store((await FirstAsync(fault, cancellation)).Number);
        bool IsClient(Party party) => !party.IsStore && (fault.Other == 0 || party.Number == fault.Other);
        bool IsCut(Party from, Party to) => Holds(fault.Direction, to == store && IsClient(from), from == store && IsClient(to));
        await CutAsync(fault, IsCut, cancellation);
        var whom = fault.Other == 0 ? "all clients" : $"client process {fault.Other}";
        return $"no connection between store {store.Number} and {whom}{How(fault)} for {Text(fault.Length)}";
    }

    private static bool Holds(CutDirection direction, bool isInward, bool isOutward) =>
        (direction != CutDirection.Out && isInward) || (direction != CutDirection.In && isOutward);

    private async Task CutAsync(PlannedFault fault, Func<Party, Party, bool> holds, CancellationToken cancellation)
    {
        if (SocketOwners.Problem is { } problem) throw new ImpossibleException(problem);
        var cut = new NetworkCut(holds, fault.Resets);
        cluster.Network.Begin(cut);
        try
        {
            await Task.Delay(fault.Length, cancellation);
        }
        finally
        {
            cluster.Network.End(cut);
        }
    }

    private static string How(PlannedFault fault) => fault.Direction switch
    {
        CutDirection.In => " (only towards it)",
        CutDirection.Out => " (only from it)",
        _ => fault.Resets ? " (reset)" : "",
    };

    // ---- regions

    private async Task<string> TransferAsync(PlannedFault fault, CancellationToken cancellation)
    {
        await using var admin = await AdminAsync(cancellation);
        var regions = (await admin.ListRegionsAsync(cancellation)).Where(r => r.Leader is not null).ToList();
        if (regions.Count == 0) throw new ImpossibleException("no region has a leader");
        var region = regions[fault.Choice % regions.Count];
        var others = region.Region.Peers.Where(p => p.Id != region.Leader!.Id).ToList();
        var target = others[fault.Choice % others.Count];
        var leader = await NodeOfAsync(admin, region.Leader!.StoreId, cancellation);
        await leader.AskAsync(string.Create(CultureInfo.InvariantCulture, $"transfer {region.Region.Id} {target.StoreId}"));
        return $"region {region.Region.Id} transferred from store {region.Leader.StoreId} to {target.StoreId} (ids)";
    }

    private async Task<string> SplitAsync(PlannedFault fault, CancellationToken cancellation)
    {
        var key = CheckLoad.Key(1 + fault.Choice % (options.Keys - 1));
        await using var admin = await AdminAsync(cancellation);
        var before = await admin.ListRegionsAsync(cancellation);
        if (before.Count >= MostRegions) throw new ImpossibleException($"there are {MostRegions} regions");
        var regions = await admin.SplitRegionAsync(key, cancellation);
        return $"split into regions {string.Join(", ", regions.Select(r => r.Region.Id))}";
    }

    /// <summary>A leader's store if one is meant and PD knows one, otherwise the planned one.</summary>
    private async Task<NodeProcess> FirstAsync(PlannedFault fault, CancellationToken cancellation)
    {
        var planned = _nodes[fault.Store - 1];
        if (!fault.MeansLeader || fault.MeansAll) return planned;
        try
        {
            await using var admin = await AdminAsync(cancellation);
            var leaders = (await admin.ListRegionsAsync(cancellation))
                .Where(r => r.Leader is not null).Select(r => r.Leader!.StoreId).ToList();
            return leaders.Count == 0 ? planned : await NodeOfAsync(admin, leaders[fault.Choice % leaders.Count], cancellation);
        }
        catch (TikvException)
        {
            // PD is away: then it is the planned one.
            return planned;
        }
    }

    private async Task<NodeProcess> NodeOfAsync(AdminClient admin, ulong storeId, CancellationToken cancellation)
    {
        var address = (await admin.ListStoresAsync(cancellation)).First(s => s.Id == storeId).Address;
        return _nodes.First(n => n.Endpoint == address);
    }

    private Task<AdminClient> AdminAsync(CancellationToken cancellation) => AdminClient.ConnectAsync(
        cluster.Processes.Endpoints, new RawClientOptions { ConnectTimeout = _adminTimeout, CallTimeout = _adminTimeout }, cancellation);

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");

    /// <summary>A fault finds nobody to do it to.</summary>
    private sealed class ImpossibleException(string why) : Exception(why);
}
