namespace Akka.Actor;

/// <summary>
/// A hashed timer wheel (Varghese and Lauck 1987, scheme 6): a slot a tick, each with a list of timers, so that setting and
/// dropping one costs the same with ten timers or with a million. A timer further away than one turn waits in its slot for
/// its turn. Knows no clock and no thread: time comes in.
/// </summary>
internal sealed class TimerWheel
{
    private readonly Lock _lock = new();
    private readonly ScheduledTimer[] _slots;
    private readonly TimeSpan _tick;
    private readonly int _mask;
    // The next tick to be handled; all before it are done.
    private long _nextTick;
    private int _count;
    private long _sequence;

    /// <param name="slots">a power of two.</param>
    public TimerWheel(TimeSpan tick, int slots)
    {
        _tick = tick;
        _slots = new ScheduledTimer[slots];
        _mask = slots - 1;
    }

    /// <summary>Timers waiting.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _count;
        }
    }

    /// <summary>Adds a timer whose deadline is set.</summary>
    /// <returns>The time of the tick that will run it.</returns>
    public TimeSpan Add(ScheduledTimer timer)
    {
        lock (_lock)
        {
            Link(timer);
            return TimeOf(timer.DeadlineTick);
        }
    }

    public void Drop(ScheduledTimer timer)
    {
        lock (_lock)
        {
            if (timer.Wheel == this) Unlink(timer);
        }
    }

    /// <summary>The earliest time at which there may be something to run, or null with an empty wheel.</summary>
    public TimeSpan? NextTime()
    {
        lock (_lock)
        {
            if (_count == 0) return null;
            var tick = _nextTick;
            while (_slots[tick & _mask] == null) tick++;
            return TimeOf(tick);
        }
    }

    /// <summary>Takes out all timers whose tick is reached, in the order of their deadlines.</summary>
    public void TakeDue(TimeSpan now, List<ScheduledTimer> due)
    {
        lock (_lock)
        {
            var lastTick = now.Ticks / _tick.Ticks;
            // After a long pause every slot is looked at once, not once a tick.
            var from = Math.Max(_nextTick, lastTick - _mask);
            var first = due.Count;
            for (var tick = from; tick <= lastTick && _count > 0; tick++)
            {
                for (var timer = _slots[tick & _mask]; timer != null;)
                {
                    var next = timer.Next;
                    if (timer.DeadlineTick <= lastTick)
                    {
                        Unlink(timer);
                        due.Add(timer);
                    }
                    timer = next;
                }
            }
            _nextTick = Math.Max(_nextTick, lastTick + 1);
            if (due.Count - first > 1) due.Sort(first, due.Count - first, ByDeadline.Instance);
        }
    }

    private TimeSpan TimeOf(long tick) => new(tick * _tick.Ticks);

    private void Link(ScheduledTimer timer)
    {
        // Rounded up: nothing runs early. One that is due already runs with the next tick.
        var ticks = (timer.Deadline.Ticks + _tick.Ticks - 1) / _tick.Ticks;
        timer.DeadlineTick = Math.Max(ticks, _nextTick);
        timer.Sequence = _sequence++;
        ref var head = ref _slots[timer.DeadlineTick & _mask];
        timer.Next = head;
        timer.Previous = null;
        if (head != null) head.Previous = timer;
        head = timer;
        timer.Wheel = this;
        _count++;
    }

    private void Unlink(ScheduledTimer timer)
    {
        if (timer.Previous != null) timer.Previous.Next = timer.Next;
        else _slots[timer.DeadlineTick & _mask] = timer.Next;
        if (timer.Next != null) timer.Next.Previous = timer.Previous;
        timer.Next = timer.Previous = null;
        timer.Wheel = null;
        _count--;
    }

    private sealed class ByDeadline : IComparer<ScheduledTimer>
    {
        public static readonly ByDeadline Instance = new();

        public int Compare(ScheduledTimer x, ScheduledTimer y) =>
            x.Deadline != y.Deadline ? x.Deadline.CompareTo(y.Deadline) : x.Sequence.CompareTo(y.Sequence);
    }
}
