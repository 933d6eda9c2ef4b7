using Google.Protobuf;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Actors;

/// <summary>Key ranges as regions have them: start inclusive, end exclusive, an empty end is unbounded.</summary>
internal static class KeyRange
{
    public static int Compare(ByteString left, ByteString right) => left.Span.SequenceCompareTo(right.Span);

    public static bool Contains(Region region, ByteString key) =>
        Compare(key, region.StartKey) >= 0 && (region.EndKey.IsEmpty || Compare(key, region.EndKey) < 0);

    /// <summary>Whether <paramref name="key"/> can be the exclusive end of a range inside the region.</summary>
    public static bool ContainsAsEnd(Region region, ByteString key) =>
        key.IsEmpty ? region.EndKey.IsEmpty
        : Compare(key, region.StartKey) > 0 && (region.EndKey.IsEmpty || Compare(key, region.EndKey) <= 0);

    public static bool Overlaps(ByteString startA, ByteString endA, ByteString startB, ByteString endB) =>
        (endB.IsEmpty || Compare(startA, endB) < 0) && (endA.IsEmpty || Compare(startB, endA) < 0);

    /// <summary>The smaller of two exclusive ends.</summary>
    public static ByteString MinEnd(ByteString left, ByteString right)
    {
        if (left.IsEmpty)
            return right;
        return right.IsEmpty || Compare(left, right) <= 0 ? left : right;
    }

    public static ByteString MaxStart(ByteString left, ByteString right) => Compare(left, right) >= 0 ? left : right;

    /// <summary>For messages: <c>[6162, +inf)</c>.</summary>
    public static string Describe(Region region) =>
        $"[{(region.StartKey.IsEmpty ? "-inf" : Convert.ToHexString(region.StartKey.Span))}, " +
        $"{(region.EndKey.IsEmpty ? "+inf" : Convert.ToHexString(region.EndKey.Span))})";
}
