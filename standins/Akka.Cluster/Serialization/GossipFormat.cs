using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster.Membership;
using Akka.Remote.Transport;
using Akka.Util;

namespace Akka.Cluster.Serialization;

/// <summary>
/// A gossip as bytes: a table of the nodes that occur in it; everything else names them by their place there, the clock's entries too.
/// </summary>
internal static class GossipFormat
{
    public static void Write(WireWriter to, Address address) => to.Text(address.ToString());

    public static void Write(WireWriter to, UniqueAddress node)
    {
        Write(to, node.Address);
        to.Int32(node.Uid);
    }

    public static void Write(WireWriter to, IReadOnlyCollection<string> roles)
    {
        to.Var((uint)roles.Count);
        foreach (var role in roles) to.Text(role);
    }

    public static void Write(WireWriter to, Gossip gossip)
    {
        var nodes = gossip.Members.Select(m => m.UniqueAddress).Concat(gossip.Tombstones.Keys).Concat(gossip.Seen)
            .Concat(gossip.Reachability.Rows.SelectMany(row => row.Value.Subjects.Keys.Prepend(row.Key))).Distinct().ToList();
        var places = nodes.Select((node, place) => (node, place)).ToDictionary(n => n.node, n => (ulong)n.place);
        to.Var((uint)nodes.Count);
        foreach (var node in nodes) Write(to, node);
        to.Var((uint)gossip.Members.Count);
        foreach (var member in gossip.Members)
        {
            to.Var(places[member.UniqueAddress]);
            to.Byte((byte)member.Status);
            to.Int32(member.UpNumber);
            Write(to, member.Roles);
            to.Text(member.AppVersion.Version);
        }
        to.Var((uint)gossip.Seen.Count);
        foreach (var node in gossip.Seen) to.Var(places[node]);
        to.Var((uint)gossip.Reachability.Rows.Count);
        foreach (var (observer, row) in gossip.Reachability.Rows)
        {
            to.Var(places[observer]);
            to.Int64(row.Version);
            to.Var((uint)row.Subjects.Count);
            foreach (var (subject, status) in row.Subjects)
            {
                to.Var(places[subject]);
                to.Byte((byte)status);
            }
        }
        to.Var((uint)gossip.Tombstones.Count);
        foreach (var (node, time) in gossip.Tombstones)
        {
            to.Var(places[node]);
            to.Int64(time);
        }
        Write(to, gossip.Version, nodes.Select((node, place) => (node, place))
            .ToDictionary(n => Gossip.ClockNode(n.node).Value, n => n.place));
    }

    public static void Write(WireWriter to, VectorClock version, IReadOnlyDictionary<string, int> places)
    {
        to.Var((uint)version.Versions.Count);
        foreach (var (node, count) in version.Versions)
        {
            // 0: not in the table.
            if (places.TryGetValue(node.Value, out var place))
            {
                to.Var((ulong)place + 1);
            }
            else
            {
                to.Var(0);
                to.Text(node.Value);
            }
            to.Int64(count);
        }
    }

    public static Address ReadAddress(ref WireReader from)
    {
        var text = from.Text();
        return Address.TryParse(text, out var address) && address.HasGlobalScope
            ? address : throw new SerializationException($"'{text}' is not the address of a node");
    }

    public static UniqueAddress ReadNode(ref WireReader from) => new(ReadAddress(ref from), from.Int32());

    public static ImmutableHashSet<string> ReadRoles(ref WireReader from)
    {
        var roles = ImmutableHashSet.CreateBuilder<string>();
        for (var count = from.Var(); count > 0; count--) roles.Add(from.Text());
        return roles.ToImmutable();
    }

    public static Gossip Read(ref WireReader from)
    {
        var nodes = new List<UniqueAddress>();
        for (var count = from.Var(); count > 0; count--) nodes.Add(ReadNode(ref from));
        var members = ImmutableSortedSet.CreateBuilder<Member>();
        for (var count = from.Var(); count > 0; count--)
            members.Add(Member.Create(
                At(nodes, from.Var()), ReadMemberStatus(ref from, out var upNumber), upNumber, ReadRoles(ref from),
                AppVersion.Create(from.Text())));
        var seen = ImmutableHashSet.CreateBuilder<UniqueAddress>();
        for (var count = from.Var(); count > 0; count--) seen.Add(At(nodes, from.Var()));
        var rows = new Dictionary<UniqueAddress, Reachability.Row>();
        for (var count = from.Var(); count > 0; count--) rows[At(nodes, from.Var())] = ReadRow(ref from, nodes);
        var tombstones = ImmutableDictionary.CreateBuilder<UniqueAddress, long>();
        for (var count = from.Var(); count > 0; count--) tombstones[At(nodes, from.Var())] = from.Int64();
        var version = ReadVersion(ref from, nodes.ConvertAll(node => Gossip.ClockNode(node).Value));
        return new Gossip(members.ToImmutable(), seen.ToImmutable(), Reachability.Of(rows), version, tombstones.ToImmutable());
    }

    public static VectorClock ReadVersion(ref WireReader from, IReadOnlyList<string> places)
    {
        var versions = ImmutableSortedDictionary.CreateBuilder<VectorClock.Node, long>();
        for (var count = from.Var(); count > 0; count--)
        {
            var place = from.Var();
            var name = place == 0 ? from.Text() : At(places, place - 1);
            versions[VectorClock.Node.FromHash(name)] = from.Int64();
        }
        return VectorClock.Create(versions.ToImmutable());
    }

    private static MemberStatus ReadMemberStatus(ref WireReader from, out int upNumber)
    {
        var status = (MemberStatus)from.Byte();
        if (!Enum.IsDefined(status) || status == MemberStatus.Removed)
            throw new SerializationException($"{status} is not the status of a member");
        upNumber = from.Int32();
        return status;
    }

    private static Reachability.Row ReadRow(ref WireReader from, List<UniqueAddress> nodes)
    {
        var version = from.Int64();
        var subjects = ImmutableDictionary.CreateBuilder<UniqueAddress, ReachabilityStatus>();
        for (var count = from.Var(); count > 0; count--)
        {
            var subject = At(nodes, from.Var());
            var status = (ReachabilityStatus)from.Byte();
            if (status is not (ReachabilityStatus.Unreachable or ReachabilityStatus.Terminated))
                throw new SerializationException($"{status} is not what is said of an unreachable node");
            subjects[subject] = status;
        }
        return new Reachability.Row(version, subjects.ToImmutable());
    }

    private static T At<T>(IReadOnlyList<T> table, ulong place) =>
        place < (ulong)table.Count ? table[(int)place] : throw new SerializationException($"Place {place} in a table of {table.Count}");
}
