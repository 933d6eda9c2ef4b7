using System.Diagnostics;
using System.Globalization;
using System.Text;
using TiKvActors.Client;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Bench;

/// <summary>How a node is stopped.</summary>
internal enum StopKind
{
    /// <summary>kill -9.</summary>
    Kill,

    /// <summary>In order.</summary>
    Stop,

    /// <summary>SIGSTOP, and SIGCONT once everybody is served without it.</summary>
    Pause,
}

/// <summary>Which node is stopped.</summary>
internal enum StopTarget
{
    /// <summary>Of the first region.</summary>
    Leader,

    /// <summary>The node on which PD runs.</summary>
    Pd,

    /// <summary>One after the other: a rolling restart.</summary>
    Each,
}

/// <summary>What <c>tkv bench stops</c> was asked for.</summary>
internal sealed record StopsOptions
{
    /// <summary>Of each kind.</summary>
    public required int Stops { get; init; }

    public required IReadOnlyList<StopKind> Kinds { get; init; }

    public required StopTarget Target { get; init; }

    /// <summary>Nodes; each keeps a store and may run PD.</summary>
    public required int Nodes { get; init; }

    /// <summary>Nodes that are stopped at a time: the target, and others by chance.</summary>
    public required int Together { get; init; }

    public required int Clients { get; init; }
}

/// <summary>One stop under load, and what clients saw of it.</summary>
/// <param name="WriteGap">The longest time in which nobody's put was answered.</param>
/// <param name="ReadGap">The longest time in which nobody's get was answered.</param>
/// <param name="ClientGap">The longest time that one of these clients waited for its next answer.</param>
/// <param name="TimestampGap">The longest time in which nobody was given a timestamp.</param>
internal sealed record StopMeasured(
    StopKind Kind, IReadOnlyList<int> Nodes, TimeSpan WriteGap, TimeSpan ReadGap, TimeSpan ClientGap, TimeSpan TimestampGap, int Errors);

/// <summary>
/// <c>tkv bench stops</c>: a cluster of processes under a steady load; again and again a node is stopped, and started again once everybody
/// is served. The gap in service is what the clients see, from the last answer before to the first one after.
/// </summary>
internal sealed class StopsRun : IAsyncDisposable
{
    private const int Keys = 1_000;

    /// <summary>Answers after which a client counts as served again.</summary>
    private const int Served = 5;

    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private readonly StopsOptions _options;
    private readonly ProcessCluster _cluster;
    private readonly RawClient _client;
    private readonly AdminClient _admin;
    private readonly Worker[] _workers;
    private readonly Random _random = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _load;
    private int _stops;

    private StopsRun(StopsOptions options, ProcessCluster cluster, RawClient client, AdminClient admin)
    {
        (_options, _cluster, _client, _admin) = (options, cluster, client, admin);
        _workers =
        [
            .. Enumerable.Range(0, options.Clients).Select<int, Worker>(i => i % 2 == 0 ? new Writer(client, i) : new Reader(client, i)),
            .. Enumerable.Range(0, Math.Max(1, options.Clients / 8)).Select(_ => new TimestampTaker(admin)),
        ];
        _load = Task.WhenAll(_workers.Select(w => Task.Run(() => w.RunAsync(_stop.Token))));
    }

