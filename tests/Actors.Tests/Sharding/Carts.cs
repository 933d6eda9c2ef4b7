using System.Text;
using Akka.Actor;
using TiKvActors.Actors.Sharding;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Actors.Tests.Sharding;

// The example of docs/operations.md; ShardingTests runs it, and compares the text between the markers.
// begin
/// <summary>A shopping cart per customer, on the node that leads the customer's keys. For every node, in its akka.extensions.</summary>
public sealed class Carts : ExtensionIdProvider<Carts.Entities>
{
    private static readonly PlacementShards _shards = new(prefixBytes: 8);

    public static new Entities Get(ActorSystem system) => system.WithExtension<Entities, Carts>();

    public override Entities CreateExtension(ExtendedActorSystem system) => new(system);

    public static string Of(string customer) =>
        _shards.EntityId(KeyMode.Raw, KeyspaceId.Default, Encoding.UTF8.GetBytes(customer), name: customer);

    public sealed class Entities(ActorSystem system) : IExtension
    {
        public Task<IActorRef> Region { get; } = TikvSharding.Get(system).StartAsync(
            "cart", id => Props.Create(() => new Cart(id)), new PlacementExtractor(_shards));
    }

    private sealed class Cart(string id) : UntypedActor
    {
        private readonly Address _node = ((ExtendedActorSystem)Context.System).Provider.DefaultAddress;
        private readonly HashSet<string> _items = [];

        protected override void OnReceive(object message)
        {
            _items.Add((string)message);
            Sender.Tell($"{id} on {_node} has {_items.Count}");
        }
    }
}
// end
