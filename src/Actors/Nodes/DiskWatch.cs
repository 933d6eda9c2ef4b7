using Akka.Actor;
using Akka.Event;

namespace TiKvActors.Actors.Nodes;

/// <summary>Whether the disk below a node still has the room that its engines need to go on. Thread-safe.</summary>
internal sealed class DiskState
{
    private volatile string? _full;

    /// <summary>Why nothing more may be written, for people; null if there is room.</summary>
    public string? Full
    {
        get => _full;
        set => _full = value;
    }
}

/// <param name="ReserveBytes">Free bytes below which the node takes no more data.</param>
internal sealed record DiskSettings(long ReserveBytes, TimeSpan CheckInterval);

/// <summary>
/// Measures the free space of a node's disk again and again, so that writes are refused while the engines still have room to flush, merge
/// and compact: RocksDB itself stops at the first write that finds none.
/// </summary>
internal sealed class DiskWatch : UntypedActor, IWithTimers
{
    private sealed class Look
    {
        public static readonly Look Instance = new();
    }

    private readonly string _directory;
    private readonly DiskSettings _settings;
    private readonly Func<string, long> _freeSpace;
    private readonly DiskState _state;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private bool _isBlind;

    public DiskWatch(string directory, DiskSettings settings, Func<string, long> freeSpace, DiskState state)
    {
        _directory = directory;
        _settings = settings;
        _freeSpace = freeSpace;
        _state = state;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="freeSpace">Free bytes of the disk that holds a directory.</param>
    public static Props Props(string directory, DiskSettings settings, Func<string, long> freeSpace, DiskState state) =>
        Akka.Actor.Props.Create(() => new DiskWatch(directory, settings, freeSpace, state)).WithDispatcher("tikv.dispatchers.slow");

    protected override void PreStart()
    {
        Measure();
        Timers.StartPeriodicTimer("look", Look.Instance, _settings.CheckInterval);
    }

    protected override void OnReceive(object message)
    {
        if (message is Look)
            Measure();
        else
            Unhandled(message);
    }

    private void Measure()
    {
        long free;
        try
        {
            free = _freeSpace(_directory);
            _isBlind = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was known last stays. If the disk is gone, the engines say so.
            if (!_isBlind)
                _log.WorkFailed($"measuring the free space of {_directory}", e);
            _isBlind = true;
            return;
        }

        var wasFull = _state.Full is not null;
        var isFull = free < _settings.ReserveBytes;
        _state.Full = isFull
            ? $"the disk of {_directory} has {free >> 20} MiB left, tikv.disk.reserve keeps {_settings.ReserveBytes >> 20} MiB"
            : null;
        if (isFull && !wasFull)
            _log.DiskFull(_state.Full!);
        else if (wasFull && !isFull)
            _log.DiskHasRoom(_directory, free >> 20);
    }
}
