using System.Collections.Concurrent;
using Akka.Actor;

namespace TiKvActors.Actors.Stores;

/// <summary>Which peer of this store serves a region. Written by the peers, read by the gateway on every request. Thread-safe.</summary>
internal sealed class PeerRouter
{
    private readonly ConcurrentDictionary<ulong, IActorRef> _peers = new();

    public IReadOnlyCollection<KeyValuePair<ulong, IActorRef>> Peers => _peers;

    public IActorRef? Find(ulong regionId) => _peers.GetValueOrDefault(regionId);

    public void Add(ulong regionId, IActorRef peer) => _peers[regionId] = peer;

    public void Remove(ulong regionId, IActorRef peer) => _peers.TryRemove(new KeyValuePair<ulong, IActorRef>(regionId, peer));
}
