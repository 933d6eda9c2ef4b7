using TiKvActors.Client;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Bench;

/// <summary>What the stores did between two readings, summed; CPU and memory once for each process.</summary>
public sealed record ServerCost(
    ulong AcknowledgedWrites, ulong JournalEvents, ulong JournalBatches, ulong JournalSyncs, TimeSpan Cpu, ulong MemoryBytes)
{
    public static async Task<ServerCost> ReadAsync(AdminClient admin, CancellationToken cancellation)
    {
        var stores = new List<StoreStatistics>();
        foreach (var store in await admin.ListStoresAsync(cancellation)) stores.Add(await admin.StoreStatisticsAsync(store, cancellation));
        var processes = stores.GroupBy(s => s.ProcessId).Select(p => p.MaxBy(s => s.ProcessCpuMicros)!).ToList();
        return new ServerCost(
            Sum(stores, s => s.AcknowledgedWrites), Sum(stores, s => s.JournalEvents), Sum(stores, s => s.JournalBatches), Sum(stores, s => s.JournalSyncs),
            TimeSpan.FromMicroseconds(Sum(processes, p => p.ProcessCpuMicros)), Sum(processes, p => p.ProcessMemoryBytes));
    }

    /// <summary>The difference to an earlier reading; memory as it is now.</summary>
    public ServerCost Since(ServerCost earlier) => new(
        AcknowledgedWrites - earlier.AcknowledgedWrites, JournalEvents - earlier.JournalEvents, JournalBatches - earlier.JournalBatches,
        JournalSyncs - earlier.JournalSyncs, Cpu - earlier.Cpu, MemoryBytes);

    private static ulong Sum(IEnumerable<StoreStatistics> stores, Func<StoreStatistics, ulong> value) => stores.Aggregate(0ul, (sum, s) => sum + value(s));
}
