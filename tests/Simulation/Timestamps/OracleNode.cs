namespace TiKvActors.Simulation.Timestamps;

/// <summary>A machine: its two clocks, and at most one incarnation of PD.</summary>
internal sealed class OracleNode(World world, int id, double rate, TimeSpan origin)
{
    private static readonly long _epoch = 1_700_000_000_000;

    public int Id => id;

    public double Rate => rate;

    /// <summary>Hears nothing and is not heard by the journal.</summary>
    public bool IsCut { get; set; }

    /// <summary>Milliseconds by which its wall clock is wrong.</summary>
    public long WallError { get; set; }

    public OracleIncarnation? Incarnation { get; set; }

    /// <summary>As fast as the machine's crystal, from an origin that means nothing to others.</summary>
    public TimeSpan Monotonic => origin + (world.Now * rate);

    public long Wall
    {
        get
        {
            var wall = _epoch + (long)world.Now.TotalMilliseconds + WallError;
            HighestWall = Math.Max(HighestWall, wall);
            return wall;
        }
    }

    /// <summary>That anybody has read.</summary>
    public long HighestWall { get; private set; }

    public TimeSpan ToTrue(TimeSpan monotonic) => monotonic / rate;
}
