using Akka.Configuration;

namespace TiKvActors.Storage;

/// <summary>The embedded reference.conf: every key of storage and of the <c>rocksdb</c> journal and snapshot store.</summary>
public static class StorageHocon
{
    /// <summary>To be the fallback of the configuration of an actor system that uses the journal.</summary>
    public static Config Reference() =>
        ConfigurationFactory.FromResource("TiKvActors.Storage.reference.conf", typeof(StorageHocon).Assembly);
}
