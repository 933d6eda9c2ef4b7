using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// Whether this node may take part in the meta group: not before every other listed member has durably recorded this directory's token.
/// A member whose directory was lost has forgotten what it had voted for and acknowledged; it comes with another token, and is refused.
/// Pure.
/// </summary>
internal sealed class MetaAdmission
{
    private readonly IReadOnlyList<MetaMember> _members;
    private readonly ulong _self;
    private readonly HashSet<ulong> _met = [];

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

    public bool IsComplete => Others.All(m => _met.Contains(m.Id));

    private IEnumerable<MetaMember> Others => _members.Where(m => m.Id != _self);

    /// <summary>To be sent, again and again, to those that have not answered.</summary>
    public IEnumerable<(MetaMember To, MetaHello Hello)> Hellos() =>
        Others.Where(m => !_met.Contains(m.Id))
            .Select(m => (m, new MetaHello { Header = HeaderTo(m.Id), Token = Membership.Token, Members = { _members } }));

    /// <returns>The answer. It leaves once <see cref="Membership"/> is durable as it is now.</returns>
    public MetaHelloResponse Receive(MetaHello hello)
    {
        var response = new MetaHelloResponse { Header = HeaderTo(hello.Header?.FromStoreId ?? 0), Token = hello.Token };
        if (WhyRefused(hello) is { } why)
            response.Refused = why;
        else if (TokenOf(hello.Header!.FromStoreId) is null)
            Record(hello.Header.FromStoreId, hello.Token);
        return response;
    }

    /// <returns>Why this member is refused; null if it is not.</returns>
    public string? Receive(MetaHelloResponse response)
    {
        // An answer to somebody else, or to an earlier owner of the address.
        if (response.Header is not { } header || header.ToStoreId != _self || response.Token != Membership.Token)
            return null;
        if (response.Refused.Length > 0)
            return $"member {header.FromStoreId}: {response.Refused}";
        _met.Add(header.FromStoreId);
        return null;
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

    private string? WhyRefused(MetaHello hello)
    {
        if (hello.Header is not { ProtocolVersion: NodePaths.ProtocolVersion } header)
            return $"protocol version {hello.Header?.ProtocolVersion ?? 0}, member {_self} speaks {NodePaths.ProtocolVersion}";
        if (Text(hello.Members) != Text(_members))
        {
            return $"member {header.FromStoreId} has the list {Text(hello.Members)}, member {_self} has {Text(_members)}: "
                + "tikv.meta.members must be the same on all";
        }

        if (header.ToStoreId != _self)
            return $"this is member {_self}, not {header.ToStoreId}: does its address in tikv.meta.members lead here?";
        if (Others.All(m => m.Id != header.FromStoreId))
            return $"member {header.FromStoreId} is not in the list {Text(_members)}";
        if (hello.Token.IsEmpty || TokenOf(header.FromStoreId) is { } known && known != hello.Token)
        {
            return $"member {header.FromStoreId} has another directory than before "
                + $"(token {Text(hello.Token)}, known is {Text(TokenOf(header.FromStoreId))}): "
                + "was it lost? What it had promised is lost too, so it must not come back under this id";
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
