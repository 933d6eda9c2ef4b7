using Akka.Configuration;

namespace Akka.Cluster.Sharding;

/// <summary>The numbers among akka.cluster.sharding. Those of the real package that have no effect here are missing.</summary>
public class TuningParameters
{
    public readonly TimeSpan CoordinatorFailureBackoff;
    public readonly TimeSpan RetryInterval;
    public readonly int BufferSize;
    public readonly TimeSpan HandOffTimeout;
    public readonly TimeSpan ShardStartTimeout;
    public readonly TimeSpan RebalanceInterval;
    public readonly int SnapshotAfter;
    public readonly int KeepNrOfBatches;
    public readonly int LeastShardAllocationRebalanceThreshold;
    public readonly int LeastShardAllocationMaxSimultaneousRebalance;
    public readonly int LeastShardAllocationAbsoluteLimit;
    public readonly double LeastShardAllocationRelativeLimit;

    private TuningParameters(
        TimeSpan coordinatorFailureBackoff, TimeSpan retryInterval, int bufferSize, TimeSpan handOffTimeout, TimeSpan shardStartTimeout,
        TimeSpan rebalanceInterval,
        int snapshotAfter, int keepNrOfBatches, int rebalanceThreshold, int maxSimultaneousRebalance, int absoluteLimit,
        double relativeLimit)
    {
        CoordinatorFailureBackoff = AtLeast(TimeSpan.FromMilliseconds(1), coordinatorFailureBackoff, "coordinator-failure-backoff");
        RetryInterval = AtLeast(TimeSpan.FromMilliseconds(1), retryInterval, "retry-interval");
        BufferSize = AtLeast(0, bufferSize, "buffer-size");
        HandOffTimeout = AtLeast(TimeSpan.FromMilliseconds(1), handOffTimeout, "handoff-timeout");
        ShardStartTimeout = AtLeast(TimeSpan.FromMilliseconds(1), shardStartTimeout, "shard-start-timeout");
        RebalanceInterval = AtLeast(TimeSpan.FromMilliseconds(1), rebalanceInterval, "rebalance-interval");
        SnapshotAfter = AtLeast(1, snapshotAfter, "snapshot-after");
        KeepNrOfBatches = AtLeast(0, keepNrOfBatches, "keep-nr-of-batches");
        LeastShardAllocationRebalanceThreshold = AtLeast(1, rebalanceThreshold, "least-shard-allocation-strategy.rebalance-threshold");
        LeastShardAllocationMaxSimultaneousRebalance = AtLeast(
            0, maxSimultaneousRebalance, "least-shard-allocation-strategy.max-simultaneous-rebalance");
        LeastShardAllocationAbsoluteLimit = AtLeast(0, absoluteLimit, "least-shard-allocation-strategy.rebalance-absolute-limit");
        LeastShardAllocationRelativeLimit = AtLeast(0.0, relativeLimit, "least-shard-allocation-strategy.rebalance-relative-limit");
    }

    public TuningParameters WithCoordinatorFailureBackoff(TimeSpan coordinatorFailureBackoff) =>
        Copy(coordinatorFailureBackoff: coordinatorFailureBackoff);

    public TuningParameters WithRetryInterval(TimeSpan retryInterval) => Copy(retryInterval: retryInterval);

    public TuningParameters WithBufferSize(int bufferSize) => Copy(bufferSize: bufferSize);

    public TuningParameters WithHandOffTimeout(TimeSpan handOffTimeout) => Copy(handOffTimeout: handOffTimeout);

    public TuningParameters WithShardStartTimeout(TimeSpan shardStartTimeout) => Copy(shardStartTimeout: shardStartTimeout);

    public TuningParameters WithRebalanceInterval(TimeSpan rebalanceInterval) => Copy(rebalanceInterval: rebalanceInterval);

    public TuningParameters WithSnapshotAfter(int snapshotAfter) => Copy(snapshotAfter: snapshotAfter);

    public TuningParameters WithKeepNrOfBatches(int keepNrOfBatches) => Copy(keepNrOfBatches: keepNrOfBatches);

    public TuningParameters WithLeastShardAllocationRebalanceThreshold(int leastShardAllocationRebalanceThreshold) =>
        Copy(rebalanceThreshold: leastShardAllocationRebalanceThreshold);

    public TuningParameters WithLeastShardAllocationMaxSimultaneousRebalance(int leastShardAllocationMaxSimultaneousRebalance) =>
        Copy(maxSimultaneousRebalance: leastShardAllocationMaxSimultaneousRebalance);

    public TuningParameters WithLeastShardAllocationAbsoluteLimit(int leastShardAllocationAbsoluteLimit) =>
        Copy(absoluteLimit: leastShardAllocationAbsoluteLimit);

    public TuningParameters WithLeastShardAllocationRelativeLimit(double leastShardAllocationRelativeLimit) =>
        Copy(relativeLimit: leastShardAllocationRelativeLimit);

    internal static TuningParameters Create(Config config)
    {
        var leastShards = config.GetConfig("least-shard-allocation-strategy");
        return new TuningParameters(
            config.GetTimeSpan("coordinator-failure-backoff"), config.GetTimeSpan("retry-interval"), config.GetInt("buffer-size"),
            config.GetTimeSpan("handoff-timeout"),
            config.GetTimeSpan("shard-start-timeout"), config.GetTimeSpan("rebalance-interval"), config.GetInt("snapshot-after"),
            config.GetInt("keep-nr-of-batches"),
            leastShards.GetInt("rebalance-threshold"), leastShards.GetInt("max-simultaneous-rebalance"),
            leastShards.GetInt("rebalance-absolute-limit"), leastShards.GetDouble("rebalance-relative-limit"));
    }

    private static T AtLeast<T>(T least, T value, string key) where T : IComparable<T> =>
        value.CompareTo(least) >= 0
            ? value : throw new ConfigurationException($"akka.cluster.sharding.{key} must be at least {least}, is {value}");

    private TuningParameters Copy(
        TimeSpan? coordinatorFailureBackoff = null, TimeSpan? retryInterval = null, int? bufferSize = null, TimeSpan? handOffTimeout = null,
        TimeSpan? shardStartTimeout = null, TimeSpan? rebalanceInterval = null, int? snapshotAfter = null, int? keepNrOfBatches = null,
        int? rebalanceThreshold = null, int? maxSimultaneousRebalance = null, int? absoluteLimit = null, double? relativeLimit = null) =>
        new(coordinatorFailureBackoff ?? CoordinatorFailureBackoff, retryInterval ?? RetryInterval, bufferSize ?? BufferSize,
            handOffTimeout ?? HandOffTimeout,
            shardStartTimeout ?? ShardStartTimeout, rebalanceInterval ?? RebalanceInterval, snapshotAfter ?? SnapshotAfter,
            keepNrOfBatches ?? KeepNrOfBatches, rebalanceThreshold ?? LeastShardAllocationRebalanceThreshold,
            maxSimultaneousRebalance ?? LeastShardAllocationMaxSimultaneousRebalance,
            absoluteLimit ?? LeastShardAllocationAbsoluteLimit, relativeLimit ?? LeastShardAllocationRelativeLimit);
}
