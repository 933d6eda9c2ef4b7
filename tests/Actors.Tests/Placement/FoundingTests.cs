using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Tests.Placement;

public sealed class FoundingTests
{
    private static readonly PdConfig _config = new(3, APIVersion.V2);

    private static readonly IReadOnlyList<MetaMember> _members =
        [.. Enumerable.Range(1, 3).Select(n => new MetaMember { Id = (ulong)n, Address = $"host:{n}" })];

    [Fact]
    public void ANewClusterIsFoundedWhenAllMembersHaveSaidThatTheyHaveNone()
    {
        var decision = Decide(Nothing(1), Nothing(2), Nothing(3));
        var identity = Assert.IsType<ClusterIdentityDecided>(Assert.Single(decision.Events!));
        Assert.Equal((7ul, APIVersion.V2), (identity.ClusterId, identity.ApiVersion));
    }

    [Fact]
    public void NothingIsDecidedWithoutTheWordOfEveryMember()
    {
        Waits("1@host:1, 3@host:3", Nothing(2));
        Waits("2@host:2", Journal(1, 42), Nothing(3));
        Waits("1@host:1, 2@host:2, 3@host:3");
    }

    [Fact]
    public void TheClusterWhosePdPersistedAtAMemberGoesOn()
    {
        var decision = Decide(Nothing(1), Journal(2, 42), Store(3, 42));
        var taken = Assert.IsType<PlacementTakenOver>(Assert.Single(decision.Events!));
        Assert.Equal((2ul, 42ul), (taken.MemberId, taken.State.Identity.ClusterId));
    }

    /// <summary>Its PD's node is no member, or its directory was lost: another cluster would be founded beside the one that exists.</summary>
    [Fact]
    public void AStoreOfAClusterWhoseJournalNobodyHasIsNotForgotten() =>
        Refuses("none of them has the journal of cluster 42's PD", Nothing(1), Store(2, 42), Nothing(3));

    [Fact]
    public void DirectoriesOfDifferentClustersAreRefusedWithBothNames()
    {
        Refuses(
            "member 1: cluster 42 with PD's journal, member 2: cluster 43 with PD's journal", Journal(1, 42), Journal(2, 43), Nothing(3));
        Refuses(
            "member 1: cluster 42 with PD's journal, member 2: none, member 3: cluster 43",
            Journal(1, 42), Nothing(2), Store(3, 43));
    }

    [Fact]
    public void OfTwoJournalsOfOnePdNobodyKnowsWhichIsNewer() =>
        Refuses("more than one of them has the journal of cluster 42's PD", Journal(1, 42), Journal(2, 42), Nothing(3));

    [Fact]
    public void TheModeOfAClusterStays()
    {
        var other = Journal(1, 42);
        other.State.Identity.ApiVersion = APIVersion.V1;
        Refuses("founded with API mode V1, the configuration says V2", other, Nothing(2), Nothing(3));
    }

    private static PlacementOrigin Nothing(ulong member) => new() { MemberId = member };

    private static PlacementOrigin Store(ulong member, ulong cluster) => new() { MemberId = member, ClusterId = cluster };

    private static PlacementOrigin Journal(ulong member, ulong cluster) => new()
    {
        MemberId = member,
        ClusterId = cluster,
        State = new PlacementSnapshot { Identity = new ClusterIdentityDecided { ClusterId = cluster, ApiVersion = APIVersion.V2 } },
    };

    private static FoundingDecision Decide(params IReadOnlyList<PlacementOrigin> origins) =>
        Founding.Decide(_config, _members, origins, 7);

    private static void Waits(string forWhom, params IReadOnlyList<PlacementOrigin> origins)
    {
        var decision = Decide(origins);
        Assert.Equal((null, false), (decision.Events, decision.IsFinal));
        Assert.Contains($"the directories of {forWhom} hold", decision.Why);
    }

    private static void Refuses(string why, params IReadOnlyList<PlacementOrigin> origins)
    {
        var decision = Decide(origins);
        Assert.Equal((null, true), (decision.Events, decision.IsFinal));
        Assert.Contains(why, decision.Why);
    }
}
