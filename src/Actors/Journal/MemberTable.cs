using System.Globalization;
using Google.Protobuf;
using TiKvActors.Protocol;
using Entry = TiKvActors.Protocol.MetaMemberTable.Types.Member;
using Verdict = TiKvActors.Protocol.MetaMembersResponse.Types.Verdict;

namespace TiKvActors.Actors.Journal;

/// <param name="Why">Unless accepted.</param>
/// <param name="Table">The same instance if nothing is to be changed.</param>
internal sealed record MemberDecision(Verdict Verdict, string Why, MetaMemberTable Table);

/// <param name="Refused">Null if it is not.</param>
/// <param name="Waits">Null if it need not.</param>
/// <param name="Table">With the token, which counts once the table is recorded. The same instance if it was.</param>
internal sealed record MemberAdmission(string? Refused, string? Waits, MetaMemberTable Table);

/// <summary>
/// What members the meta group is to have: the record <see cref="Record"/>, which everybody follows (<see cref="MemberPlan"/>). Changes are
/// decided here and put at the revision that they were decided from, so of two at once one is decided again. Pure; tables are immutable.
/// </summary>
internal static class MemberTable
{
    public const string Record = "members";

    private const string NoReturn = "an id never comes back: take another one";

    /// <summary>Before the first change.</summary>
    public static MetaMemberTable Of(IEnumerable<MetaMember> firstConfiguration) => new()
    {
        Members = { firstConfiguration.OrderBy(m => m.Id).Select(m => new Entry { Id = m.Id, Address = m.Address, First = true }) },
    };

    public static Entry? Find(MetaMemberTable table, ulong id) => table.Members.FirstOrDefault(m => m.Id == id);

    /// <summary>Those that are, or are about to be, in the configuration.</summary>
    public static IReadOnlyList<MetaMember> Present(MetaMemberTable table) =>
        [.. table.Members.Where(m => !m.Removed && IsKnown(m)).Select(m => new MetaMember { Id = m.Id, Address = m.Address })];

    /// <summary>Whether or not they still belong to the group.</summary>
    public static IReadOnlyList<MetaMember> FirstConfiguration(MetaMemberTable table) =>
        [.. table.Members.Where(m => m.First).Select(m => new MetaMember { Id = m.Id, Address = m.Address })];

    /// <summary>It may be in the configuration.</summary>
    public static bool IsKnown(Entry member) => member.First || !member.Token.IsEmpty;

    /// <param name="view">Who lives.</param>
    public static MemberDecision Change(MetaMembersRequest request, MetaMemberTable table, MemberView view) => request.KindCase switch
    {
        MetaMembersRequest.KindOneofCase.List => Unchanged(table),
        MetaMembersRequest.KindOneofCase.Add => Add(request.Add.Id, request.Add.Address, table),
        MetaMembersRequest.KindOneofCase.Remove => Remove(request.Remove.Id, table, view),
        MetaMembersRequest.KindOneofCase.Replace =>
            Replace(request.Replace.OldId, request.Replace.NewId, request.Replace.Address, table, view),
        _ => Refused("this member does not know such a request: is the one that asks newer?", table),
    };

    private static MemberDecision Add(ulong id, string address, MetaMemberTable table)
    {
        if (Find(table, id) is { Removed: false } known && known.Address == address)
            return Unchanged(table);
        return WhyNotNew(id, address, 0, table) is { } why ? Refused(why, table) : With(table, new Entry { Id = id, Address = address });
    }

    private static MemberDecision Remove(ulong id, MetaMemberTable table, MemberView view)
    {
        if (Find(table, id) is not { } member)
            return new MemberDecision(Verdict.NotFound, $"member {id}: the group has never had it ({Show(table)})", table);
        if (member.Removed)
            return Unchanged(table);
        if (view.IsVoter(id))
        {
            var left = Staying(table, view).Where(v => v != id).ToList();
            if (left.Count == 0)
                return Refused($"member {id} is the last voter: add another member first", table);
            if (!view.HasQuorum(left))
                return Refused($"without member {id} {WhyNoQuorum(left, view)}", table);
        }

        return With(table, new Entry(member) { Removed = true });
    }

    private static MemberDecision Replace(ulong oldId, ulong newId, string address, MetaMemberTable table, MemberView view)
    {
        if (Find(table, oldId) is not { } old)
            return new MemberDecision(Verdict.NotFound, $"member {oldId}: the group has never had it ({Show(table)})", table);
        if (oldId == newId)
            return Refused($"member {oldId} comes back under another id only: what it had promised may be lost", table);
        if (Find(table, newId) is { Removed: false } known && known.Address == address && (known.Replaces == oldId || old.Removed))
            return Unchanged(table);
        if (old.Removed)
            return Refused($"member {oldId} was removed already: add member {newId}", table);
        if (table.Members.FirstOrDefault(m => !m.Removed && m.Replaces == oldId) is { } other)
            return Refused($"member {other.Id} is taking the place of member {oldId} already: remove it first", table);
        if (WhyNotNew(newId, address, oldId, table) is { } why)
            return Refused(why, table);
        var left = Staying(table, view).Where(v => v != oldId).ToList();
        // The new one is asked to vote only when it has caught up, so it lives.
        if (view.IsVoter(oldId) && 2 * (left.Count(view.Living.Contains) + 1) <= left.Count + 1)
            return Refused($"with member {newId} for member {oldId} {WhyNoQuorum(left, view)}", table);
        return With(table, new Entry { Id = newId, Address = address, Replaces = oldId });
    }

