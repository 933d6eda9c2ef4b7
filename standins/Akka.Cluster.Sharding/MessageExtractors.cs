using System.Globalization;

namespace Akka.Cluster.Sharding;

/// <summary>Tells from a message for which entity it is. Called by several actors at once.</summary>
public interface IMessageExtractor
{
    /// <returns>null: the message is for no entity.</returns>
    string EntityId(object message);

    /// <summary>What the entity gets.</summary>
    object EntityMessage(object message);

    [Obsolete("Use ShardId(string, object) instead")]
    string ShardId(object message);

    /// <summary>The same at all times and on all nodes.</summary>
    string ShardId(string entityId, object messageHint = null);
}

/// <summary>Spreads the entities over a fixed number of shards, by a hash of their ids.</summary>
public abstract class HashCodeMessageExtractor : IMessageExtractor
{
    public readonly int MaxNumberOfShards;

    private readonly string[] _shardIds;

    protected HashCodeMessageExtractor(int maxNumberOfShards)
    {
        MaxNumberOfShards = maxNumberOfShards;
        _shardIds = Enumerable.Range(0, maxNumberOfShards).Select(n => n.ToString(CultureInfo.InvariantCulture)).ToArray();
    }

    /// <param name="messageExtractor">null, or null from it: the entity gets the message as it is.</param>
    public static HashCodeMessageExtractor Create(
        int maxNumberOfShards, Func<object, string> entityIdExtractor, Func<object, object> messageExtractor = null) =>
        new ByFunctions(maxNumberOfShards, entityIdExtractor, messageExtractor);

    public abstract string EntityId(object message);

    public virtual object EntityMessage(object message) => message;

    [Obsolete("Use ShardId(string, object) instead")]
    public virtual string ShardId(object message) => EntityId(message) is { Length: > 0 } id ? ShardId(id, message) : null;

    public virtual string ShardId(string entityId, object messageHint = null) =>
        _shardIds[Math.Abs(StableHash.Of(entityId) % MaxNumberOfShards)];

    private sealed class ByFunctions(int maxNumberOfShards, Func<object, string> entityId, Func<object, object> message)
        : HashCodeMessageExtractor(maxNumberOfShards)
    {
        private readonly Func<object, string> _entityId = entityId ?? throw new ArgumentNullException(nameof(entityId));

        public override string EntityId(object message) => _entityId(message);

        public override object EntityMessage(object message1) => message?.Invoke(message1) ?? message1;
    }
}

/// <summary>Knows envelopes, and leaves the rest to the application's extractor.</summary>
internal sealed class EnvelopeExtractor(IMessageExtractor inner) : IMessageExtractor
{
    public string EntityId(object message) => message is ShardingEnvelope envelope ? envelope.EntityId : inner.EntityId(message);

    public object EntityMessage(object message) => message is ShardingEnvelope envelope ? envelope.Message : inner.EntityMessage(message);

    public string ShardId(object message) => EntityId(message) is { Length: > 0 } id ? ShardId(id, message) : null;

    public string ShardId(string entityId, object messageHint = null) => inner.ShardId(entityId, messageHint);
}

/// <summary>The hash that fixes which shard an entity belongs to: Murmur's second version over pairs of characters.</summary>
internal static class StableHash
{
    private const uint Seed = 0x0331df49, Start = 0x971e137b, MagicA = 0x95543787, MagicB = 0x2ad7eb25, Mixer = 0x52dce729,
        MixerA = 0x7b7d159c, MixerB = 0x6bce6396;

    public static int Of(string text)
    {
        var (hash, a, b) = (((uint)text.Length * Seed) ^ Start, MagicA, MagicB);
        for (var i = 0; i < text.Length; i += 2)
        {
            var pair = i + 1 < text.Length ? ((uint)text[i] << 16) + text[i + 1] : text[i];
            hash = ((hash ^ (uint.RotateLeft(pair * a, 11) * b)) * 3) + Mixer;
            (a, b) = ((a * 5) + MixerA, (b * 5) + MixerB);
        }
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return (int)(hash ^ (hash >> 16));
    }
}
