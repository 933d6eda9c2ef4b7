using System.Threading.Channels;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Storage.Tests;

/// <summary>
/// A store, an actor system that uses its plugins, and their protocol spoken directly: no persistent actor hides what a plugin answers.
/// The behaviours are those that Akka.Persistence's compatibility kit demands of every plugin.
/// </summary>
public abstract class PluginTests : IDisposable
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestStore _store = new();
    private ActorSystem? _system;

    /// <summary>One message of each kind that actors of this project persist.</summary>
    public static TheoryData<string> Payloads => [.. Samples.Keys];

    protected static IReadOnlyDictionary<string, IMessage> Samples { get; } = new Dictionary<string, IMessage>
    {
        ["jRA"] = Event("command"),
        ["jRT"] = new RaftTruncated { HardState = new HardState { Term = 3, Vote = 4, Commit = 5 }, Index = 6, Term = 3 },
        ["dCI"] = new ClusterIdentityDecided { ClusterId = 77, ApiVersion = APIVersion.V1Ttl },
        ["dIW"] = new IdWindowExtended { End = 2000 },
        ["dST"] = new StoreTableChanged { Store = new Protocol.Metapb.Store { Id = 1, Address = "127.0.0.1:2551" } },
        ["dCB"] = new ClusterBootstrapped { FirstRegion = TestStore.RegionOf(2, "", "") },
        ["dRT"] = new RegionTableChanged { Regions = { TestStore.RegionOf(2, "", "m"), TestStore.RegionOf(4, "m", "") }, RemovedRegionIds = { 9 } },
        ["dPS"] = new PlacementSnapshot { Identity = new ClusterIdentityDecided { ClusterId = 77 }, IdWindowEnd = 2000, Regions = { TestStore.RegionOf(2, "", "") } },
    };

    internal TestStore Store => _store;

    protected ActorSystem System => _system ??= PersistenceTests.Start(_store);

    public void Dispose()
    {
        _system?.Dispose();
        _store.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What a test found must also be so after the actor system ended and the engines were closed and opened again.</summary>
    protected async Task HoldsAlsoAfterReopening(Func<Task> assertions)
    {
        await assertions();
        await Reopen();
        await assertions();
    }

    protected async Task Reopen()
    {
        await System.Terminate().WaitAsync(Patience);
        _system = null;
        _store.Reopen();
    }

    protected static RaftAdvanced Event(string text) => new()
    {
        HardState = new HardState { Term = 1 },
        Entries = { new Entry { Index = 6, Term = 1, Data = ByteString.CopyFromUtf8(text) } },
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
