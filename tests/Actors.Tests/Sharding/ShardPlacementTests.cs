using Akka.Cluster;
using TiKvActors.Actors.Sharding;

namespace TiKvActors.Actors.Tests.Sharding;

/// <summary>Which node a shard goes to, and when it may move.</summary>
public sealed class ShardPlacementTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(60);

    private static readonly ShardHost<string>[] _hosts = [new("one", "h:1", 2), new("two", "h:2", 1), new("three", "h:3", 1)];

    [Fact]
    public void TheLeadersNodeIsChosen() => Assert.Equal("one", Choose("h:1", Up(1, 2, 3)));

    [Theory]
    [InlineData(null)]
    [InlineData("h:4")]
    public void WithoutItThatWithFewestAndOfTheseTheFirst(string? leader) => Assert.Equal("two", Choose(leader, Up(1, 2, 3, 4)));

    [Theory]
    [InlineData(MemberStatus.Joining, true)]
    [InlineData(MemberStatus.Leaving, true)]
    [InlineData(MemberStatus.Exiting, true)]
    [InlineData(MemberStatus.Down, true)]
    [InlineData(MemberStatus.Up, false)]
    public void ALeaderOnANodeThatGoesOrIsNotHeardOfDoesNotCount(MemberStatus status, bool isReachable)
    {
        ShardMember[] members = [.. Up(1, 3), new("h:2", status, isReachable)];
        Assert.Equal("three", Choose("h:2", members));
        Assert.Equal("three", Choose(null, members));
    }

    [Fact]
    public void SomebodyIsChosenThoughNobodyShouldBe()
    {
        Assert.Equal("two", Choose(null, []));
        Assert.Equal("two", Choose("h:1", [new("h:1", MemberStatus.Leaving, true)]));
    }

    [Theory]
    [InlineData(MemberStatus.Up, true, true)]
    [InlineData(MemberStatus.Up, false, false)]
    [InlineData(MemberStatus.Joining, true, false)]
    [InlineData(MemberStatus.WeaklyUp, true, false)]
    [InlineData(MemberStatus.Leaving, true, false)]
    [InlineData(MemberStatus.Exiting, true, false)]
    [InlineData(MemberStatus.Down, true, false)]
    public void NothingMovesWhileAMemberComesOrGoes(MemberStatus status, bool isReachable, bool may) =>
        Assert.Equal(may, ShardPlacement.MayMove([.. Up(1, 2), new("client:3", status, isReachable)]));

    [Fact]
    public void OnlyWhatWasAskedForAndLivesIsDue()
    {
        var moves = new ShardMoves(_timeout);
        Assert.Empty(Due(moves, 0, "a", "b"));
        moves.Ask(["b", "c", "d"], TimeSpan.Zero);
        Assert.Equal(["b", "c"], Due(moves, 1, "c", "b", "a"));
        Assert.Equal(["c"], moves.Due(["b", "c"], new HashSet<string> { "b" }, TimeSpan.FromSeconds(1)));
        moves.Done("c");
        Assert.Equal(["b", "d"], Due(moves, 2, "b", "c", "d"));
    }

    [Fact]
    public void AllAreThoseThatLiveWhenTheyAreLookedAt()
    {
        var moves = new ShardMoves(_timeout);
        moves.Ask([], TimeSpan.Zero);
        Assert.Equal(["a", "b"], Due(moves, 1, "b", "a"));
        moves.Done("a");
        Assert.Equal(["b"], Due(moves, 2, "a", "b", "later"));
    }

    [Fact]
    public void AWishIsForgottenInTheEnd()
    {
        var moves = new ShardMoves(_timeout);
        moves.Ask(["a"], TimeSpan.Zero);
        moves.Ask(["b"], TimeSpan.FromSeconds(1));
        Assert.Equal(["a", "b"], Due(moves, 59, "a", "b"));
        Assert.Equal(["b"], Due(moves, 60, "a", "b"));
        moves.Ask([], TimeSpan.FromSeconds(60));
        Assert.Empty(Due(moves, 120, "a", "b"));
    }

    private static string Choose(string? leader, params ShardMember[] members) => ShardPlacement.Choose(_hosts, members, leader).Region;

    private static ShardMember[] Up(params int[] nodes) => [.. nodes.Select(n => new ShardMember($"h:{n}", MemberStatus.Up, true))];

    private static IReadOnlyList<string> Due(ShardMoves moves, int seconds, params string[] living) =>
        moves.Due(living, new HashSet<string>(), TimeSpan.FromSeconds(seconds));
}
