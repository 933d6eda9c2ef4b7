using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>
/// How many changes of each node a state includes (Fidge, Mattern 1988). A state that includes everything of another one comes
/// after it; of two that each include something that the other does not neither is newer.
/// </summary>
public sealed class VectorClock
{
    private static readonly VectorClock _empty = new(ImmutableSortedDictionary<Node, long>.Empty);

    private VectorClock(ImmutableSortedDictionary<Node, long> versions) => Versions = versions;

    public enum Ordering
    {
        After = 0,
        Before = 1,
        Same = 2,
        Concurrent = 3,
        FullOrder = 4
    }

    /// <summary>Who counts.</summary>
    public class Node : IComparable<Node>
    {
        private readonly string _value;

        public Node(string value) => _value = value;

        internal string Value => _value;

        public static Node Create(string name) => new(name);

        public static Node FromHash(string hash) => new(hash);

        public int CompareTo(Node other) => string.CompareOrdinal(_value, other?._value);

        public override bool Equals(object obj) => obj is Node other && _value == other._value;

        public override int GetHashCode() => _value.GetHashCode(StringComparison.Ordinal);

        public override string ToString() => _value;
    }

    public ImmutableSortedDictionary<Node, long> Versions { get; }

    public static VectorClock Create() => _empty;

    public static VectorClock Create(ImmutableSortedDictionary<Node, long> seedValues) => new(seedValues);

    public VectorClock Increment(Node node) => new(Versions.SetItem(node, Versions.GetValueOrDefault(node) + 1));

    public VectorClock Merge(VectorClock that)
    {
        var merged = Versions.ToBuilder();
        foreach (var (node, count) in that.Versions)
            if (!merged.TryGetValue(node, out var known) || known < count) merged[node] = count;
        return new VectorClock(merged.ToImmutable());
    }

    /// <summary>Without a node that does not exist any more.</summary>
    public VectorClock Prune(Node removedNode) => Versions.ContainsKey(removedNode) ? new VectorClock(Versions.Remove(removedNode)) : this;

    public Ordering CompareTo(VectorClock that)
    {
        if (ReferenceEquals(this, that)) return Ordering.Same;
        var (ahead, behind) = (HasMoreThan(that), that.HasMoreThan(this));
        return ahead ? behind ? Ordering.Concurrent : Ordering.After : behind ? Ordering.Before : Ordering.Same;
    }

    public bool IsAfter(VectorClock that) => CompareTo(that) == Ordering.After;

    public bool IsBefore(VectorClock that) => CompareTo(that) == Ordering.Before;

    public bool IsConcurrentWith(VectorClock that) => CompareTo(that) == Ordering.Concurrent;

    public bool IsSameAs(VectorClock that) => CompareTo(that) == Ordering.Same;

    public override bool Equals(object obj) => obj is VectorClock that && IsSameAs(that);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var (node, count) in Versions)
        {
            hash.Add(node);
            hash.Add(count);
        }
        return hash.ToHashCode();
    }

    public override string ToString() => $"VectorClock({string.Join(", ", Versions.Select(v => $"{v.Key} -> {v.Value}"))})";

    public static bool operator ==(VectorClock left, VectorClock right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(VectorClock left, VectorClock right) => !(left == right);

    public static bool operator >(VectorClock left, VectorClock right) => left.IsAfter(right);

    public static bool operator <(VectorClock left, VectorClock right) => left.IsBefore(right);

    private bool HasMoreThan(VectorClock that)
    {
        foreach (var (node, count) in Versions)
            if (count > that.Versions.GetValueOrDefault(node)) return true;
        return false;
    }
}
