using Akka.Actor;
using Akka.Pattern;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Storage.Journal;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>PDs on nodes with a meta group, started where and when a test says.</summary>
internal static class PdNodes
{
    private static readonly TimeSpan _attempt = TimeSpan.FromSeconds(2);

    /// <returns>PD's supervisor.</returns>
    public static IActorRef StartPd(this TestNode node)
    {
        var settings = node.Tikv.Settings;
        var config = settings.Pd.Config with { Address = node.Tikv.Address };
        return node.System.ActorOf(Pd.Props(settings.Pd with { Config = config }, settings.Meta.Members, PdRandom.Secure));
    }

    /// <summary>Asked until PD serves; a repetition must do no harm.</summary>
    public static Task<T> AskPdAsync<T>(this ICanTell pd, IPdRequest request) where T : class, IPdResponse => Eventually.NotNullAsync(
        async () =>
        {
            try
            {
                var response = await pd.Ask<T>(request, _attempt);
                return response.Header.Error?.Type == ErrorType.NotBootstrapped ? null : response;
            }
            catch (AskTimeoutException)
            {
                return null;
            }
        },
        $"PD answers {request.Descriptor.Name}");

    /// <summary>Asked until PD serves.</summary>
    public static async Task<ulong> ClusterIdAsync(this ICanTell pd) =>
        (await pd.AskPdAsync<GetClusterIdentityResponse>(new GetClusterIdentityRequest { Header = new RequestHeader() })).Header.ClusterId;

    public static async Task<ulong> AllocateIdAsync(this ICanTell pd, ulong cluster)
    {
        var request = new AllocIDRequest { Header = new RequestHeader { ClusterId = cluster }, Count = 1 };
        var response = await pd.AskPdAsync<AllocIDResponse>(request);
        Assert.Null(response.Header.Error);
        return response.Id;
    }

    public static async Task RegisterAsync(this ICanTell pd, ulong cluster, ulong store)
    {
        var request = new PutStoreRequest
        {
            Header = new RequestHeader { ClusterId = cluster },
            Store = new Protocol.Metapb.Store { Id = store, Address = $"host:{store}" },
        };
        Assert.Null((await pd.AskPdAsync<PutStoreResponse>(request)).Header.Error);
    }

    public static async Task<List<ulong>> StoresAsync(this ICanTell pd, ulong cluster)
    {
        var request = new GetAllStoresRequest { Header = new RequestHeader { ClusterId = cluster } };
        return [.. (await pd.AskPdAsync<GetAllStoresResponse>(request)).Stores.Select(s => s.Id)];
    }

    /// <summary>The actor behind a supervisor, once there is one.</summary>
    public static Task<IActorRef> IncarnationAsync(this IActorRef supervisor) => Eventually.NotNullAsync(
        async () =>
        {
            var child = await supervisor.Ask<BackoffSupervisor.CurrentChild>(BackoffSupervisor.GetCurrentChild.Instance, _attempt);
            return child.Ref.IsNobody() ? null : child.Ref;
        },
        "PD begins");

    /// <summary>What PD has persisted in the meta group, as a member reads it.</summary>
    public static async Task<List<IMessage>> PdEventsAsync(this TestNode node)
    {
        var read = new MetaQuery.Types.ReadEvents
        {
            PersistenceId = Pd.Id,
            FromSequenceNr = 1,
            ToSequenceNr = long.MaxValue,
            MaxEvents = long.MaxValue,
            MaxBytes = 1 << 20,
        };
        var answer = await MetaClient.Get(node.System).QueryAsync(Pd.Id, new MetaQuery { ReadEvents = read });
        Assert.False(answer.More);
        var codec = new PayloadCodec((ExtendedActorSystem)node.System);
        return [.. answer.Events.Select(e => (IMessage)codec.Decode(e.Payload.Memory, e.SerializerId, e.SerializerManifest))];
    }
}
