using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Placement;

/// <param name="Events">Null: PD does not begin.</param>
/// <param name="Why">Why it does not.</param>
/// <param name="IsFinal">Waiting does not help.</param>
internal sealed record FoundingDecision(IReadOnlyList<IMessage>? Events, string Why = "", bool IsFinal = false);

/// <summary>
/// How PD begins in an empty journal of the meta group: with a new cluster, or with the one whose PD persisted in a member's own journal
/// (docs/adr/0003-placement-origins.md). Pure.
/// </summary>
internal static class Founding
{
    /// <param name="members">The meta group's first configuration. Not empty.</param>
    /// <param name="origins">Those that are recorded.</param>
    public static FoundingDecision Decide(
        PdConfig config, IReadOnlyList<MetaMember> members, IReadOnlyList<PlacementOrigin> origins, ulong newClusterId)
    {
        var missing = members.Where(m => origins.All(o => o.MemberId != m.Id)).ToList();
        if (missing.Count > 0)
        {
            return new FoundingDecision(
                null, $"what the directories of {string.Join(", ", missing.Select(m => $"{m.Id}@{m.Address}"))} hold is not known yet");
        }

        var clusters = origins.SelectMany(ClustersOf).Distinct().ToList();
        var states = origins.Where(o => o.State is not null).ToList();
        if (clusters.Count == 0)
            return new FoundingDecision(New(config, newClusterId));
        if (clusters.Count > 1)
            return Refused($"their directories belong to different clusters ({Show(origins)}): a meta group is of one");
        if (states.Count != 1)
        {
            return Refused(
                $"{(states.Count == 0 ? "none" : "more than one")} of them has the journal of cluster {clusters[0]}'s PD "
                + $"({Show(origins)}): the node that ran PD must be a member, and the only one with its journal");
        }

        return WhyOtherMode(states[0].State.Identity, config) is { } why
            ? Refused(why)
            : new FoundingDecision([new PlacementTakenOver { MemberId = states[0].MemberId, State = states[0].State }]);
    }

    public static IReadOnlyList<IMessage> New(PdConfig config, ulong clusterId) =>
        [new ClusterIdentityDecided { ClusterId = clusterId, ApiVersion = ModeOf(config) }];

    /// <summary>Of a new cluster.</summary>
    public static APIVersion ModeOf(PdConfig config) => config.ApiVersion ?? APIVersion.V2;

    /// <returns>Null if the configuration agrees with the cluster.</returns>
    public static string? WhyOtherMode(ClusterIdentityDecided identity, PdConfig config) =>
        config.ApiVersion is not { } wanted || identity.ApiVersion == wanted
        ? null
        : $"cluster {identity.ClusterId} was founded with API mode {identity.ApiVersion}, the configuration says {wanted}: "
            + "the mode is fixed for ever; configure the former, or start with an empty data directory";

    private static FoundingDecision Refused(string why) => new(null, $"the members of the meta group cannot go on together: {why}", true);

    private static IEnumerable<ulong> ClustersOf(PlacementOrigin origin)
    {
        if (origin.ClusterId != 0)
            yield return origin.ClusterId;
        if (origin.State is { } state)
            yield return state.Identity.ClusterId;
    }

    private static string Show(IEnumerable<PlacementOrigin> origins) => string.Join(
        ", ", origins.OrderBy(o => o.MemberId).Select(o =>
            $"member {o.MemberId}: {(ClustersOf(o).Any() ? $"cluster {string.Join(" and ", ClustersOf(o).Distinct())}" : "none")}"
            + (o.State is null ? "" : " with PD's journal")));
}
