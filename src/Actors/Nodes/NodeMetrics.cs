using System.Diagnostics.Metrics;

namespace TiKvActors.Actors.Nodes;

/// <summary>What a node counts, for whoever listens to the meter <c>TiKvActors</c>. Each measurement names its node, as host:port.</summary>
internal sealed class NodeMetrics : IDisposable
{
    public const string MeterName = "TiKvActors";

    private readonly Meter _meter = new(MeterName);
    private readonly KeyValuePair<string, object?> _node;

    public NodeMetrics(TikvExtension tikv)
    {
        _node = new KeyValuePair<string, object?>("node", tikv.Address);
        Gauge("tikv.store.open", "Whether the store's engines are open", () => tikv.Engines is null ? 0 : 1);
        Gauge("tikv.store.leaders", "Regions that are led here", () => tikv.Counters.Leaders);
        Gauge("tikv.store.hibernated_regions", "Regions whose peer here hibernates", () => tikv.Counters.Hibernated);
        Gauge("tikv.store.disk_full", "Whether too little room is left to take more data", () => tikv.Disk.Full is null ? 0 : 1);
        Gauge("tikv.gateway.requests", "Requests that are accepted and not answered", () => tikv.Node?.Requests.Inside ?? 0);
        Counter("tikv.store.acknowledged_writes", "Keys whose write was acknowledged", () => tikv.Counters.AcknowledgedWrites);
        Counter(
            "tikv.store.received_snapshot_chunks", "Chunks of snapshots that were pulled from other stores",
            () => tikv.Counters.ReceivedSnapshotChunks);
        // What the engines count begins anew when they are opened anew, as counters may.
        Counter("tikv.journal.events", "Events written to the journal", () => tikv.JournalStatistics?.Events ?? 0);
        Counter("tikv.journal.batches", "Writes of the journal, each of many events", () => tikv.JournalStatistics?.Batches ?? 0);
        Counter("tikv.journal.syncs", "Synced writes of the journal", () => tikv.JournalStatistics?.Syncs ?? 0);
    }

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string description, Func<long> value) =>
        _meter.CreateObservableGauge(name, () => new Measurement<long>(value(), _node), unit: null, description);

    private void Counter(string name, string description, Func<long> value) =>
        _meter.CreateObservableCounter(name, () => new Measurement<long>(value(), _node), unit: null, description);
}
