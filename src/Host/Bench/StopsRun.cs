using System.Diagnostics;
using System.Globalization;
using System.Text;
using TiKvActors.Client;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Bench;

/// <summary>What <c>tkv bench stops</c> was asked for.</summary>
internal sealed record StopsOptions
{
    /// <summary>Of each kind.</summary>
    public required int Stops { get; init; }

    public required bool Kills { get; init; }

    public required bool OrderlyStops { get; init; }

    public required int Clients { get; init; }
}

/// <summary>One stop of the leader's store under load, and what clients saw of it.</summary>
/// <param name="WriteGap">The longest time in which nobody's put was answered.</param>
/// <param name="ReadGap">The longest time in which nobody's get was answered.</param>
/// <param name="ClientGap">The longest time that one client waited for its next answer.</param>
internal sealed record StopMeasured(bool ByKill, int Store, TimeSpan WriteGap, TimeSpan ReadGap, TimeSpan ClientGap, int Errors);

/// <summary>
/// <c>tkv bench stops</c>: a cluster of processes under a steady load; again and again the store that leads is stopped, and started again
/// once everybody is served. The gap in service is
/// what the clients see, from the last answer before to the first one after.
/// </summary>
internal sealed class StopsRun : IAsyncDisposable
{
    private const int Keys = 1_000;

    /// <summary>Answers after which a client counts as served again.</summary>
    private const int Served = 5;

    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _thinkTime = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private readonly ProcessCluster _cluster;
    private readonly RawClient _client;
    private readonly AdminClient _admin;
    private readonly Worker[] _workers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _load;

    private StopsRun(ProcessCluster cluster, RawClient client, AdminClient admin, int clients)
    {
        (_cluster, _client, _admin) = (cluster, client, admin);
        _workers = [.. Enumerable.Range(0, Math.Max(2, clients)).Select(i => new Worker(client, i))];
        _load = Task.WhenAll(_workers.Select(w => Task.Run(() => w.RunAsync(_stop.Token))));
    }

    public static async Task<IReadOnlyList<StopMeasured>> RunAsync(
        StopsOptions options, Action<StopMeasured> done, CancellationToken cancellation)
    {
        var directory = Directory.CreateTempSubdirectory("tkv-stops-");
        try
        {
            await using var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(directory.FullName, "stores.log")));
            var playground = ProcessCluster.Options(Path.Combine(directory.FullName, "data"), 3);
            await using var cluster = await ProcessCluster.StartAsync(playground, line => log.Write(line + "\n"), cancellation);
            var client = await RawClient.ConnectAsync(cluster.Endpoints, null, cancellation);
            await using var run = new StopsRun(
                cluster, client, await AdminClient.ConnectAsync(cluster.Endpoints, null, cancellation), options.Clients);
            var all = new List<StopMeasured>();
            foreach (var byKill in new[] { true, false }.Where(k => k ? options.Kills : options.OrderlyStops))
            {
                for (var i = 0; i < options.Stops; i++)
                {
                    all.Add(await run.StopOnceAsync(byKill, cancellation));
                    done(all[^1]);
                }
            }

            return all;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _load;
        await _client.DisposeAsync();
        await _admin.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<StopMeasured> StopOnceAsync(bool byKill, CancellationToken cancellation)
    {
        await EverybodyIsServedAsync(cancellation);
        var leader = await LeaderAsync(cancellation);
        foreach (var worker in _workers) worker.Begin();
        var began = Stopwatch.GetTimestamp();
        await (byKill ? leader.KillAsync() : leader.StopAsync());
        await EverybodyIsServedAsync(cancellation);
        var ended = Stopwatch.GetTimestamp();
        var (writers, readers) = (_workers.Where(w => w.IsWriter).ToList(), _workers.Where(w => !w.IsWriter).ToList());
        var measured = new StopMeasured(
            byKill, leader.Number, LongestGap(writers, began, ended), LongestGap(readers, began, ended),
            _workers.Max(w => LongestGap([w], began, ended)), _workers.Sum(w => w.Errors));
        await leader.StartAsync();
        await CaughtUpAsync(leader, cancellation);
        return measured;
    }

