using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;
using Region = TiKvActors.Protocol.Metapb.Region;
using Verdict = TiKvActors.Protocol.MetaMembersResponse.Types.Verdict;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>What operators and nodes ask for, and what is made of it.</summary>
public sealed class MemberTableTests
{
    private static readonly MetaMemberTable _three =
        MemberTable.Of(Enumerable.Range(1, 3).Select(i => new MetaMember { Id = (ulong)i, Address = $"host-{i}:1" }));

    private MetaMemberTable _table = _three;
    private ulong[] _voters = [1, 2, 3];
    private ulong[] _living = [1, 2, 3];

    [Fact]
    public void AnAdditionIsRepeatedWithoutHarm()
    {
        Accepted(Add(4, "host-4:1"));
        var once = _table;
        Accepted(Add(4, "host-4:1"));
        Assert.Same(once, _table);
        Assert.False(MemberTable.IsKnown(MemberTable.Find(_table, 4)!));
        // Nobody may ask it, or count it, before it has come.
        Assert.DoesNotContain(MemberTable.Present(_table), m => m.Id == 4);
    }

    [Theory]
    [InlineData(0, "host-4:1", "ids begin with 1")]
    [InlineData(2, "host-4:1", "member 2 is there already, at host-2:1")]
    [InlineData(4, "host-2:1", "host-2:1 is the address of member 2")]
    [InlineData(4, "host-4", "HOST:PORT")]
    [InlineData(4, "host-4:0", "HOST:PORT")]
    [InlineData(4, "a b:1", "HOST:PORT")]
    public void AnAdditionThatMakesNoSenseIsRefused(ulong id, string address, string why) =>
        Assert.Contains(why, Refused(Add(id, address)), StringComparison.Ordinal);

    [Fact]
    public void ARemovedIdNeverComesBack()
    {
        Accepted(Remove(3));
        Accepted(Remove(3));
        Assert.Contains("never comes back", Refused(Add(3, "host-3:1")), StringComparison.Ordinal);
        Assert.Contains("never comes back", Refused(Replace(2, 3, "host-3:1")), StringComparison.Ordinal);
        Assert.Contains("removed already: add member 4", Refused(Replace(3, 4, "host-4:1")), StringComparison.Ordinal);
        Assert.Contains("removed", MemberTable.Admit(3, Token("x"), "host-3:1", _table).Refused, StringComparison.Ordinal);
        // Its address is free.
        Accepted(Add(4, "host-3:1"));
        Assert.Equal(Verdict.NotFound, Decide(Remove(9)).Verdict);
        Assert.Equal(Verdict.NotFound, Decide(Replace(9, 5, "host-5:1")).Verdict);
    }

    [Fact]
    public void AMajorityOfTheVotersThatStayMustLive()
    {
        _living = [1, 2];
        Assert.Contains("no majority would be left: of the voters 1, 3 only [1]", Refused(Remove(2)), StringComparison.Ordinal);
        // With the new one there are two of three.
        Accepted(Replace(3, 4, "host-3:1"));
        _table = _three;
        Accepted(Remove(3));
        // What others have asked for before counts.
        Assert.Contains("last voter", RefusedAfter(Remove(2), Remove(1)), StringComparison.Ordinal);
        _living = [1];
        _voters = [1, 2, 3, 5];
        _table = _three;
        Assert.Contains("no majority", Refused(Replace(3, 4, "host-4:1")), StringComparison.Ordinal);
        _voters = [1];
        Assert.Contains("last voter", Refused(Remove(1)), StringComparison.Ordinal);
        Accepted(Replace(1, 4, "host-4:1"));
    }

    [Fact]
    public void AReplacementIsRepeatedWithoutHarmAlsoAfterItIsDone()
    {
        Accepted(Replace(3, 4, "host-4:1"));
        var once = _table;
        Accepted(Replace(3, 4, "host-4:1"));
        Accepted(Add(4, "host-4:1"));
        Assert.Same(once, _table);
        Assert.Contains("member 4 is taking the place of member 3", Refused(Replace(3, 5, "host-5:1")), StringComparison.Ordinal);
        Assert.Contains("another id", Refused(Replace(3, 3, "host-5:1")), StringComparison.Ordinal);
        _table = MemberTable.Replaced(_table, 3, 4);
        once = _table;
        Accepted(Replace(3, 4, "host-4:1"));
        Accepted(Remove(3));
        Assert.Same(once, _table);
    }

