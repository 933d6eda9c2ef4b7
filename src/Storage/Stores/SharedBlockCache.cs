using RocksDbSharp;

namespace TiKvActors.Storage.Stores;

/// <summary>The memory for blocks read from table files: one for all stores of a process.</summary>
public sealed class SharedBlockCache(long capacityBytes)
{
    public long CapacityBytes { get; } = capacityBytes;

    public long UsedBytes => (long)Cache.GetUsage();

    internal Cache Cache { get; } = Cache.CreateLru((ulong)capacityBytes);
}
