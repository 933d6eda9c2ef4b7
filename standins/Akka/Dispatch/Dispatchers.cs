using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Dispatch;

/// <summary>The dispatchers of a system by the path of their configuration section.</summary>
public sealed class Dispatchers
{
    public const string DefaultDispatcherId = "akka.actor.default-dispatcher";
    public const string DefaultBlockingDispatcherId = "akka.actor.default-blocking-io-dispatcher";
    public const string SynchronizedDispatcherId = "akka.actor.synchronized-dispatcher";

    internal const string InternalDispatcherId = "akka.actor.internal-dispatcher";

    // A section may be the name of another one; more steps than this are a circle.
    private const int MaxAliases = 20;

    private readonly ActorSystem _system;
    private readonly ConcurrentDictionary<string, Lazy<MessageDispatcherConfigurator>> _configurators = new(StringComparer.Ordinal);
    private MessageDispatcher _default;

    public Dispatchers(ActorSystem system, IDispatcherPrerequisites prerequisites, ILoggingAdapter logger)
    {
        _system = system;
        Prerequisites = prerequisites;
        Logger = logger;
    }

    private ILoggingAdapter Logger { get; }

    public IDispatcherPrerequisites Prerequisites { get; }

    public Config DefaultDispatcherConfig => _system.Settings.Config.GetConfig(DefaultDispatcherId);

    public MessageDispatcher DefaultGlobalDispatcher => _default ??= Lookup(DefaultDispatcherId);

    internal MessageDispatcher InternalDispatcher =>
        HasDispatcher(InternalDispatcherId) ? Lookup(InternalDispatcherId) : DefaultGlobalDispatcher;

    /// <exception cref="ConfigurationException">There is no such section, or it makes no sense.</exception>
    public MessageDispatcher Lookup(string dispatcherName) => LookupConfigurator(dispatcherName).Dispatcher();

    public bool HasDispatcher(string id) => _configurators.ContainsKey(id) || _system.Settings.Config.HasPath(id);

    /// <summary>False if the id is taken.</summary>
    public bool RegisterConfigurator(string id, MessageDispatcherConfigurator configurator) =>
        _configurators.TryAdd(id, new Lazy<MessageDispatcherConfigurator>(configurator));

    private MessageDispatcherConfigurator LookupConfigurator(string id)
    {
        if (_configurators.TryGetValue(id, out var known)) return known.Value;
        var config = GetConfig(_system.Settings.Config, id);
        var made = new Lazy<MessageDispatcherConfigurator>(() => ConfiguratorFrom(id, config));
        return _configurators.GetOrAdd(id, made).Value;
    }

    /// <summary>The section of a dispatcher; if there is the name of another section instead, that one.</summary>
    public static Config GetConfig(Config config, string id, int depth = 0)
    {
        if (depth > MaxAliases)
            throw new ConfigurationException(
                $"Could not find a concrete dispatcher config after following {MaxAliases} aliases. Is there a loop in your config? "
                    + $"Last dispatcher id was [{id}]");
        if (!config.HasPath(id)) throw new ConfigurationException($"Dispatcher {id} not configured");
        var value = config.GetValue(id);
        if (value.IsObject()) return config.GetConfig(id);
        if (value.IsString()) return GetConfig(config, value.GetString(), depth + 1);
        throw new ConfigurationException($"Expected either a dispatcher config or an alias at [{id}]");
    }

    private MessageDispatcherConfigurator ConfiguratorFrom(string id, Config section)
    {
        var config = ConfigurationFactory.ParseString($"id = \"{id}\"").WithFallback(section).WithFallback(DefaultDispatcherConfig);
        var type = section.GetString("type", null) ?? DefaultDispatcherConfig.GetString("type", "Dispatcher");
        switch (type)
        {
            case "Dispatcher":
                return new DispatcherConfigurator(config, Prerequisites);
            case "TaskDispatcher":
                return new DispatcherConfigurator(With(config, "executor = task-executor"), Prerequisites);
            case "ForkJoinDispatcher":
                if (!section.HasPath("dedicated-thread-pool"))
                    throw new ConfigurationException(
                        $"Dispatcher {id}: a ForkJoinDispatcher needs dedicated-thread-pool {{ thread-count = ... }}");
                return new DispatcherConfigurator(With(config, "executor = fork-join-executor"), Prerequisites);
            case "PinnedDispatcher":
                return new PinnedDispatcherConfigurator(config, Prerequisites);
            case "SynchronizedDispatcher":
                return new SynchronizedDispatcherConfigurator(With(config, "executor = current-context-executor"), Prerequisites);
            case null or "":
                throw new ConfigurationException($"Could not resolve dispatcher for path {id}. type is null");
        }
        var configurator = Type.GetType(type)
            ?? throw new ConfigurationException($"Could not resolve dispatcher type {type} for path {id}");
        Logger?.Debug("dispatcher {0} is made by {1}", id, configurator);
        return (MessageDispatcherConfigurator)Activator.CreateInstance(configurator, config, Prerequisites);
    }

    private static Config With(Config config, string hocon) => ConfigurationFactory.ParseString(hocon).WithFallback(config);
}

/// <summary>One dispatcher for all actors of the section.</summary>
public sealed class DispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly Lazy<MessageDispatcher> _instance;

    public DispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
    {
        var settings = new DispatcherSettings(config);
        _instance = new Lazy<MessageDispatcher>(() => new Dispatcher(
            this, settings.Id, settings.Throughput, settings.ThroughputDeadlineTicks, ConfigureExecutor(), settings.ShutdownTimeout));
    }

    public override MessageDispatcher Dispatcher() => _instance.Value;
}

/// <summary>A dispatcher with one thread for every actor.</summary>
internal sealed class PinnedDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly DispatcherSettings _settings;

    public PinnedDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites) =>
        _settings = new DispatcherSettings(config);

    public override MessageDispatcher Dispatcher() =>
        new PinnedDispatcher(
            this, _settings.Id, _settings.Throughput, _settings.ThroughputDeadlineTicks, new OneThread(_settings.ShutdownTimeout),
            _settings.ShutdownTimeout);

    private sealed class OneThread(TimeSpan lingering) : ExecutorServiceFactory
    {
        public override ExecutorService Produce(string id) => new DedicatedThreads(id, 1, lingering);
    }
}

internal sealed class SynchronizedDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly DispatcherSettings _settings;

    public SynchronizedDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites) =>
        _settings = new DispatcherSettings(config);

    // The synchronization context is the caller's.
    public override MessageDispatcher Dispatcher() =>
        new CurrentSynchronizationContextDispatcher(
            this, _settings.Id, _settings.Throughput, _settings.ThroughputDeadlineTicks, ConfigureExecutor(), _settings.ShutdownTimeout);
}

internal sealed record DispatcherSettings(string Id, int Throughput, long? ThroughputDeadlineTicks, TimeSpan ShutdownTimeout)
{
    public DispatcherSettings(Config config)
        : this(
            config.GetString("id", null),
            config.GetInt("throughput", MessageDispatcher.DefaultThroughput),
            config.GetTimeSpan("throughput-deadline-time", TimeSpan.Zero) is { Ticks: > 0 } deadline ? deadline.Ticks : null,
            config.GetTimeSpan("shutdown-timeout", TimeSpan.FromSeconds(1)))
    {
    }
}
