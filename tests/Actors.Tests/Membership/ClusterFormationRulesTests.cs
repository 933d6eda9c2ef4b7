using TiKvActors.Actors.Membership;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Membership;

/// <summary>One node's decisions, one at a time. It is voter a of a, b and c.</summary>
public sealed class ClusterFormationRulesTests
{
    private static readonly FormationSettings Settings = new(
        TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20));

    private static readonly SystemAddress Self = Id("a", 1);

    private readonly ClusterFormation _formation = new(Settings, Self, ["a", "b", "c"], () => 42);
    private ClusterView _view = ClusterView.None;
    private TimeSpan _now;
    private ulong _round;

    [Fact]
    public void TheLeaderWaitsForAllAnswersAndForSilentOnesOnlySoLong()
    {
        Ask(newest: 0, founder: null);
        Assert.Empty(Receive("b", ClusterStanding.Outside));
        Assert.Equal(Founds(0), Assert.Single(Receive("c", ClusterStanding.Outside)));

        var other = new ClusterFormationRulesTests();
        other.Ask(newest: 3, founder: Id("b", 9));
        Assert.Empty(other.Receive("b", ClusterStanding.Outside));
        Assert.Empty(other.TickAfter(2.9));
        Assert.Equal(Founds(3), Assert.Single(other.TickAfter(0.2)));
    }

    [Fact]
    public void WithoutAMajorityOrWithoutLeadershipNobodyFounds()
    {
        Ask(newest: 0, founder: null);
        Assert.Empty(TickAfter(3));
        Assert.IsType<FormationAction.ReadRecord>(Assert.Single(TickAfter(0.5)));

        var follower = new ClusterFormationRulesTests();
        follower.Ask(newest: 0, founder: null);
        follower.Receive("b", ClusterStanding.Outside, leads: false);
        Assert.Empty(follower.Receive("c", ClusterStanding.Outside, leads: false));
    }

    [Theory]
    [InlineData(ClusterStanding.Founding, 3)]
    [InlineData(ClusterStanding.Joining, 3)]
    [InlineData(ClusterStanding.Leaving, 3)]
    [InlineData(ClusterStanding.Up, 0)]
    [InlineData(ClusterStanding.Up, 4)]
    public void WhoMayBeAMemberOfTheNewestKeepsTheLeaderFromFounding(ClusterStanding standing, ulong incarnation)
    {
        Ask(newest: 3, founder: Id("b", 9));
        Receive("b", ClusterStanding.Outside);
        Assert.Empty(Receive("c", standing, incarnation));
        Assert.Equal(ClusterFormation.Step.Idle, _formation.Current);
    }

    [Fact]
    public void MembersOfAnOldIncarnationAreOutside()
    {
        Ask(newest: 3, founder: Id("b", 9));
        Receive("b", ClusterStanding.Up, 2);
        Assert.Equal(Founds(3), Assert.Single(Receive("c", ClusterStanding.Outside)));
    }

    [Fact]
    public void OneMemberOfTheNewestIsJoinedAtOnceAndAnotherOneAfterAWhile()
    {
        Ask(newest: 3, founder: Id("b", 9));
        Assert.Equal(new FormationAction.Join("b"), Assert.Single(Receive("b", ClusterStanding.Up, 3)));
        while (_now < TimeSpan.FromSeconds(5))
        {
            Ask(newest: 3, founder: Id("b", 9));
            Assert.Empty(Receive("c", ClusterStanding.Up, 3));
            _now += TimeSpan.FromSeconds(1);
        }

        Ask(newest: 3, founder: Id("b", 9));
        Assert.Equal(new FormationAction.Join("c"), Assert.Single(Receive("c", ClusterStanding.Up, 3)));
    }

    /// <summary>What became of the commit is not asked: the reading after it says it.</summary>
    [Fact]
    public void AFounderJoinsItselfOnceItReadsThatItIs()
    {
        Ask(newest: 0, founder: null);
        Receive("b", ClusterStanding.Outside);
        Receive("c", ClusterStanding.Outside);
        _formation.CommitEnded(_now);
        _round = Assert.IsType<FormationAction.ReadRecord>(Assert.Single(Take())).Round;
        Assert.Equal(new FormationAction.Join("a"), Assert.Single(Read(1, Self)));
        Assert.Equal(ClusterStanding.Founding, Answer(Id("b", 2)).Standing);

        BecomeMember(MemberPhase.Up, Self);
        var answer = Answer(Id("b", 2));
        Assert.Equal((ClusterStanding.Up, 1ul, false), (answer.Standing, answer.Incarnation, answer.KnowsAsker));
        Assert.True(Answer(Self).KnowsAsker);
    }

    [Fact]
    public void AReadingOfBeforeAPauseDecidesNothing()
    {
        Ask(newest: 0, founder: null);
        TickAfter(3);
        _round = Assert.IsType<FormationAction.ReadRecord>(Assert.Single(TickAfter(0.5))).Round;
        _now += TimeSpan.FromSeconds(60);
        Assert.IsType<FormationAction.ReadRecord>(Assert.Single(Read(1, Self)));
    }

    [Fact]
    public void AnswersOfBeforeAPauseDecideNothing()
    {
        Ask(newest: 0, founder: null);
        Receive("b", ClusterStanding.Outside);
        _now += TimeSpan.FromSeconds(60);
        Assert.IsType<FormationAction.ReadRecord>(Assert.Single(Receive("c", ClusterStanding.Outside)));
    }

    [Fact]
    public void TheIncarnationIsThatOfAFellowWhoKnowsThisMember()
    {
        var b = Id("b", 2);
        BecomeMember(MemberPhase.Up, Self, b);
        Ask(newest: 3, founder: Id("c", 9));
        Receive("b", ClusterStanding.Up, 3, knows: true, uid: 1);
        Receive("b", ClusterStanding.Up, 3, knows: false, uid: 2);
        Receive("c", ClusterStanding.Up, 3, knows: true);
        Assert.Equal((ClusterFormation.Step.Idle, 0ul), (_formation.Current, _formation.Incarnation));
        _now += TimeSpan.FromSeconds(1);
        Ask(newest: 3, founder: Id("c", 9));
        Receive("b", ClusterStanding.Up, 3, knows: true, uid: 2);
        Assert.Equal(3ul, _formation.Incarnation);
    }

    [Fact]
    public void AMemberOfAnOldIncarnationStartsAgainAndIsNoMemberForTheOthers()
    {
        var b = Id("b", 2);
        BecomeMember(MemberPhase.Up, Self, b);
        Ask(newest: 3, founder: Id("c", 9));
        Assert.Equal(RestartCause.OutdatedIncarnation, CauseOf(Receive("b", ClusterStanding.Up, 2, knows: true, uid: 2)));
        Assert.Equal((ClusterStanding.Outside, false), (Answer(b).Standing, Answer(b).KnowsAsker));
        Assert.Empty(TickAfter(100));
    }

    [Theory]
    [InlineData(MemberPhase.Up, 3, false, 3, true)]
    [InlineData(MemberPhase.Up, 3, true, 3, false)]
    [InlineData(MemberPhase.Joining, 3, true, 3, false)]
    [InlineData(MemberPhase.Joining, 3, true, 0, true)]
    [InlineData(MemberPhase.Joining, 3, false, 3, true)]
    public void WhoIsForgottenForLongStartsAgain(object phase, ulong incarnation, bool known, ulong up, bool restarts)
    {
        var b = Id("b", 2);
        BecomeMember((MemberPhase)phase, Self, b);
        Ask(newest: incarnation, founder: Id("c", 9));
        Receive("b", ClusterStanding.Leaving, incarnation, knows: true, uid: 2);
        var until = _now + TimeSpan.FromSeconds(30);
        List<FormationAction> actions = [];
        while (actions.Count == 0 && _now < until)
        {
            Receive("b", up > 0 ? ClusterStanding.Up : ClusterStanding.Joining, incarnation, known, uid: 2);
            actions = [.. Receive("c", up > 0 ? ClusterStanding.Up : ClusterStanding.Joining, incarnation, known)];
            if (actions.Count > 0)
                break;
            _now += TimeSpan.FromSeconds(5);
            Ask(incarnation, Id("c", 9));
        }

        if (restarts)
            Assert.Equal(RestartCause.Forgotten, CauseOf(actions));
        else
            Assert.Empty(actions);
    }

    /// <summary>Who let it in has died before it told the only other voter that runs.</summary>
    [Fact]
    public void AJoiningMemberOfWhomNobodyHasHeardStartsAgain()
    {
        var b = Id("b", 2);
        BecomeMember(MemberPhase.Joining, Self, b);
        Ask(newest: 3, founder: Id("c", 9));
        Receive("b", ClusterStanding.Up, 3, knows: true, uid: 2);
        for (var i = 0; i < 10; i++)
        {
            _now += TimeSpan.FromSeconds(3);
            Ask(newest: 3, founder: Id("c", 9));
            Receive("c", ClusterStanding.Up, 3, knows: false);
            if (TickAfter(3) is [FormationAction.Restart restart])
            {
                Assert.Equal(RestartCause.Forgotten, restart.Reason.Cause);
                return;
            }
        }

        Assert.Fail("it waits for ever");
    }

    [Theory]
    [InlineData("b", true)]
    [InlineData("store", true)]
    [InlineData("client", false)]
    [InlineData("stranger", false)]
    public void OnlyTheQuarantineOfSomebodyWhoMattersCounts(string by, bool restarts)
    {
        var (store, client) = (Id("store", 5), Id("client", 6));
        BecomeMember(MemberPhase.Up, Self, store, client);
        _view = _view with { Clients = new HashSet<SystemAddress> { client } };
        _formation.Quarantined(by, _view);
        if (restarts)
            Assert.Equal(RestartCause.Quarantined, CauseOf(Take()));
        else
            Assert.Empty(Take());
    }

    [Fact]
    public void WhoIsDownedStartsAgainOnceAndWhoLeftDoesNot()
    {
        Ask(newest: 3, founder: Id("b", 9));
        _view = _view with { Phase = MemberPhase.Downed };
        Assert.Empty(Receive("b", ClusterStanding.Up, 3));
        // Until the meta group answers there is nothing to join: what it serves it serves as it is.
        _round = Assert.IsType<FormationAction.ReadRecord>(Assert.Single(TickAfter(0.5))).Round;
        _formation.RecordUnread(_round, _now);
        Assert.Equal(ClusterStanding.Outside, Answer(Id("b", 2)).Standing);
        _round = Assert.IsType<FormationAction.ReadRecord>(Assert.Single(TickAfter(0.5))).Round;
        Assert.Equal(RestartCause.Downed, CauseOf(Read(3, Id("b", 9))));
        Assert.Empty(TickAfter(1));

        var left = new ClusterFormationRulesTests();
        left._view = left._view with { Phase = MemberPhase.Left };
        Assert.Empty(left.TickAfter(0));
    }

    [Fact]
    public void NonsenseIsNoAnswer()
    {
        Assert.Null(_formation.Answer(new MembershipRequest { Round = 1 }, _view));
        Ask(newest: 0, founder: null);
        _formation.Receive(new MembershipResponse { Round = _round }, _view, true, _now);
        Receive("a", ClusterStanding.Outside);
        Receive("stranger", ClusterStanding.Outside);
        _round--;
        Receive("b", ClusterStanding.Outside);
        Receive("c", ClusterStanding.Outside);
        Assert.Equal(ClusterFormation.Step.Asking, _formation.Current);
    }

    private static SystemAddress Id(string address, long uid) => new() { Address = address, Uid = uid };

    private static FormationAction.CommitRecord Founds(ulong after) => new(after, new ClusterIncarnation { Id = 42, Founder = Self });

    private static RestartCause CauseOf(IEnumerable<FormationAction> actions) =>
        Assert.IsType<FormationAction.Restart>(Assert.Single(actions)).Reason.Cause;

    private void BecomeMember(MemberPhase phase, params SystemAddress[] members) =>
        _view = new ClusterView(phase, members.ToHashSet(), new HashSet<SystemAddress>());

    private MembershipResponse Answer(SystemAddress to) => _formation.Answer(new MembershipRequest { Round = 1, From = to }, _view)!;

    private List<FormationAction> TickAfter(double seconds)
    {
        _now += TimeSpan.FromSeconds(seconds);
        _formation.Tick(_view, leads: true, _now);
        return Take();
    }

    /// <summary>A new round, until the voters are asked.</summary>
    private void Ask(ulong newest, SystemAddress? founder)
    {
        while (_formation.Current != ClusterFormation.Step.Reading)
        {
            if (TickAfter(0.5) is [FormationAction.ReadRecord read])
                _round = read.Round;
        }

        Assert.Equal(["b", "c"], Read(newest, founder).Select(a => Assert.IsType<FormationAction.Ask>(a).Address));
    }

    private List<FormationAction> Read(ulong newest, SystemAddress? founder)
    {
        var record = newest == 0 ? null : new MetaRecord { Revision = newest };
        _formation.RecordRead(_round, record, record is null ? null : new ClusterIncarnation { Founder = founder }, _view, _now);
        return Take();
    }

    private List<FormationAction> Receive(
        string from, ClusterStanding standing, ulong incarnation = 0, bool knows = false, long uid = 9, bool leads = true)
    {
        _formation.Receive(
            new MembershipResponse
            {
                Round = _round,
                From = Id(from, uid),
                Standing = standing,
                Incarnation = incarnation,
                KnowsAsker = knows,
            },
            _view, leads, _now);
        return Take();
    }

    private List<FormationAction> Take()
    {
        var actions = _formation.Actions.ToList();
        _formation.Actions.Clear();
        return actions;
    }
}
