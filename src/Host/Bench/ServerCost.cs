using TiKvActors.Client;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Bench;

/// <summary>What the stores that answered did, summed; CPU and memory once for each process.</summary>
public sealed record ServerCost
{
    private readonly string _stores;

    private ServerCost(List<StoreStatistics> stores)
    {
        var processes = stores.GroupBy(s => s.ProcessId).Select(p => p.MaxBy(s => s.ProcessCpuMicros)!).ToList();
        _stores = string.Join(' ', stores.Select(s => $"{s.StoreId}@{s.ProcessId}").Order(StringComparer.Ordinal));
        AcknowledgedWrites = stores.Sum(s => (long)s.AcknowledgedWrites);
        JournalEvents = stores.Sum(s => (long)s.JournalEvents);
        JournalBatches = stores.Sum(s => (long)s.JournalBatches);
        JournalSyncs = stores.Sum(s => (long)s.JournalSyncs);
        Cpu = TimeSpan.FromMicroseconds(processes.Sum(p => (long)p.ProcessCpuMicros));
        MemoryBytes = processes.Sum(p => (long)p.ProcessMemoryBytes);
    }

    public long AcknowledgedWrites { get; private init; }

    public long JournalEvents { get; private init; }

    public long JournalBatches { get; private init; }

    public long JournalSyncs { get; private init; }

    public TimeSpan Cpu { get; private init; }

    public long MemoryBytes { get; }

    public static async Task<ServerCost> ReadAsync(AdminClient admin, CancellationToken cancellation)
    {
        var answers = new List<StoreStatistics>();
        foreach (var store in await admin.ListStoresAsync(cancellation))
        {
            try
            {
                answers.Add(await admin.StoreStatisticsAsync(store, cancellation));
            }
            catch (ConnectionFailedException)
            {
                // A stopped store costs nothing; one that stops or starts meanwhile makes Since give up.
            }
        }

        return new ServerCost(answers);
    }

    /// <summary>
    /// The difference to an earlier reading, memory as it is now; null if other stores or processes answered then, or counters began anew.
    /// </summary>
    public ServerCost? Since(ServerCost earlier) =>
        _stores != earlier._stores || AcknowledgedWrites < earlier.AcknowledgedWrites || JournalBatches < earlier.JournalBatches
            ? null
            : this with
            {
                AcknowledgedWrites = AcknowledgedWrites - earlier.AcknowledgedWrites,
                JournalEvents = JournalEvents - earlier.JournalEvents,
                JournalBatches = JournalBatches - earlier.JournalBatches,
                JournalSyncs = JournalSyncs - earlier.JournalSyncs,
                Cpu = Cpu - earlier.Cpu,
            };
}
