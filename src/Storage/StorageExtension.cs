using Akka.Actor;
using Akka.Actor.Setup;
using TiKvActors.Storage.Journal;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Storage;

/// <summary>What an actor system is given when it is created.</summary>
public sealed class StorageSetup : Setup
{
    /// <summary>The process's, for whoever opens engines for this system; null where each store has its own.</summary>
    public SharedBlockCache? BlockCache { get; init; }

    /// <summary>Engines that are open already; the same as <see cref="StorageExtension.Attach"/> right after.</summary>
    public StoreEngines? Engines { get; init; }
}

/// <summary>An event as its actor persisted it.</summary>
public readonly record struct JournalEvent(long SequenceNr, object Event);

/// <summary>
/// Where an actor system's journal and snapshot store find their engines, so that several systems in one process each have their own. The
/// owner of the engines attaches them, and attaches others after it had to close and reopen them. Thread-safe.
/// </summary>
public sealed class StorageExtension : IExtension
{
    private readonly ExtendedActorSystem _system;
    private volatile StoreEngines? _engines;

    private StorageExtension(ExtendedActorSystem system)
    {
        _system = system;
        var setup = system.Settings.Setup.Get<StorageSetup>() is { HasValue: true } given ? given.Value : new StorageSetup();
        _engines = setup.Engines;
        BlockCache = setup.BlockCache;
    }

    /// <summary>The process's, from <see cref="StorageSetup"/>; null if it gave none.</summary>
    public SharedBlockCache? BlockCache { get; }

    /// <exception cref="StorageException">None are attached (any more): the store has not started, or is restarting.</exception>
    public StoreEngines Engines => _engines
        ?? throw new StorageException($"actor system {_system.Name} has no storage attached: the store has not started, or is restarting");

    public static StorageExtension Get(ActorSystem system) => system.WithExtension<StorageExtension, Provider>();

    public void Attach(StoreEngines engines) => _engines = engines;

    /// <summary>Before the engines are closed. Journal and snapshot store fail their requests from now on.</summary>
    public void Detach() => _engines = null;

    /// <summary>
    /// Durable events of a persistence id, without recovering its actor: old Raft entries. Bounds are inclusive; ends early at
    /// <paramref name="maxBytes"/> of payload, but holds at least one event if there is one. Reads the disk.
    /// </summary>
    /// <exception cref="CorruptionException"/>
    public IReadOnlyList<JournalEvent> ReadEvents(string persistenceId, long from, long to, long maxBytes)
    {
        var stored = Engines.Journal.ReadEvents(persistenceId, from, to, maxBytes);
        var codec = new PayloadCodec(_system);
        return stored.Select(e => new JournalEvent(e.SequenceNr, codec.Decode(e.Payload, e.SerializerId, e.SerializerManifest))).ToArray();
    }

    public sealed class Provider : ExtensionIdProvider<StorageExtension>
    {
        public override StorageExtension CreateExtension(ExtendedActorSystem system) => new(system);
    }
}
