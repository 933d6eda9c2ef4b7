using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Remote;

/// <summary>A monotonic time in milliseconds.</summary>
public delegate long Clock();

/// <summary>Judges from heartbeats whether something is still there.</summary>
public abstract class FailureDetector
{
    public static readonly Clock DefaultClock = () => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    public abstract bool IsAvailable { get; }

    /// <summary>Whether there has been a heartbeat at all.</summary>
    public abstract bool IsMonitoring { get; }

    public abstract void HeartBeat();
}

public interface IFailureDetectorRegistry<T>
{
    bool IsAvailable(T resource);

    bool IsMonitoring(T resource);

    void Heartbeat(T resource);

    void Remove(T resource);

    void Reset();
}

/// <summary>One detector a resource, made at its first heartbeat; a resource without one counts as available. Thread-safe.</summary>
public class DefaultFailureDetectorRegistry<T> : IFailureDetectorRegistry<T>
{
    private readonly ConcurrentDictionary<T, FailureDetector> _detectors = new();
    private readonly Func<FailureDetector> _factory;

    public DefaultFailureDetectorRegistry(Func<FailureDetector> factory) => _factory = factory;

    public bool IsAvailable(T resource) => !_detectors.TryGetValue(resource, out var detector) || detector.IsAvailable;

    public bool IsMonitoring(T resource) => _detectors.TryGetValue(resource, out var detector) && detector.IsMonitoring;

    public void Heartbeat(T resource) => _detectors.GetOrAdd(resource, Create).HeartBeat();

    public void Remove(T resource) => _detectors.TryRemove(resource, out _);

    public void Reset() => _detectors.Clear();

    private FailureDetector Create(T resource)
    {
        var detector = _factory();
        if (detector is PhiAccrualFailureDetector phi) phi.Address = resource.ToString();
        return detector;
    }
}

/// <summary>Available as long as the last heartbeat is younger than the interval plus the acceptable pause.</summary>
public class DeadlineFailureDetector : FailureDetector
{
    private readonly Clock _clock;
    private readonly long _deadline;
    private long _last;
    private volatile bool _active;

    public DeadlineFailureDetector(TimeSpan acceptableHeartbeatPause, TimeSpan heartbeatInterval, Clock clock = null)
    {
        if (acceptableHeartbeatPause <= TimeSpan.Zero) throw new ArgumentException($"acceptable-heartbeat-pause must be positive, is {acceptableHeartbeatPause}", nameof(acceptableHeartbeatPause));
        if (heartbeatInterval <= TimeSpan.Zero) throw new ArgumentException($"heartbeat-interval must be positive, is {heartbeatInterval}", nameof(heartbeatInterval));
        _clock = clock ?? DefaultClock;
        _deadline = (long)(acceptableHeartbeatPause + heartbeatInterval).TotalMilliseconds;
    }

    public DeadlineFailureDetector(Config config, EventStream eventStream) : this(config.GetTimeSpan("acceptable-heartbeat-pause"), config.GetTimeSpan("heartbeat-interval"))
    {
    }

    public override bool IsAvailable => !_active || _clock() - Volatile.Read(ref _last) <= _deadline;

    public override bool IsMonitoring => _active;

    public override void HeartBeat()
    {
        Volatile.Write(ref _last, _clock());
        _active = true;
    }
}

public static class FailureDetectorLoader
{
    /// <summary>Makes a detector of a class whose constructor takes the configuration and the event stream.</summary>
    /// <exception cref="ConfigurationException">There is no such class or constructor.</exception>
    public static FailureDetector Load(string fqcn, Config config, ActorSystem system)
    {
        var type = Type.GetType(fqcn) ?? throw new ConfigurationException($"Could not load failure detector class [{fqcn}]: there is no such type");
        try
        {
            return (FailureDetector)Activator.CreateInstance(type, config, system.EventStream);
        }
        catch (Exception e) when (e is MissingMethodException or System.Reflection.TargetInvocationException or InvalidCastException)
        {
            throw new ConfigurationException($"Could not create a failure detector of class [{fqcn}]: {(e.InnerException ?? e).Message}", e);
        }
    }

    public static FailureDetector LoadFailureDetector(this IActorContext context, string fqcn, Config config) => Load(fqcn, config, context.System);
}