    [Fact]
    public void AnAddedMemberTakesPartWithTheDirectoryThatCameFirst()
    {
        var waits = MemberTable.Admit(4, Token("a"), "host-4:1", _table);
        Assert.Contains("./tkv ctl member add 4 host-4:1", waits.Waits, StringComparison.Ordinal);
        Accepted(Add(4, "host-4:1"));
        Assert.Contains("at host-5:1", MemberTable.Admit(4, Token("a"), "host-5:1", _table).Refused, StringComparison.Ordinal);
        Assert.NotNull(MemberTable.Admit(4, ByteString.Empty, "host-4:1", _table).Refused);
        var admitted = MemberTable.Admit(4, Token("a"), "host-4:1", _table);
        Assert.Equal((null, null), (admitted.Refused, admitted.Waits));
        _table = admitted.Table;
        Assert.Same(_table, MemberTable.Admit(4, Token("a"), "host-4:1", _table).Table);
        var other = MemberTable.Admit(4, Token("b"), "host-4:1", _table);
        Assert.Contains("./tkv ctl member replace 4", other.Refused, StringComparison.Ordinal);
        Assert.Same(_table, other.Table);
        Assert.Contains(MemberTable.Present(_table), m => m.Id == 4);
    }

    /// <summary>Its token is in the other founders' directories, so a directory that was lost cannot come in by this door.</summary>
    [Fact]
    public void AFounderIsNotAdmittedAsAnAddedMember()
    {
        var founder = MemberTable.Admit(2, Token("a"), "host-2:1", _table);
        Assert.NotNull(founder.Waits);
        Assert.Same(_table, founder.Table);
    }

    [Fact]
    public void ANodeThatMovesKeepsItsMember()
    {
        Assert.Same(_table, MemberTable.Moved(_table, 2, "host-2:1"));
        _table = MemberTable.Moved(_table, 2, "elsewhere:1");
        Assert.Equal("elsewhere:1", MemberTable.Find(_table, 2)!.Address);
        Accepted(Remove(2));
        Assert.Same(_table, MemberTable.Moved(_table, 2, "host-2:1"));
        Assert.Equal(3, MemberTable.FirstConfiguration(_table).Count);
    }

    [Fact]
    public void AnUnknownRequestIsRefused() => Refused(new MetaMembersRequest());

    internal static MetaMembersRequest Add(ulong id, string address) =>
        new() { Add = new MetaMembersRequest.Types.Add { Id = id, Address = address } };

    internal static MetaMembersRequest Remove(ulong id) => new() { Remove = new MetaMembersRequest.Types.Remove { Id = id } };

    internal static MetaMembersRequest Replace(ulong oldId, ulong newId, string address) =>
        new() { Replace = new MetaMembersRequest.Types.Replace { OldId = oldId, NewId = newId, Address = address } };

    private static ByteString Token(string text) => ByteString.CopyFromUtf8(text);

    private MemberDecision Decide(MetaMembersRequest request)
    {
        var region = new Region
        {
            Id = MetaRegion.Id,
            RegionEpoch = MetaAdmission.Epoch,
            Peers = { _voters.Select(v => new Peer { Id = v, StoreId = v }) },
        };
        return MemberTable.Change(request, _table, new MemberView(region, 1, 10, new Dictionary<ulong, ulong>(), _living.ToHashSet()));
    }

    private void Accepted(MetaMembersRequest request)
    {
        var decision = Decide(request);
        Assert.Equal((Verdict.Accepted, ""), (decision.Verdict, decision.Why));
        _table = decision.Table;
    }

    private string Refused(MetaMembersRequest request)
    {
        var decision = Decide(request);
        Assert.Equal(Verdict.Refused, decision.Verdict);
        Assert.Same(_table, decision.Table);
        return decision.Why;
    }

    private string RefusedAfter(MetaMembersRequest first, MetaMembersRequest second)
    {
        _living = [1, 2, 3];
        Accepted(first);
        return Refused(second);
    }
}
