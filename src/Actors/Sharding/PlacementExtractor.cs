using Akka.Cluster.Sharding;

namespace TiKvActors.Actors.Sharding;

/// <summary>
/// For entities whose ids are those of <see cref="PlacementShards.EntityId"/>. <see cref="ShardingEnvelope"/>s are known without any
/// function. A message for an id of another form is a dead letter.
/// </summary>
/// <param name="entityId">Null for a message that is for no entity.</param>
/// <param name="entityMessage">What the entity gets of a message; without: the message.</param>
public sealed class PlacementExtractor(
    PlacementShards shards, Func<object, string?>? entityId = null, Func<object, object>? entityMessage = null) : IMessageExtractor
{
    public string? EntityId(object message) => entityId?.Invoke(message);

    public object EntityMessage(object message) => entityMessage?.Invoke(message) ?? message;

    public string? ShardId(object message) => EntityId(message) is { } id ? ShardId(id, message) : null;

    /// <returns>Empty: that is no id of these shards.</returns>
    public string ShardId(string entityId, object? messageHint = null) => shards.ShardIdOf(entityId) ?? "";
}
