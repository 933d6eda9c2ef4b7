using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Journal;

namespace Akka.Persistence;

/// <summary>
/// One an actor system: starts the journals and snapshot stores that actors ask for, each once, as a system actor named like
/// the path of its configuration.
/// </summary>
public class PersistenceExtension : IExtension
{
    private const string JournalFallbackPath = "akka.persistence.journal-plugin-fallback";
    private const string SnapshotStoreFallbackPath = "akka.persistence.snapshot-store-plugin-fallback";
    private const string NoSnapshotStoreId = "akka.persistence.no-snapshot-store";

    private readonly ExtendedActorSystem _system;
    private readonly string _defaultJournalId;
    private readonly string _defaultSnapshotStoreId;
    private readonly Lazy<IStashOverflowStrategy> _defaultStashOverflowStrategy;
    private readonly ConcurrentDictionary<string, Lazy<Plugin>> _plugins = new();

    /// <summary>Apart from the plugins: a journal asks for its adapters while it is being started.</summary>
    private readonly ConcurrentDictionary<string, Lazy<EventAdapters>> _adapters = new();

    public PersistenceExtension(ExtendedActorSystem system)
    {
        _system = system;
        system.Settings.InjectTopLevelFallback(Persistence.DefaultConfig());
        var config = system.Settings.Config.GetConfig("akka.persistence");
        _defaultJournalId = config.GetString("journal.plugin");
        _defaultSnapshotStoreId = config.GetString("snapshot-store.plugin");
        _defaultStashOverflowStrategy = new Lazy<IStashOverflowStrategy>(() => CreateOverflowStrategy(config));
        // Recovery is asked for by every persistent actor that starts, before it does anything else.
        RecoveryPermitter = system.SystemActorOf(
            Akka.Persistence.RecoveryPermitter.Props(config.GetInt("max-concurrent-recoveries")), "recoveryPermitter");
    }

    public IStashOverflowStrategy DefaultInternalStashOverflowStrategy => _defaultStashOverflowStrategy.Value;

    internal IActorRef RecoveryPermitter { get; }

    /// <summary>The path of the actor within its system: what an actor without an own idea may use as its persistence id.</summary>
    public string PersistenceId(IActorRef actor) => actor.Path.ToStringWithoutAddress();

    /// <param name="journalPluginId">A path in the configuration; null or empty means the configured default.</param>
    /// <exception cref="ArgumentException">There is no plugin at that path.</exception>
    public IActorRef JournalFor(string journalPluginId) => PluginFor(JournalId(journalPluginId), JournalFallbackPath).Ref;

    /// <param name="journalPluginId">A path in the configuration; null or empty means the configured default.</param>
    /// <exception cref="ArgumentException">A type or an adapter of its configuration does not exist.</exception>
    public EventAdapters AdaptersFor(string journalPluginId) =>
        _adapters.GetOrAdd(JournalId(journalPluginId), static (id, extension) =>
            new Lazy<EventAdapters>(() => EventAdapters.Create(extension._system, extension.ConfigAt(id, JournalFallbackPath))),
            this).Value;

    /// <param name="snapshotPluginId">A path in the configuration; null or empty means the configured default.</param>
    /// <exception cref="ArgumentException">There is no plugin at that path.</exception>
    public IActorRef SnapshotStoreFor(string snapshotPluginId)
    {
        var id = string.IsNullOrEmpty(snapshotPluginId) ? _defaultSnapshotStoreId : snapshotPluginId;
        return PluginFor(string.IsNullOrEmpty(id) ? NoSnapshotStoreId : id, SnapshotStoreFallbackPath).Ref;
    }

    internal TimeSpan RecoveryEventTimeoutOf(string journalPluginId) =>
        PluginFor(JournalId(journalPluginId), JournalFallbackPath).RecoveryEventTimeout;

    /// <summary>The configuration of a plugin actor, which is named like its path.</summary>
    internal Config ConfigOf(IActorRef plugin, bool isJournal) =>
        ConfigAt(plugin.Path.Name, isJournal ? JournalFallbackPath : SnapshotStoreFallbackPath);

    private string JournalId(string journalPluginId)
    {
        var id = string.IsNullOrEmpty(journalPluginId) ? _defaultJournalId : journalPluginId;
        return string.IsNullOrEmpty(id)
            ? throw new ArgumentException("No journal is configured: set akka.persistence.journal.plugin to the path of one.")
            : id;
    }

    private Plugin PluginFor(string id, string fallbackPath)
    {
        var plugin = _plugins.GetOrAdd(
            id, static (id, arg) => new Lazy<Plugin>(() => arg.Extension.Start(id, arg.FallbackPath)),
            (Extension: this, FallbackPath: fallbackPath));
        return plugin.Value;
    }

    private Config ConfigAt(string id, string fallbackPath)
    {
        var config = _system.Settings.Config;
        var fallback = config.GetConfig(fallbackPath);
        return config.HasPath(id) ? config.GetConfig(id).WithFallback(fallback) : fallback;
    }

    private Plugin Start(string id, string fallbackPath)
    {
        var config = ConfigAt(id, fallbackPath);
        var className = config.GetString("class");
        if (string.IsNullOrEmpty(className))
            throw new ArgumentException($"No plugin class is configured: set {id}.class to its type name.");
        var type = Type.GetType(className) ?? throw new ArgumentException($"The plugin class '{className}' of {id}.class is not found.");
        var takesConfig = type.GetConstructor([typeof(Config)]) != null;
        var props = (takesConfig ? Props.Create(type, config) : Props.Create(type)).WithDispatcher(config.GetString("plugin-dispatcher"));
        return new Plugin(_system.SystemActorOf(props, id), config.GetTimeSpan("recovery-event-timeout", TimeSpan.FromSeconds(30), false));
    }

    private static IStashOverflowStrategy CreateOverflowStrategy(Config config)
    {
        var className = config.GetString("internal-stash-overflow-strategy");
        var type = Type.GetType(className) ?? throw new ConfigurationException(
            $"The class '{className}' of akka.persistence.internal-stash-overflow-strategy is not found.");
        return ((IStashOverflowStrategyConfigurator)Activator.CreateInstance(type)).Create(config);
    }

    private sealed record Plugin(IActorRef Ref, TimeSpan RecoveryEventTimeout);
}