    private static string? WhyNotNew(ulong id, string address, ulong replaces, MetaMemberTable table)
    {
        if (id == 0)
            return "0 is no member's id: ids begin with 1";
        if (!IsHostAndPort(address))
            return $"\"{address}\" is no address of a node: it has the form HOST:PORT";
        if (Find(table, id) is { } known)
        {
            return known.Removed
                ? $"member {id} was removed, and {NoReturn}"
                : $"member {id} is there already, at {known.Address}";
        }

        return table.Members.FirstOrDefault(m => !m.Removed && m.Address == address && m.Id != replaces) is { } neighbour
            ? $"{address} is the address of member {neighbour.Id}: a node has one member"
            : null;
    }

    private static bool IsHostAndPort(string address)
    {
        var colon = address.LastIndexOf(':');
        return colon > 0 && !address.AsSpan().ContainsAny(" /@\t")
            && int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= 65535;
    }

    /// <summary>Voters that nobody has asked to leave.</summary>
    private static IEnumerable<ulong> Staying(MetaMemberTable table, MemberView view) =>
        view.Voters.Where(v => Find(table, v) is not { Removed: true });

    private static string WhyNoQuorum(IReadOnlyList<ulong> left, MemberView view) =>
        $"no majority would be left: of the voters {string.Join(", ", left)} "
        + $"only [{string.Join(", ", left.Where(view.Living.Contains))}] answer: start the others, or remove or replace one of those first";

    /// <summary>Another member of the group has this address now. Only the member itself, which has its directory, knows so.</summary>
    public static MetaMemberTable Moved(MetaMemberTable table, ulong id, string address) =>
        Find(table, id) is { Removed: false } member && member.Address != address
            ? With(table, new Entry(member) { Address = address }).Table
            : table;

    /// <summary>One that the first configuration does not know, or that comes with another list than it, asks to take part.</summary>
    /// <param name="token">Of its directory.</param>
    public static MemberAdmission Admit(ulong id, ByteString token, string address, MetaMemberTable table)
    {
        if (Find(table, id) is not { } member)
        {
            return new MemberAdmission(
                null, $"the group ({Show(table)}) has no member {id} yet: ./tkv ctl member add {id} {address}", table);
        }

        if (member.Removed)
            return new MemberAdmission($"member {id} was removed, and {NoReturn}", null, table);
        if (member.First)
        {
            return new MemberAdmission(
                null,
                $"member {id} is of the first configuration, whose members admit each other: if its directory was lost, {Remedy(id)}",
                table);
        }

        if (token.IsEmpty || (!member.Token.IsEmpty && member.Token != token))
        {
            return new MemberAdmission(
                $"member {id} has another directory than before (token {Text(token)}, known is {Text(member.Token)}): {Remedy(id)}",
                null, table);
        }

        if (!member.Token.IsEmpty)
            return new MemberAdmission(null, null, table);
        return member.Address == address
            ? new MemberAdmission(null, null, With(table, new Entry(member) { Token = token }).Table)
            : new MemberAdmission($"member {id} was added at {member.Address}, this one is at {address}", null, table);
    }

    /// <summary>What an operator does about a directory that was lost.</summary>
    public static string Remedy(ulong id) =>
        $"what it had promised is lost too, so it must not come back under this id: ./tkv ctl member replace {id} NEW-ID HOST:PORT";

    /// <summary>The new one of a pair has taken the old one's place.</summary>
    public static MetaMemberTable Replaced(MetaMemberTable table, ulong oldId, ulong newId)
    {
        var next = table.Clone();
        Find(next, oldId)!.Removed = true;
        Find(next, newId)!.Replaces = 0;
        return next;
    }

    public static string Show(MetaMemberTable table) =>
        $"[{string.Join(", ", table.Members.Where(m => !m.Removed).Select(m => $"{m.Id}@{m.Address}"))}]";

    private static MemberDecision With(MetaMemberTable table, Entry member)
    {
        var next = new MetaMemberTable { Members = { table.Members.Where(m => m.Id != member.Id).Append(member).OrderBy(m => m.Id) } };
        return new MemberDecision(Verdict.Accepted, "", next);
    }

    private static MemberDecision Unchanged(MetaMemberTable table) => new(Verdict.Accepted, "", table);

    private static MemberDecision Refused(string why, MetaMemberTable table) => new(Verdict.Refused, why, table);

    private static string Text(ByteString token) => token.IsEmpty ? "none" : Convert.ToHexString(token.Span);
}
