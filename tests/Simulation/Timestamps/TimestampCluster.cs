using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;

namespace TiKvActors.Simulation.Timestamps;

/// <summary>A request on its way.</summary>
internal sealed class TimestampRequest(uint count, Action<long> answered)
{
    public uint Count => count;

    /// <summary>The highest timestamp of any answer that was delivered before this request arrived.</summary>
    public long Floor { get; private set; }

    public void Arrived(long highestDelivered) => Floor = highestDelivered;

    public void Answered(long last) => answered(last);
}

/// <summary>Machines, the journal, clients, and what must hold.</summary>
internal sealed class TimestampCluster
{
    private readonly List<OracleNode> _nodes = [];
    private int _incarnations;
    private long _lastIssued;
    private long _requestsIssued;

    public TimestampCluster(World world)
    {
        World = world;
        Journal = new OracleJournal(world);
        var drift = world.Pick([0.0, 0.05, 0.2]);
        Config = new TimestampOracleConfig(
            Window: world.Between(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(5)),
            Lease: world.Between(TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(3)),
            DriftBound: drift,
            MaxWaiting: world.Pick([4, 1000]));
        for (var id = 1; id <= 4; id++)
        {
            // The bound itself is the interesting rate.
            var rate = 1 + (drift * world.Pick([0.0, 1.0, world.Random.NextDouble()]));
            _nodes.Add(new OracleNode(world, id, rate, TimeSpan.FromSeconds(world.Random.Next(1, 1_000_000))));
        }
    }

    public World World { get; }

    public TimestampOracleConfig Config { get; }

    public OracleJournal Journal { get; }

    public IReadOnlyList<OracleNode> Nodes => _nodes;

    public TimeSpan Lease => Config.Lease!.Value;

    public TimeSpan AttemptTimeout => TimeSpan.FromSeconds(0.4);

    public TimeSpan CallDeadline => TimeSpan.FromSeconds(4);

    public long HighestDelivered { get; private set; }

    /// <summary>The one that the cluster takes for its singleton; older ones may live.</summary>
    public OracleIncarnation? Newest { get; private set; }

    public IEnumerable<OracleIncarnation> Living => _nodes.Select(n => n.Incarnation).OfType<OracleIncarnation>();

    /// <summary>Called once, when somebody's lease has just begun.</summary>
    public Action<OracleIncarnation>? OnLease { get; set; }

    public void LeaseBegins(OracleIncarnation holder)
    {
        var act = OnLease;
        OnLease = null;
        act?.Invoke(holder);
    }

    /// <param name="node">Whatever lived there is gone.</param>
    public void StartOn(OracleNode node)
    {
        node.Incarnation?.Crash();
        Newest = node.Incarnation = new OracleIncarnation(this, node, ++_incarnations);
        if (Living.Count(i => i.Serves) > 0) World.Coverage.Count("an incarnation starts beside one that serves");
        Newest.Recover();
    }

    public void Issued(OracleIncarnation by, TimestampOracle<TimestampRequest>.Answer answer)
    {
        var first = answer.Last - answer.Count + 1;
        World.Trace($"incarnation {by.Id} issues {Show(first)} to {Show(answer.Last)}");
        World.Check(
            first > answer.Caller.Floor,
            () => $"incarnation {by.Id} issued {Show(first)}; {Show(answer.Caller.Floor)} had been delivered before the request arrived");
        World.Check(first > _lastIssued, () => $"incarnation {by.Id} issued {Show(first)} after {Show(_lastIssued)}");
        World.Check(
            TimestampLayout.Physical(first) == TimestampLayout.Physical(answer.Last),
            () => $"the batch {Show(first)} to {Show(answer.Last)} is of two milliseconds");
        if (TimestampLayout.Logical(first) == 0 && TimestampLayout.Physical(first) == TimestampLayout.Physical(_lastIssued) + 1
            && TimestampLayout.Physical(first) > by.Node.Wall) World.Coverage.Count("the counter of a millisecond was used up");
        if (TimestampLayout.Physical(first) > by.Node.Wall + 600_000) World.Coverage.Count("issued while the clock was far behind");
        _lastIssued = answer.Last;
        _requestsIssued++;
        var clocks = Nodes.Max(n => n.HighestWall);
        var limit = clocks + (long)Config.Window.TotalMilliseconds + (_incarnations * TimestampOracle<TimestampRequest>.Reserve) + _requestsIssued;
        World.Check(
            TimestampLayout.Physical(answer.Last) <= limit,
            () => $"{Show(answer.Last)} is {TimestampLayout.Physical(answer.Last) - clocks} ms ahead of every clock");
        World.Coverage.Count("timestamps issued", answer.Count);
    }

    public void Deliver(TimestampOracle<TimestampRequest>.Answer answer) => World.After(Delay(), () =>
    {
        HighestDelivered = Math.Max(HighestDelivered, answer.Last);
        answer.Caller.Answered(answer.Last);
    });

    /// <summary>Some messages are very late.</summary>
    public TimeSpan Delay() =>
        World.Chance(0.02) ? Lease * (2 * World.Random.NextDouble()) : TimeSpan.FromMilliseconds(World.Random.NextDouble() * 3);

    private static string Show(long timestamp) => $"{TimestampLayout.Physical(timestamp)}.{TimestampLayout.Logical(timestamp)}";
}
