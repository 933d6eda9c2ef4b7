using System.Threading.Channels;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Tests.Shared.Persistence;

/// <summary>
/// An actor system that uses a plugin, and the plugin's protocol spoken directly: no persistent actor hides what it answers. The
/// behaviours are those that Akka.Persistence's compatibility kit demands of every plugin.
/// </summary>
public abstract class PluginTests : IAsyncLifetime
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>One message of each kind that actors of this project persist.</summary>
    public static TheoryData<string> Payloads => [.. Samples.Keys];

    protected static IReadOnlyDictionary<string, IMessage> Samples { get; } = new Dictionary<string, IMessage>
    {
        ["jRA"] = Event("command"),
        ["jRT"] = new RaftTruncated { HardState = new HardState { Term = 3, Vote = 4, Commit = 5 }, Index = 6, Term = 3 },
        ["dCI"] = new ClusterIdentityDecided { ClusterId = 77, ApiVersion = APIVersion.V1Ttl },
        ["dIW"] = new IdWindowExtended { End = 2000 },
        ["dST"] = new StoreTableChanged { Store = new Store { Id = 1, Address = "127.0.0.1:2551" } },
        ["dCB"] = new ClusterBootstrapped { FirstRegion = RegionOf(2, "", "") },
        ["dRT"] = new RegionTableChanged { Regions = { RegionOf(2, "", "m"), RegionOf(4, "m", "") }, RemovedRegionIds = { 9 } },
        ["dPS"] = new PlacementSnapshot { Identity = new ClusterIdentityDecided { ClusterId = 77 }, IdWindowEnd = 2000, Regions = { RegionOf(2, "", "") } },
    };

    /// <summary>Another one for each test: several may share what the plugin writes to.</summary>
    protected string Id { get; } = $"region/{Guid.NewGuid()}/2";

    protected abstract ActorSystem System { get; }

    public abstract Task InitializeAsync();

    public abstract Task DisposeAsync();

    /// <summary>Ends the actor system, closes and opens again what the plugin writes to, and starts a new system.</summary>
    protected abstract Task ReopenAsync();

    /// <summary>What a test found must also be so after the actor system ended and the engines were closed and opened again.</summary>
    protected async Task HoldsAlsoAfterReopening(Func<Task> assertions)
    {
        await assertions();
        await ReopenAsync();
        await assertions();
    }

    protected static RaftAdvanced Event(string text) => new()
    {
        HardState = new HardState { Term = 1 },
        Entries = { new Entry { Index = 6, Term = 1, Data = ByteString.CopyFromUtf8(text) } },
    };

    private static Region RegionOf(ulong id, string start, string end) => new()
    {
        Id = id,
        StartKey = ByteString.CopyFromUtf8(start),
        EndKey = ByteString.CopyFromUtf8(end),
        RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 },
        Peers = { new Peer { Id = id + 1, StoreId = 1 } },
    };

    /// <summary>Takes what a plugin sends, in order.</summary>
    protected sealed class Listener : ReceiveActor
    {
        private Listener(ChannelWriter<object> received) => ReceiveAny(message => received.TryWrite(message));

        public static (IActorRef Actor, ChannelReader<object> Received) Start(ActorSystem system)
        {
            var received = Channel.CreateUnbounded<object>();
            return (system.ActorOf(Props.Create(() => new Listener(received.Writer))), received.Reader);
        }
    }
}
