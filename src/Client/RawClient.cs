using Akka.Configuration;
using TiKvActors.Client.Calls;
using TiKvActors.Client.Cluster;
using TiKvActors.Client.Regions;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client;

/// <summary>
/// Raw keys of a cluster: every key for itself, without transactions. One instance serves any number of concurrent calls;
/// they share connections and batches. Every call ends within its timeout, with a result or a <see cref="TikvException"/>; a cancelled one
/// with an <see cref="OperationCanceledException"/>, whose inner exception is an <see cref="UndeterminedException"/> if it was a
/// write that may have happened.
/// </summary>
public sealed partial class RawClient : IAsyncDisposable
{
    private readonly ClusterConnection _cluster;
    private readonly RegionRouter _router;
    private readonly RawKeySpace _keys;

    internal RawClient(ClusterConnection cluster) => (_cluster, _router, _keys) = (cluster, cluster.Router, cluster.Keys);

    public ulong ClusterId => _cluster.Pd.ClusterId;

    /// <summary>Of the cluster, fixed when it was made.</summary>
    public APIVersion ApiVersion => _keys.ApiVersion;

    /// <summary>The fallback for the configuration of an actor system of the application that a client is to use.</summary>
    public static Config ReferenceConfig => ClientSettings.Reference;

    /// <summary>Ends what is under way (writes among it are undetermined) and, if it is the client's own, the actor system.</summary>
    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private Call Start(Operation operation, CallKind kind, CancellationToken cancellation) => _cluster.Start(operation, kind, cancellation);

    private static void Check(string? complaint)
    {
        if (complaint is not null)
            throw new InvalidRequestException(complaint);
    }

    /// <returns>Seconds, rounded up; 0 = for ever.</returns>
    private static ulong TtlSeconds(TimeSpan? ttl)
    {
        long? seconds = ttl is null ? null : (long)Math.Ceiling(ttl.Value.TotalSeconds);
        Check(Protocol.RequestLimits.CheckTtl(seconds));
        return (ulong)(seconds ?? 0);
    }
}