    private async Task EverybodyIsServedAsync(CancellationToken cancellation)
    {
        var goals = _workers.Select(w => w.Count + Served).ToArray();
        await UntilAsync(
            () => Task.FromResult(_workers.Zip(goals, (w, goal) => w.Count >= goal).All(served => served)), "every client is served",
            cancellation);
    }

    private async Task<NodeProcess> LeaderAsync(CancellationToken cancellation)
    {
        NodeProcess? leader = null;
        await UntilAsync(async () =>
        {
            var region = (await _admin.ListRegionsAsync(cancellation))[0];
            var stores = await _admin.ListStoresAsync(cancellation);
            leader = region.Leader is { } peer
                ? _cluster.Nodes.FirstOrDefault(n => n.Endpoint == stores.First(s => s.Id == peer.StoreId).Address)
                : null;
            return leader is not null;
        }, "PD knows the region's leader", cancellation);
        return leader!;
    }

    /// <summary>
    /// The store has applied what the others had when it was started: it can be in a majority without anybody waiting for it.
    /// </summary>
    private async Task CaughtUpAsync(NodeProcess node, CancellationToken cancellation)
    {
        var goal = (await Task.WhenAll(_cluster.Nodes.Where(n => n != node).Select(AppliedAsync))).Max();
        await UntilAsync(async () => await AppliedAsync(node) >= goal, $"store {node.Number} has caught up", cancellation);
    }

    /// <summary>Of the first region; 0 if it is not there yet.</summary>
    private static async Task<ulong> AppliedAsync(NodeProcess node)
    {
        var first = (await node.AskAsync("checksums")).Split(' ')[0];
        return first.Length == 0 ? 0 : ulong.Parse(first.Split('@', '=')[1], CultureInfo.InvariantCulture);
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > _patience)
                throw new CommandException(ExitCode.Failed, $"waited {_patience.TotalSeconds:0} s in vain until {what}");
            await Task.Delay(_pollInterval, cancellation);
        }
    }

    private static TimeSpan LongestGap(IReadOnlyList<Worker> workers, long began, long ended)
    {
        var longest = TimeSpan.Zero;
        var before = began;
        foreach (var answer in workers.SelectMany(w => w.Answers()).Where(a => a > began && a <= ended).Append(ended).Order())
        {
            var gap = Stopwatch.GetElapsedTime(before, answer);
            if (gap > longest) longest = gap;
            before = answer;
        }

        return longest;
    }

    /// <summary>One client that puts or gets, one call after the other, and remembers when each was answered.</summary>
    private sealed class Worker(RawClient client, int number)
    {
        private readonly Lock _gate = new();
        private readonly List<long> _answers = [];
        private readonly Random _random = new(number);
        private int _count;
        private int _errors;

        public bool IsWriter => number % 2 == 0;

        public int Count => Volatile.Read(ref _count);

        /// <summary>Since <see cref="Begin"/>.</summary>
        public int Errors => Volatile.Read(ref _errors);

        public void Begin()
        {
            lock (_gate) _answers.Clear();
            Volatile.Write(ref _errors, 0);
        }

        public long[] Answers()
        {
            lock (_gate) return [.. _answers];
        }

        public async Task RunAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                var key = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"stops-{_random.Next(Keys):D4}"));
                try
                {
                    if (IsWriter) await client.PutAsync(key, key, null, CancellationToken.None);
                    else await client.GetAsync(key, CancellationToken.None);
                    lock (_gate) _answers.Add(Stopwatch.GetTimestamp());
                    Volatile.Write(ref _count, _count + 1);
                }
                catch (TikvException)
                {
                    Volatile.Write(ref _errors, _errors + 1);
                }

                await Task.Delay(_thinkTime, CancellationToken.None);
            }
        }
    }
}
