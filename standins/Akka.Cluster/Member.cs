using System.Collections.Immutable;
using Akka.Actor;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>
/// Where a member stands. It only ever goes on: Joining, WeaklyUp, Up, Leaving, Exiting, and Down from each of them; then it is removed.
/// </summary>
public enum MemberStatus
{
    Joining = 0,
    Up = 1,
    Leaving = 2,
    Exiting = 3,
    Down = 4,
    Removed = 5,
    /// <summary>Joined while not all members are reachable; becomes Up when they are.</summary>
    WeaklyUp = 6
}

/// <summary>One incarnation of a system at an address.</summary>
public class UniqueAddress : IEquatable<UniqueAddress>, IComparable<UniqueAddress>, IComparable
{
    public UniqueAddress(Address address, int uid)
    {
        Address = address;
        Uid = uid;
    }

    public Address Address { get; }

    public int Uid { get; }

    public bool Equals(UniqueAddress other) => other is not null && Uid == other.Uid && Address.Equals(other.Address);

    public override bool Equals(object obj) => Equals(obj as UniqueAddress);

    public override int GetHashCode() => Uid;

    public int CompareTo(UniqueAddress uniqueAddress)
    {
        if (uniqueAddress is null) return 1;
        var order = Member.AddressOrdering.Compare(Address, uniqueAddress.Address);
        return order != 0 ? order : Uid.CompareTo(uniqueAddress.Uid);
    }

    int IComparable.CompareTo(object obj) => CompareTo((UniqueAddress)obj);

    public override string ToString() => $"UniqueAddress: ({Address}, {Uid})";

    public static bool operator ==(UniqueAddress left, UniqueAddress right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(UniqueAddress left, UniqueAddress right) => !(left == right);
}

/// <summary>A system that belongs to the cluster. Compared and ordered by its unique address only.</summary>
public class Member : IComparable<Member>, IComparable
{
    /// <summary>Of a member that has not been Up.</summary>
    internal const int NoUpNumber = int.MaxValue;

    public static readonly IComparer<Address> AddressOrdering = Comparer<Address>.Create(CompareAddresses);

    /// <summary>The oldest first: in the order in which they became Up.</summary>
    public static readonly IComparer<Member> AgeOrdering = Comparer<Member>.Create(CompareAges);

    private Member(UniqueAddress uniqueAddress, int upNumber, MemberStatus status, ImmutableHashSet<string> roles, AppVersion appVersion)
    {
        UniqueAddress = uniqueAddress;
        UpNumber = upNumber;
        Status = status;
        Roles = roles;
        AppVersion = appVersion;
    }

    public UniqueAddress UniqueAddress { get; }

    public Address Address => UniqueAddress.Address;

    public MemberStatus Status { get; }

    public ImmutableHashSet<string> Roles { get; }

    public AppVersion AppVersion { get; }

    internal int UpNumber { get; }

    internal static Member Create(UniqueAddress uniqueAddress, ImmutableHashSet<string> roles, AppVersion appVersion) =>
        new(uniqueAddress, NoUpNumber, MemberStatus.Joining, roles, appVersion);

    internal static Member Create(
        UniqueAddress uniqueAddress, MemberStatus status, int upNumber, ImmutableHashSet<string> roles, AppVersion appVersion) =>
        new(uniqueAddress, upNumber, status, roles, appVersion);

    /// <summary>A member that is not there (any more), also for finding one by its address.</summary>
    internal static Member Removed(UniqueAddress uniqueAddress) =>
        new(uniqueAddress, NoUpNumber, MemberStatus.Removed, ImmutableHashSet<string>.Empty, AppVersion.Zero);

    public bool HasRole(string role) => Roles.Contains(role);

    /// <summary>Whether it became Up before the other one; among those that have not been Up, or at once, the address decides.</summary>
    public bool IsOlderThan(Member other) => CompareAges(this, other) < 0;

    /// <exception cref="InvalidOperationException">A member does not go back to that status.</exception>
    public Member Copy(MemberStatus status)
    {
        if (status == Status) return this;
        // A status that only a removed member has is never compared: nothing follows it.
        if (Status == MemberStatus.Removed || Rank(status) < Rank(Status))
            throw new InvalidOperationException($"Invalid member status transition [{Status} -> {status}] of {Address}");
        return new Member(UniqueAddress, UpNumber, status, Roles, AppVersion);
    }

    public Member CopyUp(int upNumber)
    {
        var up = Copy(MemberStatus.Up);
        return new Member(up.UniqueAddress, upNumber, MemberStatus.Up, up.Roles, up.AppVersion);
    }

    /// <summary>What is known of one member from two states: the later status, the earlier number.</summary>
    internal static Member Merge(Member a, Member b)
    {
        var (status, upNumber) = (Rank(a.Status) >= Rank(b.Status) ? a.Status : b.Status, Math.Min(a.UpNumber, b.UpNumber));
        if (a.Status == status && a.UpNumber == upNumber) return a;
        return new Member(a.UniqueAddress, upNumber, status, a.Roles, a.AppVersion);
    }

    internal bool IsSameAs(Member other) => Equals(other) && Status == other.Status && UpNumber == other.UpNumber;

    public int CompareTo(Member other) => other is null ? 1 : UniqueAddress.CompareTo(other.UniqueAddress);

    int IComparable.CompareTo(object obj) => CompareTo((Member)obj);

    public override bool Equals(object obj) => obj is Member other && UniqueAddress.Equals(other.UniqueAddress);

    public override int GetHashCode() => UniqueAddress.GetHashCode();

    public override string ToString() =>
        $"Member(address = {Address}, Uid={UniqueAddress.Uid} status = {Status}, "
            + $"role=[{string.Join(",", Roles.Order(StringComparer.Ordinal))}], upNumber={UpNumber}, version={AppVersion})";

    private static int Rank(MemberStatus status) => status switch
    {
        MemberStatus.Joining => 0,
        MemberStatus.WeaklyUp => 1,
        MemberStatus.Up => 2,
        MemberStatus.Leaving => 3,
        MemberStatus.Exiting => 4,
        MemberStatus.Down => 5,
        _ => 6
    };

    private static int CompareAddresses(Address x, Address y)
    {
        if (ReferenceEquals(x, y)) return 0;
        if (x is null || y is null) return x is null ? -1 : 1;
        var order = string.CompareOrdinal(x.Host ?? "", y.Host ?? "");
        return order != 0 ? order : (x.Port ?? 0).CompareTo(y.Port ?? 0);
    }

    private static int CompareAges(Member x, Member y)
    {
        if (x.Equals(y)) return 0;
        var order = x.UpNumber.CompareTo(y.UpNumber);
        return order != 0 ? order : x.CompareTo(y);
    }
}