    /// <exception cref="CommandException">A timestamp is not greater than one that was given out before.</exception>
    public static async Task<IReadOnlyList<StopMeasured>> RunAsync(
        StopsOptions options, Action<StopMeasured> done, CancellationToken cancellation)
    {
        var directory = Directory.CreateTempSubdirectory("tkv-stops-");
        try
        {
            await using var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(directory.FullName, "nodes.log")));
            var playground = ProcessCluster.Options(Path.Combine(directory.FullName, "data"), options.Nodes, options.Nodes);
            await using var cluster = await ProcessCluster.StartAsync(playground, line => log.Write(line + "\n"), cancellation);
            var client = await RawClient.ConnectAsync(cluster.Endpoints, null, cancellation);
            await using var run = new StopsRun(
                options, cluster, client, await AdminClient.ConnectAsync(cluster.Endpoints, null, cancellation));
            var all = new List<StopMeasured>();
            foreach (var kind in options.Kinds)
            {
                for (var i = 0; i < options.Stops; i++)
                {
                    all.Add(await run.StopOnceAsync(kind, cancellation));
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
        await Task.WhenAny(_load);
        await _client.DisposeAsync();
        await _admin.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<StopMeasured> StopOnceAsync(StopKind kind, CancellationToken cancellation)
    {
        await EverybodyIsServedAsync(cancellation);
        await EverybodyIsUpAsync(cancellation);
        var target = await TargetAsync(cancellation);
        var others = _cluster.Nodes.Where(n => n != target).ToArray();
        _random.Shuffle(others);
        NodeProcess[] stopped = [target, .. others.Take(_options.Together - 1)];
        foreach (var worker in _workers) worker.Begin();
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(stopped.Select(n => kind switch
        {
            StopKind.Kill => n.KillAsync(),
            StopKind.Stop => n.StopAsync(),
            _ => n.PauseAsync(),
        }));
        await EverybodyIsServedAsync(cancellation);
        var ended = Stopwatch.GetTimestamp();
        TimeSpan Gap<T>() => LongestGap(_workers.OfType<T>().Cast<Worker>(), began, ended);
        var measured = new StopMeasured(
            kind, [.. stopped.Select(n => n.Number)], Gap<Writer>(), Gap<Reader>(),
            _workers.Where(w => w is not TimestampTaker).Max(w => LongestGap([w], began, ended)), Gap<TimestampTaker>(),
            _workers.Sum(w => w.Errors));
        await Task.WhenAll(stopped.Select(n => n.IsPaused ? n.ResumeAsync() : n.StartAsync()));
        foreach (var node in stopped) await CaughtUpAsync(node, cancellation);
        return measured;
    }

    private async Task EverybodyIsServedAsync(CancellationToken cancellation)
    {
        var goals = _workers.Select(w => w.Count + Served).ToArray();
        await UntilAsync(
            () => Task.FromResult(_load.IsFaulted || _workers.Zip(goals, (w, goal) => w.Count >= goal).All(served => served)),
            "every client is served", cancellation);
        if (_load.IsFaulted) await _load;
    }

    private async Task<NodeProcess> TargetAsync(CancellationToken cancellation)
    {
        if (_options.Target == StopTarget.Each) return _cluster.Nodes[_stops++ % _cluster.Nodes.Count];
        NodeProcess? target = null;
        await UntilAsync(async () =>
        {
            var address = _options.Target == StopTarget.Pd
                ? (await ShowAsync(_cluster.Nodes[0], cancellation)).Pd : await LeaderAsync(cancellation);
            target = _cluster.Nodes.FirstOrDefault(n => n.Endpoint == address);
            return target is not null;
        }, "the region has a leader and PD a node", cancellation);
        return target!;
    }

    private async Task<string?> LeaderAsync(CancellationToken cancellation)
    {
        var region = (await _admin.ListRegionsAsync(cancellation))[0];
        var stores = await _admin.ListStoresAsync(cancellation);
        return region.Leader is { } leader ? stores.First(s => s.Id == leader.StoreId).Address : null;
    }

    private async Task EverybodyIsUpAsync(CancellationToken cancellation) => await UntilAsync(async () =>
    {
        var views = await Task.WhenAll(_cluster.Nodes.Select(n => ShowAsync(n, cancellation)));
        return views.All(v => v.Members.Count(m => m is { Status: "Up", Unreachable: false }) == _cluster.Nodes.Count);
    }, "every node is a member", cancellation);

    private static async Task<Protocol.ClusterStateResponse> ShowAsync(NodeProcess node, CancellationToken cancellation)
    {
        await using var client = await ClusterClient.OpenAsync(node.Endpoint, null, cancellation);
        return await client.ShowAsync(cancellation);
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

    private static TimeSpan LongestGap(IEnumerable<Worker> workers, long began, long ended)
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

    /// <summary>One client that makes one call after the other, and remembers when each was answered.</summary>
    private abstract class Worker
    {
        private static readonly TimeSpan _thinkTime = TimeSpan.FromMilliseconds(5);

        private readonly Lock _gate = new();
        private readonly List<long> _answers = [];
        private int _count;
        private int _errors;

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
                try
                {
                    await CallAsync();
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

        protected abstract Task CallAsync();

        protected static byte[] NextKey(Random random) =>
            Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"stops-{random.Next(Keys):D4}"));
    }

    private sealed class Writer(RawClient client, int seed) : Worker
    {
        private readonly Random _random = new(seed);

        protected override async Task CallAsync()
        {
            var key = NextKey(_random);
            await client.PutAsync(key, key, null, CancellationToken.None);
        }
    }

    private sealed class Reader(RawClient client, int seed) : Worker
    {
        private readonly Random _random = new(seed);

        protected override Task CallAsync() => client.GetAsync(NextKey(_random), CancellationToken.None);
    }

    private sealed class TimestampTaker(AdminClient admin) : Worker
    {
        /// <summary>Of all that take any: whoever asks now must get more.</summary>
        private static ulong _greatest;

        protected override async Task CallAsync()
        {
            var before = Volatile.Read(ref _greatest);
            var timestamp = await admin.GetTimestampAsync(CancellationToken.None);
            if (timestamp <= before)
                throw new CommandException(ExitCode.Failed, $"timestamp {timestamp} was given out when {before} had been already");
            for (var seen = before; seen < timestamp;)
                seen = Interlocked.CompareExchange(ref _greatest, timestamp, seen) is var now && now == seen ? timestamp : now;
        }
    }
}
