using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// Whether this node may take part in the meta group: not before every other member of the first configuration has durably recorded this
/// directory's token, or, if it is none of those, the group has. A member whose directory was lost has forgotten what it had voted for and
/// acknowledged; it comes with another token, and is refused. Pure.
/// </summary>
internal sealed class MetaAdmission
{
    private readonly IReadOnlyList<MetaMember> _members;
    private readonly ulong _self;
    private readonly HashSet<ulong> _met = [];

    /// <param name="members">The first configuration: of this directory, or else as configured.</param>
    /// <param name="membership">As this directory has it.</param>
    /// <exception cref="ArgumentException">The directory is another member's.</exception>
    public MetaAdmission(ulong self, IReadOnlyList<MetaMember> members, MetaMembership membership)
    {
        if (membership.MemberId != self)
        {
            throw new ArgumentException(
                $"this directory is member {membership.MemberId}'s of the meta group, but this node is member {self}", nameof(self));
        }

        _members = members;
        _self = self;
        Membership = membership;
    }

    /// <summary>With every token that was accepted. To be made durable before the token's hello is answered.</summary>
    public MetaMembership Membership { get; private set; }

    /// <summary>The group may be founded with this member.</summary>
    public bool IsComplete => _members.Any(m => m.Id == _self) && Others.All(m => _met.Contains(m.Id));

    private IEnumerable<MetaMember> Others => _members.Where(m => m.Id != _self);

    /// <summary>To be sent, again and again, to those that have not recorded the token.</summary>
    /// <param name="address">This node's.</param>
    /// <param name="more">Members that the list does not name.</param>
    public IEnumerable<(MetaMember To, MetaHello Hello)> Hellos(string address, IEnumerable<MetaMember> more) =>
        _members.Concat(more).DistinctBy(m => m.Id).Where(m => m.Id != _self && !_met.Contains(m.Id)).Select(m => (m, new MetaHello
        {
            Header = HeaderTo(m.Id), Token = Membership.Token, Members = { _members }, Address = address,
        }));

    /// <summary>
    /// Whether it comes from somebody with the same first configuration, whose members know each other. An added member founds nothing.
    /// </summary>
    public bool IsOfFounder(MetaHello hello) => Membership.First.Count > 0
        && hello.Members.Select(m => m.Id).Order().SequenceEqual(_members.Select(m => m.Id).Order());

    /// <summary>The answer to one who is no founder.</summary>
    /// <param name="admission">What the group's table says.</param>
    public MetaHelloResponse Answer(MetaHello hello, MemberAdmission admission) => new()
    {
        Header = HeaderTo(hello.Header.FromStoreId),
        Token = hello.Token,
        Refused = admission.Refused ?? "",
        Waits = admission.Waits ?? "",
        Added = admission is { Refused: null, Waits: null },
    };

    /// <param name="table">The newest that is known; null: there is none.</param>
    /// <returns>The answer. It leaves once <see cref="Membership"/> is durable as it is now.</returns>
    public MetaHelloResponse Receive(MetaHello hello, MetaMemberTable? table = null)
    {
        var response = new MetaHelloResponse { Header = HeaderTo(hello.Header?.FromStoreId ?? 0), Token = hello.Token };
        if ((WhyRefused(hello) ?? WhyRemoved(hello.Header!.FromStoreId, table)) is { } why)
            response.Refused = why;
        else if (TokenOf(hello.Header!.FromStoreId) is null)
            Record(hello.Header.FromStoreId, hello.Token);
        return response;
    }

    /// <summary>If this member is added, <see cref="Membership"/> says so, and is to be made durable.</summary>
    /// <returns>Why this member is refused, or has to wait; null if it is neither.</returns>
    public string? Receive(MetaHelloResponse response)
    {
        // An answer to somebody else, or to an earlier owner of the address.
        if (response.Header is not { } header || header.ToStoreId != _self || response.Token != Membership.Token)
            return null;
        if (response.Refused.Length > 0 || response.Waits.Length > 0)
            return $"member {header.FromStoreId}: {response.Refused}{response.Waits}";
        if (response.Added)
            Membership = new MetaMembership(Membership) { Added = true };
        else
            _met.Add(header.FromStoreId);
        return null;
    }

    private static string? WhyRemoved(ulong memberId, MetaMemberTable? table) =>
        table is not null && MemberTable.Find(table, memberId) is { Removed: true }
            ? $"member {memberId} was removed from the group, and an id never comes back"
            : null;

    /// <returns><see cref="Membership"/> with the first configuration; to be made durable before the group's region state.</returns>
    public MetaMembership Found()
    {
        Membership = new MetaMembership(Membership);
        Membership.First.Clear();
        Membership.First.Add(_members);
        return Membership;
    }

    /// <summary>The group's first configuration, the same on all members.</summary>
    public static Region FirstConfiguration(IReadOnlyList<MetaMember> members) => new()
    {
        Id = MetaRegion.Id,
        RegionEpoch = Epoch,
        Peers = { members.OrderBy(m => m.Id).Select(m => new MetaPeer { Id = m.Id, StoreId = m.Id }) },
    };

    /// <summary>The version never changes: the group does not split.</summary>
    public static RegionEpoch Epoch => new() { ConfVer = 1, Version = 1 };

    /// <returns>Null if it was meant for this member and is understood.</returns>
    public string? WhyStray(MetaHello hello)
    {
        if (hello.Header is not { ProtocolVersion: NodePaths.ProtocolVersion } header)
            return $"protocol version {hello.Header?.ProtocolVersion ?? 0}, member {_self} speaks {NodePaths.ProtocolVersion}";
        return header.ToStoreId == _self
            ? null
            : $"this is member {_self}, not {header.ToStoreId}: does its address in tikv.meta.members lead here?";
    }

    private string? WhyRefused(MetaHello hello)
    {
        if (WhyStray(hello) is { } stray)
            return stray;
        var header = hello.Header;
        if (Text(hello.Members) != Text(_members))
        {
            return $"member {header.FromStoreId} has the list {Text(hello.Members)}, member {_self} has {Text(_members)}: "
                + "tikv.meta.members must be the same on all";
        }

        if (Others.All(m => m.Id != header.FromStoreId))
            return $"member {header.FromStoreId} is not in the list {Text(_members)}";
        if (hello.Token.IsEmpty || TokenOf(header.FromStoreId) is { } known && known != hello.Token)
        {
            return $"member {header.FromStoreId} has another directory than before "
                + $"(token {Text(hello.Token)}, known is {Text(TokenOf(header.FromStoreId))}): "
                + $"was it lost? {MemberTable.Remedy(header.FromStoreId)}";
        }

        return null;
    }

    private ByteString? TokenOf(ulong memberId) => Membership.Recorded.FirstOrDefault(t => t.MemberId == memberId)?.Token_;

    private void Record(ulong memberId, ByteString token)
    {
        Membership = Membership.Clone();
        Membership.Recorded.Add(new MetaMembership.Types.Token { MemberId = memberId, Token_ = token });
    }

    private StoreHeader HeaderTo(ulong memberId) => NodePaths.Header(0, _self, memberId);

    private static string Text(IEnumerable<MetaMember> members) =>
        $"[{string.Join(", ", members.OrderBy(m => m.Id).Select(m => $"{m.Id}@{m.Address}"))}]";

    private static string Text(ByteString? token) => token is null ? "none" : Convert.ToHexString(token.Span);
}
