using Akka.Remote;

namespace TiKvActors.StandIns.Tests.Remoting;

public class FailureDetectorTests
{
    private long _now = 10_000;

    [Fact]
    public void Phi_grows_with_the_time_since_the_last_heartbeat()
    {
        Assert.Equal(0.3, PhiAccrualFailureDetector.Phi(1000, 1000, 100), 1);
        // One, two and three deviations late: 16 %, 2.3 %, 0.13 % of a normal distribution.
        Assert.Equal(-Math.Log10(0.1587), PhiAccrualFailureDetector.Phi(1100, 1000, 100), 2);
        Assert.Equal(-Math.Log10(0.0228), PhiAccrualFailureDetector.Phi(1200, 1000, 100), 2);
        Assert.Equal(-Math.Log10(0.00135), PhiAccrualFailureDetector.Phi(1300, 1000, 100), 1);
        Assert.Equal(double.PositiveInfinity, PhiAccrualFailureDetector.Phi(1_000_000, 1000, 100));
    }

    [Fact]
    public void A_regular_heart_is_available_and_a_silent_one_is_not()
    {
        var detector = new PhiAccrualFailureDetector(8, 100, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1), () => _now);
        Assert.True(detector.IsAvailable);
        Assert.False(detector.IsMonitoring);
        for (var i = 0; i < 200; i++)
        {
            detector.HeartBeat();
            _now += 1000;
            Assert.True(detector.IsAvailable);
        }
        Assert.True(detector.IsMonitoring);
        _now += 2500;
        Assert.True(detector.IsAvailable, "within the acceptable pause");
        _now += 2000;
        Assert.False(detector.IsAvailable);
        detector.HeartBeat();
        Assert.True(detector.IsAvailable, "it is back");
    }

    [Fact]
    public void A_deadline_passes_after_interval_and_pause()
    {
        var detector = new DeadlineFailureDetector(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(1), () => _now);
        Assert.True(detector.IsAvailable);
        detector.HeartBeat();
        _now += 5000;
        Assert.True(detector.IsAvailable);
        _now += 1;
        Assert.False(detector.IsAvailable);
    }

    [Fact]
    public void A_registry_judges_every_resource_for_itself()
    {
        var registry = new DefaultFailureDetectorRegistry<string>(() => new DeadlineFailureDetector(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(1), () => _now));
        registry.Heartbeat("a");
        _now += 5001;
        registry.Heartbeat("b");
        Assert.Equal([false, true, true], new[] { "a", "b", "never seen" }.Select(registry.IsAvailable));
        registry.Remove("a");
        Assert.False(registry.IsMonitoring("a"));
    }
}
