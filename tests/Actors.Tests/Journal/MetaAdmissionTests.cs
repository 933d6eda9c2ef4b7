using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Journal;

public sealed class MetaAdmissionTests
{
    private static readonly MetaMember[] Members = [Member(1), Member(2), Member(3)];

    /// <summary>What each directory holds; a lost one gets another token.</summary>
    private readonly Dictionary<ulong, MetaMembership> _directories =
        Members.ToDictionary(m => m.Id, m => NewDirectory(m.Id, $"token {m.Id}"));

    [Fact]
    public void EachIsAdmittedWhenAllOthersHaveItsToken()
    {
        var (first, second, third) = (Open(1), Open(2), Open(3));
        Assert.Null(Exchange(first, second));
        Assert.False(first.IsComplete);
        Assert.Null(Exchange(first, second));
        Assert.Single(second.Membership.Recorded);
        Assert.Null(Exchange(first, third));
        Assert.True(first.IsComplete);
        Assert.Empty(first.Hellos("", []));
        // It has told the others, and heard of none.
        Assert.False(second.IsComplete || third.IsComplete);
        Assert.Empty(first.Membership.Recorded);
    }

    [Fact]
    public void ALostDirectoryIsRefusedByEveryoneThatHadMetIt()
    {
        Exchange(Open(3), Open(1));
        _directories[3] = NewDirectory(3, "another token");
        var refusal = Exchange(Open(3), Open(1));
        Assert.Contains("another directory", refusal);
        // Nobody forgets by that.
        Assert.Equal("token 3", _directories[1].Recorded.Single().Token_.ToStringUtf8());
        Assert.Null(Exchange(Open(3), Open(2)));
        var lost = Open(3);
        Exchange(lost, Open(1));
        Exchange(lost, Open(2));
        Assert.False(lost.IsComplete);
    }

    [Fact]
    public void AnotherListIsRefusedWithBoth()
    {
        var other = new MetaAdmission(2, [Member(1), Member(2)], _directories[2]);
        var refusal = Exchange(other, Open(1));
        Assert.Contains("[1@node-1:1, 2@node-2:1]", refusal);
        Assert.Contains("[1@node-1:1, 2@node-2:1, 3@node-3:1]", refusal);
        Assert.Empty(_directories[1].Recorded);
    }

    [Fact]
    public void WhatIsNotForThisMemberChangesNothing()
    {
        var (first, second) = (Open(1), Open(2));
        var hello = second.Hellos("", []).Single(h => h.To.Id == 1).Hello;
        foreach (var spoil in new Action<MetaHello>[]
        {
            h => h.Header = null, h => h.Header.ToStoreId = 3, h => h.Header.FromStoreId = 9, h => h.Header.FromStoreId = 1,
            h => h.Header.ProtocolVersion++, h => h.Token = ByteString.Empty,
        })
        {
            var spoilt = hello.Clone();
            spoil(spoilt);
            Assert.NotEmpty(first.Receive(spoilt).Refused);
        }

        Assert.Empty(first.Membership.Recorded);
        var answer = first.Receive(hello);
        answer.Header.ToStoreId = 3;
        Assert.Null(second.Receive(answer));
        answer.Header.ToStoreId = 2;
        answer.Token = ByteString.CopyFromUtf8("of an earlier directory");
        Assert.Null(second.Receive(answer));
        Assert.Equal(2, second.Hellos("", []).Count());
    }

    /// <summary>Founders know each other's lists; everybody else asks the group, and founds nothing, whatever its list says.</summary>
    [Fact]
    public void AnAddedMemberIsAdmittedByTheGroup()
    {
        MetaMember[] listed = [.. Members, Member(4)];
        var (four, founder) = (new MetaAdmission(4, listed, NewDirectory(4, "token 4")), Open(1));
        founder.Found();
        var hello = four.Hellos("node-4:1", [Member(1), Member(7)]).Single(h => h.To.Id == 1).Hello;
        Assert.Contains(four.Hellos("node-4:1", [Member(7)]), h => h.To.Id == 7);
        Assert.Equal("node-4:1", hello.Address);
        Assert.Null(founder.WhyStray(hello));
        Assert.False(founder.IsOfFounder(hello));
        Assert.True(founder.IsOfFounder(Open(2).Hellos("", []).Single(h => h.To.Id == 1).Hello));

        var table = MemberTable.Of(Members);
        Assert.Contains("has no member 4 yet", four.Receive(founder.Answer(hello, new MemberAdmission(null, "has no member 4 yet", table))));
        Assert.Contains("lost", four.Receive(founder.Answer(hello, new MemberAdmission("lost", null, table))));
        Assert.False(four.Membership.Added || four.IsComplete);
        Assert.Null(four.Receive(founder.Answer(hello, new MemberAdmission(null, null, table))));
        Assert.True(four.Membership.Added);

        // With the list of everybody it is no founder to one that was added before it.
        var five = new MetaAdmission(5, [.. listed, Member(5)], NewDirectory(5, "token 5"));
        var added = new MetaAdmission(4, [.. listed, Member(5)], four.Membership);
        Assert.False(added.IsOfFounder(five.Hellos("", []).Single(h => h.To.Id == 4).Hello));
        // It must not be complete without itself, either.
        Assert.False(new MetaAdmission(9, [], NewDirectory(9, "token 9")).IsComplete);
    }

    [Fact]
    public void AFounderThatWasRemovedIsRefused()
    {
        var table = MemberTable.Of(Members);
        table.Members[1].Removed = true;
        var hello = Open(2).Hellos("", []).Single(h => h.To.Id == 1).Hello;
        Assert.Contains("never comes back", Open(1).Receive(hello, table).Refused, StringComparison.Ordinal);
        Assert.Empty(Open(1).Receive(hello, MemberTable.Of(Members)).Refused);
    }

    [Fact]
    public void ADirectoryOfAnotherMemberIsRefused() =>
        Assert.Contains("member 2's", Assert.Throws<ArgumentException>(() => new MetaAdmission(1, Members, _directories[2])).Message);

    [Fact]
    public void AllMembersBeginWithTheSameConfiguration()
    {
        var region = MetaAdmission.FirstConfiguration(Members);
        Assert.Equal(region, MetaAdmission.FirstConfiguration([.. Members.Reverse()]));
        Assert.Equal([1, 2, 3], region.Peers.Select(p => p.Id));
    }

    private static MetaMember Member(ulong id) => new() { Id = id, Address = $"node-{id}:1" };

    private static MetaMembership NewDirectory(ulong id, string token) => new() { MemberId = id, Token = ByteString.CopyFromUtf8(token) };

    /// <summary>As after a restart: what was not recorded durably is forgotten.</summary>
    private MetaAdmission Open(ulong id) => new(id, Members, _directories[id]);

    /// <returns>Why the greeting member was refused.</returns>
    private string? Exchange(MetaAdmission from, MetaAdmission to)
    {
        var self = to.Membership.MemberId;
        var hello = from.Hellos("", []).Where(h => h.To.Id == self).Select(h => h.Hello).FirstOrDefault();
        if (hello is null)
            return null;
        var answer = to.Receive(MetaHello.Parser.ParseFrom(hello.ToByteArray()));
        _directories[self] = to.Membership;
        return from.Receive(answer);
    }
}
