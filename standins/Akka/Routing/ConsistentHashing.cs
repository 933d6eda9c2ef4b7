using System.Text;
using Akka.Actor;
using Akka.Event;

namespace Akka.Routing;

/// <summary>The same routee for the same key; when routees come or go only few keys move.</summary>
public sealed class ConsistentHashingRoutingLogic : RoutingLogic
{
    private readonly ActorSystem _system;
    private readonly int _virtualNodesFactor;
    private readonly ConsistentHashMapping _hashMapping;
    private volatile Ring _ring;

    public ConsistentHashingRoutingLogic(ActorSystem system)
        : this(system, 0, _ => null)
    {
    }

    /// <param name="virtualNodesFactor">points a routee on the ring; 0: akka.actor.deployment.default.virtual-nodes-factor.</param>
    /// <param name="hashMapping">gives the keys of messages that do not say their own.</param>
    public ConsistentHashingRoutingLogic(ActorSystem system, int virtualNodesFactor, ConsistentHashMapping hashMapping)
    {
        _system = system;
        _virtualNodesFactor = virtualNodesFactor > 0 ? virtualNodesFactor : system.Settings.DefaultVirtualNodesFactor;
        _hashMapping = hashMapping;
    }

    public ConsistentHashingRoutingLogic WithHashMapping(ConsistentHashMapping mapping) => new(_system, _virtualNodesFactor, mapping);

    public override Routee Select(object message, Routee[] routees)
    {
        if (routees.Length == 0) return Routee.NoRoutee;
        var key = (message as IConsistentHashable)?.ConsistentHashKey ?? _hashMapping(message);
        if (key == null)
        {
            _system.Log.Warning(
                "Message [{0}] must say its key (IConsistentHashable or ConsistentHashableEnvelope), or the router needs a hash mapping",
                message.GetType().Name);
            return Routee.NoRoutee;
        }
        var ring = _ring;
        if (ring == null || ring.Routees != routees) _ring = ring = new Ring(routees, _virtualNodesFactor);
        return ring.RouteeOf(BytesOf(key));
    }

    private byte[] BytesOf(object key) => key switch
    {
        byte[] bytes => bytes,
        string text => Encoding.UTF8.GetBytes(text),
        _ => _system.Serialization.FindSerializerFor(key).ToBinary(key)
    };

    private sealed class Ring
    {
        private readonly uint[] _points;
        private readonly Routee[] _owners;

        public Ring(Routee[] routees, int virtualNodesFactor)
        {
            Routees = routees;
            _points = new uint[routees.Length * virtualNodesFactor];
            _owners = new Routee[_points.Length];
            for (var i = 0; i < _points.Length; i++)
            {
                var routee = routees[i / virtualNodesFactor];
                _points[i] = Hash(Encoding.UTF8.GetBytes($"{NameOf(routee)}:{i % virtualNodesFactor}"));
                _owners[i] = routee;
            }
            Array.Sort(_points, _owners);
        }

        public Routee[] Routees { get; }

        public Routee RouteeOf(byte[] key)
        {
            var index = Array.BinarySearch(_points, Hash(key));
            if (index < 0) index = ~index;
            return _owners[index % _owners.Length];
        }

        private static string NameOf(Routee routee) => routee switch
        {
            ActorRefRoutee actor => actor.Actor.Path.ToSerializationFormat(),
            ActorSelectionRoutee selection => selection.Selection.ToString(),
            _ => routee.ToString()
        };

        /// <summary>FNV-1a with a final mix (Murmur's), since ends of similar names must not end up beside each other.</summary>
        private static uint Hash(byte[] bytes)
        {
            var hash = 2166136261u;
            foreach (var b in bytes) hash = (hash ^ b) * 16777619u;
            hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
            hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
            return hash ^ (hash >> 16);
        }
    }
}
