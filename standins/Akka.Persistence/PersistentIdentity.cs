using Akka.Actor;

namespace Akka.Persistence;

public interface IPersistentIdentity
{
    /// <summary>Names the actor's events and snapshots, for ever.</summary>
    string PersistenceId { get; }

    /// <summary>Path of the journal's configuration; empty means the configured default.</summary>
    string JournalPluginId { get; }

    /// <summary>Path of the snapshot store's configuration; empty means the configured default.</summary>
    string SnapshotPluginId { get; }
}

public interface IPersistenceRecovery
{
    Recovery Recovery { get; }
}

public interface IPersistenceStash : IWithUnboundedStash
{
    IStashOverflowStrategy InternalStashOverflowStrategy { get; }
}
