using Google.Protobuf;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Protocol.Keys;

/// <summary>Between request keys and region keys (see <see cref="RawKeySpace"/>) of raw data, and tests against a region's range.</summary>
public static class RegionKeys
{
    /// <summary>The region key of a raw request's key. Empty stays empty: a boundary that stands for 'no bound' is never encoded.</summary>
    public static ByteString FromRawRequestKey(APIVersion apiVersion, ByteString requestKey) =>
        apiVersion != APIVersion.V2 || requestKey.IsEmpty
            ? requestKey : UnsafeByteOperations.UnsafeWrap(Memcomparable.Encode(requestKey.Span));

    /// <summary>The inverse of <see cref="FromRawRequestKey"/>; also for a region's boundaries.</summary>
    /// <exception cref="FormatException">Under API V2, not memcomparable.</exception>
    public static ByteString ToRawRequestKey(APIVersion apiVersion, ByteString regionKey) =>
        apiVersion != APIVersion.V2 || regionKey.IsEmpty
            ? regionKey : UnsafeByteOperations.UnsafeWrap(Memcomparable.Decode(regionKey.Span));

    /// <summary>Whether <paramref name="key"/> lies in [start, end); an empty end is the end of all keys.</summary>
    public static bool Contains(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, ReadOnlySpan<byte> key) =>
        key.SequenceCompareTo(start) >= 0 && (end.IsEmpty || key.SequenceCompareTo(end) < 0);

    /// <summary>Compares two exclusive ends of ranges: empty is greater than everything.</summary>
    public static int CompareEnds(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        left.IsEmpty || right.IsEmpty ? left.IsEmpty.CompareTo(right.IsEmpty) : left.SequenceCompareTo(right);
}
