using Akka.Actor;

namespace TiKvActors.StandIns.Tests.Scheduling;

public class TimerWheelTests
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(10);

    private static TimeSpan Milliseconds(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static ScheduledTimer At(TimeSpan deadline, Action action = null) =>
        new ActionTimer(action ?? (() => { })) { Deadline = deadline };

    private static List<ScheduledTimer> Due(TimerWheel wheel, TimeSpan now)
    {
        var due = new List<ScheduledTimer>();
        wheel.TakeDue(now, due);
        return due;
    }

    [Fact]
    public void A_timer_runs_with_the_first_tick_at_or_after_its_deadline()
    {
        var wheel = new TimerWheel(_tick, 8);
        Assert.Equal(Milliseconds(20), wheel.Add(At(Milliseconds(10.001))));
        Assert.Equal(Milliseconds(20), wheel.Add(At(Milliseconds(20))));
        Assert.Equal(Milliseconds(20), wheel.NextTime());
        Assert.Empty(Due(wheel, Milliseconds(19.999)));
        Assert.Equal(2, Due(wheel, Milliseconds(20)).Count);
        Assert.Null(wheel.NextTime());
    }

    [Fact]
    public void A_timer_beyond_one_turn_waits_for_its_turn()
    {
        var wheel = new TimerWheel(_tick, 4);
        wheel.Add(At(Milliseconds(90)));
        for (var now = 0; now < 90; now++) Assert.Empty(Due(wheel, Milliseconds(now)));
        Assert.Single(Due(wheel, Milliseconds(90)));
    }

    [Fact]
    public void A_deadline_in_the_past_runs_with_the_next_tick()
    {
        var wheel = new TimerWheel(_tick, 4);
        Due(wheel, Milliseconds(105));
        Assert.Equal(Milliseconds(110), wheel.Add(At(Milliseconds(3))));
        Assert.Single(Due(wheel, Milliseconds(110)));
    }

    [Fact]
    public void What_is_due_comes_in_the_order_of_deadlines_then_of_adding()
    {
        var wheel = new TimerWheel(_tick, 4);
        var (a, b, c, d) = (At(Milliseconds(35)), At(Milliseconds(5)), At(Milliseconds(33)), At(Milliseconds(35)));
        foreach (var timer in new[] { a, b, c, d }) wheel.Add(timer);
        Assert.Equal([b, c, a, d], Due(wheel, Milliseconds(1000)));
    }

    /// <summary>Against a model: random adding, dropping and pauses; every timer runs exactly when the model says.</summary>
    [Fact]
    public void Behaves_like_a_sorted_list_under_random_use()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var wheel = new TimerWheel(_tick, 1 << random.Next(1, 7));
            // With the tick that runs each: that of its deadline, or the next one where that is over.
            var model = new Dictionary<ScheduledTimer, long>();
            var (now, nextTick) = (TimeSpan.Zero, 0L);
            for (var step = 0; step < 300; step++)
            {
                switch (random.Next(4))
                {
                    case 0 or 1:
                        var added = At(now + Milliseconds(random.Next(random.Next(2) == 0 ? 50 : 5000)));
                        wheel.Add(added);
                        model.Add(added, Math.Max((added.Deadline.Ticks + _tick.Ticks - 1) / _tick.Ticks, nextTick));
                        break;
                    case 2 when model.Count > 0:
                        var dropped = model.ElementAt(random.Next(model.Count)).Key;
                        dropped.Unlink();
                        dropped.Unlink();
                        model.Remove(dropped);
                        break;
                    default:
                        now += Milliseconds(random.Next(random.Next(10) == 0 ? 3000 : 30));
                        var due = Due(wheel, now);
                        nextTick = (now.Ticks / _tick.Ticks) + 1;
                        var expected = model.Where(t => t.Value < nextTick).Select(t => t.Key).ToHashSet();
                        Assert.True(
                            expected.SetEquals(due), $"seed {seed}, step {step}, now {now}: {due.Count} due, {expected.Count} expected");
                        foreach (var timer in due) model.Remove(timer);
                        break;
                }
                Assert.Equal(model.Count, wheel.Count);
                Assert.Equal(model.Count == 0, wheel.NextTime() == null);
                if (model.Count > 0)
                    Assert.True(
                        wheel.NextTime() <= new TimeSpan(model.Values.Min() * _tick.Ticks),
                        $"seed {seed}, step {step}: next {wheel.NextTime()}");
            }
        }
    }
}
