using System.Globalization;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Host.Grpc.Services;

/// <summary>
/// Where gRPC is served on other nodes. PD knows their actor protocol's addresses; the gRPC ports lie at the same distances from those on
/// every node of a cluster, as <c>--port-offset</c> keeps them.
/// </summary>
/// <param name="ToPd">From a node's actor port to PD's.</param>
/// <param name="ToStore">From a node's actor port to the store's.</param>
/// <param name="PdNodes">host:port of the actor protocol, in the same order on all nodes.</param>
internal sealed record GrpcAddresses(int ToPd, int ToStore, bool UsesTls, IReadOnlyList<string> PdNodes)
{
    /// <summary>PD keeps what it answers with.</summary>
    public Store Translate(Store store)
    {
        var translated = store.Clone();
        translated.Address = Shift(store.Address, ToStore);
        return translated;
    }

    /// <param name="response">With the node on which PD runs as its leader.</param>
    public GetMembersResponse Translate(GetMembersResponse response)
    {
        var leader = new Uri(response.Leader.ClientUrls[0]).Authority;
        var members = PdNodes.Append(leader).Distinct().Select(ToMember).ToList();
        return new GetMembersResponse
        {
            Header = response.Header, Members = { members }, Leader = members.First(m => m.ClientUrls[0] == UrlOf(leader)),
        };
    }

    private Member ToMember(string node, int index) => new()
    {
        Name = string.Create(CultureInfo.InvariantCulture, $"pd-{index + 1}"), MemberId = (ulong)index + 1, ClientUrls = { UrlOf(node) },
    };

    private string UrlOf(string node) => $"{(UsesTls ? "https" : "http")}://{Shift(node, ToPd)}";

    private static string Shift(string address, int distance)
    {
        var colon = address.LastIndexOf(':');
        var port = int.Parse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture) + distance;
        return string.Create(CultureInfo.InvariantCulture, $"{address.AsSpan(0, colon)}:{port}");
    }
}
