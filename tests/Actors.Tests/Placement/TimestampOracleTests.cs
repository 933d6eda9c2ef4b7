using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>Step by step what tests/Simulation/Timestamps tries at random.</summary>
public sealed class TimestampOracleTests
{
    private const long Epoch = 1_000_000;
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(2);
    private readonly TimestampOracle<string> _oracle = New(_lease);
    private TimeSpan _now = TimeSpan.FromSeconds(100);
    private long _wall = Epoch;

    private static TimestampOracle<string> New(TimeSpan? lease) => new(new TimestampOracleConfig(TimeSpan.FromSeconds(3), lease, 0.1, 5));

    private static string Show(long timestamp) => $"{TimestampLayout.Physical(timestamp) - Epoch}.{TimestampLayout.Logical(timestamp)}";

    private void Pass(double seconds)
    {
        _now += TimeSpan.FromSeconds(seconds);
        _wall += (long)(seconds * 1000);
    }

    /// <returns>Callers with their highest timestamps.</returns>
    private string Answers(TimestampOracle<string>? oracle = null)
    {
        oracle ??= _oracle;
        oracle.Prepare(_now, _wall);
        return string.Join(" ", oracle.TakeAnswers(_now).Select(a => $"{a.Caller}={Show(a.Last)}"));
    }

    private string Ask(string caller, uint count = 1)
    {
        Assert.True(_oracle.TryEnqueue(caller, count));
        return Answers();
    }

    private long? Extend() => _oracle.ExtendWindow(_now, _wall) - Epoch;

    /// <summary>It serves with a window of 3 s and a full lease.</summary>
    private void Serve()
    {
        _oracle.Start(0, TimeSpan.Zero, _now);
        Assert.Equal("", Ask("first"));
        Assert.Equal(3000, Extend());
        _oracle.WindowExtended();
        Assert.Equal("first=0.0", Answers());
        Assert.Null(Extend());
    }

    [Fact]
    public void Nothing_is_issued_before_a_window_is_durable_which_then_serves_all_who_wait()
    {
        _oracle.Start(0, TimeSpan.Zero, _now);
        Assert.Null(Extend());
        Assert.Equal("", Ask("a", 3));
        Assert.Equal(3000, Extend());
        Pass(0.5);
        Assert.Equal("", Ask("b", 2));
        Assert.Null(Extend());
        _oracle.WindowExtended();
        Assert.Equal("a=500.2 b=500.4", Answers());
    }

    [Fact]
    public void The_lease_counts_from_the_sending()
    {
        _oracle.Start(0, TimeSpan.Zero, _now);
        Ask("a");
        Extend();
        Pass(1.999);
        _oracle.WindowExtended();
        Assert.Equal("a=1999.0", Answers());
        Pass(0.001);
        Assert.Equal("", Ask("b"));
        Assert.Equal(5000, Extend());
    }

    [Fact]
    public void A_lease_that_ends_between_the_two_looks_leaves_its_requests_waiting()
    {
        Serve();
        Pass(1.999);
        Assert.True(_oracle.TryEnqueue("a", 1));
        _oracle.Prepare(_now, _wall);
        Pass(0.001);
        Assert.Empty(_oracle.TakeAnswers(_now));
        Assert.NotNull(Extend());
        _oracle.WindowExtended();
        Assert.Equal("a=2000.0", Answers());
    }

    [Fact]
    public void A_lease_in_use_is_renewed_when_half_of_it_is_over_and_an_idle_one_is_not()
    {
        Serve();
        Pass(0.9);
        Ask("a");
        Assert.Null(Extend());
        Pass(0.1);
        Assert.Null(Extend());
        Assert.Equal("b=1000.0", Ask("b"));
        Assert.Equal(4000, Extend());
        // Nobody has to wait for it.
        Assert.Equal("c=1000.1", Ask("c"));
        Assert.Null(Extend());
    }

    [Fact]
    public void A_successor_begins_above_the_durable_window_after_lease_and_drift()
    {
        _oracle.Start(Epoch + 3000, _lease, _now);
        Pass(2.199);
        Assert.Equal("", Ask("a"));
        Assert.Null(Extend());
        Pass(0.001);
        Assert.Equal("", Answers());
        Assert.Equal(5200, Extend());
        _oracle.WindowExtended();
        Assert.Equal("a=3000.0", Answers());
        Pass(1);
        Assert.Equal("b=3200.0", Ask("b"));
    }

    [Fact]
    public void A_clock_that_goes_back_changes_nothing_but_the_counter_until_it_has_caught_up()
    {
        Serve();
        _wall -= 3_600_000;
        Assert.Equal("a=0.262143", Ask("a", 262_143));
        Assert.Equal("b=1.0", Ask("b"));
        Assert.Equal("c=2.262143", Ask("c", 262_144));
        _wall += 3_600_000 + 50;
        Assert.Equal("d=50.0", Ask("d"));
    }

    [Fact]
    public void A_clock_that_goes_forward_is_followed_once_a_window_is_durable()
    {
        Serve();
        _wall += 3_600_000;
        Assert.Equal("a=2999.0", Ask("a"));
        Assert.Equal(3_603_000, Extend());
        Assert.Equal("b=2999.1", Ask("b"));
        _oracle.WindowExtended();
        Assert.Equal("c=3600000.0", Ask("c"));
        // And back: no timestamp is ahead by more than what the clock has said once.
        _wall -= 3_600_000;
        Assert.Equal("d=3600000.1", Ask("d"));
    }

    [Fact]
    public void Behind_the_timestamps_windows_are_small_so_that_restarts_do_not_add_up()
    {
        _oracle.Start(Epoch + 10_000, TimeSpan.Zero, _now);
        Ask("a");
        Assert.Equal(10_100, Extend());
    }

    [Fact]
    public void A_used_up_window_is_waited_for()
    {
        _oracle.Start(Epoch + 10_000, TimeSpan.Zero, _now);
        Ask("a");
        Extend();
        _oracle.WindowExtended();
        Assert.Equal("a=10000.0", Answers());
        for (var i = 1; i < 100; i++)
            Assert.Equal($"b={10_000 + i}.262143", Ask("b", 262_144));
        Assert.Equal("", Ask("c", 262_144));
        Assert.Equal(10_200, Extend());
        _oracle.WindowExtended();
        Assert.Equal("c=10100.262143", Answers());
    }

    [Fact]
    public void After_its_end_an_incarnation_issues_and_persists_nothing()
    {
        Serve();
        Pass(3);
        Assert.Equal("", Ask("a"));
        Assert.NotNull(Extend());
        Assert.Equal(["a"], _oracle.End());
        _oracle.WindowExtended();
        Assert.Equal("", Ask("b"));
        Assert.Null(Extend());
    }

    [Fact]
    public void Too_many_who_wait_are_refused()
    {
        for (var i = 0; i < 5; i++)
            Assert.True(_oracle.TryEnqueue("a", 1));
        Assert.False(_oracle.TryEnqueue("b", 1));
    }

    [Fact]
    public void Where_there_can_be_no_second_incarnation_windows_do_without_a_lease()
    {
        var oracle = New(null);
        oracle.Start(Epoch + 3000, TimeSpan.Zero, _now);
        oracle.TryEnqueue("a", 1);
        Assert.Equal("", Answers(oracle));
        Assert.NotNull(oracle.ExtendWindow(_now, _wall));
        Pass(100);
        oracle.WindowExtended();
        Assert.Equal("a=3099.0", Answers(oracle));
    }
}
