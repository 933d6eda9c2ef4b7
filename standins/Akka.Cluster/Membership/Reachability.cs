using System.Collections.Immutable;

namespace Akka.Cluster.Membership;

internal enum ReachabilityStatus : byte
{
    Reachable = 0,
    Unreachable = 1,
    /// <summary>Gone for good: a new incarnation is at its address.</summary>
    Terminated = 2
}

/// <summary>
/// Who finds whom unreachable. A row belongs to its observer, who alone changes it and counts its version, so that of two rows the
/// one with the higher version is the newer one.
/// </summary>
internal sealed class Reachability
{
    public static readonly Reachability Empty = new(ImmutableDictionary<UniqueAddress, Row>.Empty);

    private Reachability(ImmutableDictionary<UniqueAddress, Row> rows)
    {
        Rows = rows;
        var all = ImmutableDictionary.CreateBuilder<UniqueAddress, ReachabilityStatus>();
        foreach (var row in rows.Values)
            foreach (var (subject, status) in row.Subjects)
                if (status > all.GetValueOrDefault(subject)) all[subject] = status;
        Overall = all.ToImmutable();
    }

    /// <summary>Those whom one observer finds unreachable.</summary>
    public sealed record Row(long Version, ImmutableDictionary<UniqueAddress, ReachabilityStatus> Subjects);

    public readonly record struct Record(UniqueAddress Observer, UniqueAddress Subject, ReachabilityStatus Status);

    public ImmutableDictionary<UniqueAddress, Row> Rows { get; }

    /// <summary>Those whom anybody finds unreachable, with the worst that is said of them.</summary>
    public ImmutableDictionary<UniqueAddress, ReachabilityStatus> Overall { get; }

    public bool IsAllReachable => Overall.IsEmpty;

    public IEnumerable<UniqueAddress> AllUnreachable => Overall.Keys;

    public IEnumerable<Record> Records =>
        Rows.SelectMany(row => row.Value.Subjects.Select(subject => new Record(row.Key, subject.Key, subject.Value)));

    public static Reachability Of(IEnumerable<KeyValuePair<UniqueAddress, Row>> rows) => new(rows.ToImmutableDictionary());

    public bool IsReachable(UniqueAddress subject) => !Overall.ContainsKey(subject);

    public bool IsReachable(UniqueAddress observer, UniqueAddress subject) => StatusOf(observer, subject) == ReachabilityStatus.Reachable;

    public ReachabilityStatus StatusOf(UniqueAddress observer, UniqueAddress subject) =>
        Rows.TryGetValue(observer, out var row) ? row.Subjects.GetValueOrDefault(subject) : ReachabilityStatus.Reachable;

    public IEnumerable<UniqueAddress> AllUnreachableFrom(UniqueAddress observer) =>
        Rows.TryGetValue(observer, out var row) ? row.Subjects.Keys : [];

    public IEnumerable<UniqueAddress> ObserversOf(UniqueAddress subject) =>
        Rows.Where(row => row.Value.Subjects.ContainsKey(subject)).Select(row => row.Key);

    /// <summary>What is terminated stays so.</summary>
    public Reachability Change(UniqueAddress observer, UniqueAddress subject, ReachabilityStatus status)
    {
        var row = Rows.GetValueOrDefault(observer) ?? new Row(0, ImmutableDictionary<UniqueAddress, ReachabilityStatus>.Empty);
        var known = row.Subjects.GetValueOrDefault(subject);
        if (known == status || known == ReachabilityStatus.Terminated) return this;
        var subjects = status == ReachabilityStatus.Reachable ? row.Subjects.Remove(subject) : row.Subjects.SetItem(subject, status);
        return new Reachability(Rows.SetItem(observer, new Row(row.Version + 1, subjects)));
    }

    /// <summary>The newest row of each observer, about members only.</summary>
    public Reachability Merge(Reachability that, Func<UniqueAddress, bool> isMember)
    {
        var merged = Rows.ToBuilder();
        foreach (var (observer, row) in that.Rows)
            if (!merged.TryGetValue(observer, out var known) || known.Version < row.Version) merged[observer] = row;
        return new Reachability(merged.ToImmutable()).Only(isMember);
    }

    /// <summary>What members say of members.</summary>
    public Reachability Only(Func<UniqueAddress, bool> isMember)
    {
        var rows = Rows;
        foreach (var (observer, row) in Rows)
        {
            if (!isMember(observer)) rows = rows.Remove(observer);
            else if (row.Subjects.Keys.Any(s => !isMember(s)))
                rows = rows.SetItem(observer, row with { Subjects = row.Subjects.RemoveRange(row.Subjects.Keys.Where(s => !isMember(s))) });
        }
        return ReferenceEquals(rows, Rows) ? this : new Reachability(rows);
    }

    /// <summary>Without what these observers say.</summary>
    public Reachability Without(Func<UniqueAddress, bool> observers) =>
        Rows.Keys.Any(observers) ? new Reachability(Rows.RemoveRange(Rows.Keys.Where(observers))) : this;

    public Reachability Where(Func<Record, bool> record) => new(Rows.ToImmutableDictionary(row => row.Key, row => row.Value with
    {
        Subjects = row.Value.Subjects.Where(subject => record(new Record(row.Key, subject.Key, subject.Value))).ToImmutableDictionary()
    }));

    public bool IsSameAs(Reachability that) => ReferenceEquals(this, that) || Records.ToHashSet().SetEquals(that.Records);

    public override string ToString() => string.Join(", ", Records.Select(r => $"{r.Observer.Address} -> {r.Subject.Address}: {r.Status}"));
}
