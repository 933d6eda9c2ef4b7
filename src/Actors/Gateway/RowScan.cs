using Google.Protobuf;
using Google.Protobuf.Collections;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Raw;

namespace TiKvActors.Actors.Gateway;

/// <summary>
/// Walks the live raw rows of [lower, upper) within a region. Expired rows are skipped; the deadline is looked at now and then.
/// </summary>
internal sealed class RowScan(
    IDataSnapshot snapshot, APIVersion mode, ColumnFamily family, Region region, ByteString lower, ByteString upper, bool isReverse,
    bool keyOnly, TimeSpan deadline, MonotonicClock clock)
{
    private const int RowsBetweenClockReadings = 256;

    public bool IsExpired { get; private set; }

    /// <summary>The response is full before the limit and the range's end.</summary>
    public bool IsCutShort { get; private set; }

    /// <summary>The start key that continues a scan that was cut short.</summary>
    public ByteString ResumeKey { get; private set; } = ByteString.Empty;

    public int NextRowBytes { get; private set; }

    /// <summary>The first key of a forward scan, the exclusive upper bound of a reverse one; both may be unbounded.</summary>
    public static Error? CheckStart(Region region, ByteString start, bool isReverse)
    {
        var inside = isReverse
            ? KeyRange.ContainsAsEnd(region, start)
            : KeyRange.Contains(region, start);
        return inside ? null : RegionErrors.KeyNotInRegion(start, region);
    }

    /// <param name="leftBytes">What the response may still take; reduced by what is added.</param>
    public void Run(int limit, RepeatedField<KvPair> pairs, ref int leftBytes)
    {
        using var cursor = Open();
        var now = clock.UnixSeconds;
        var added = 0;
        for (var rows = 0; added < limit && cursor.Valid; rows++, Move(cursor))
        {
            if (IsTimeUp(rows))
                return;
            var value = RawValue.Decode(mode, cursor.Key, cursor.Value);
            if (value.IsExpired(now))
                continue;
            var bytes = cursor.Key.Length + (keyOnly ? 0 : value.UserValue.Length) + RequestScope.PairOverheadBytes;
            if (bytes > leftBytes)
            {
                IsCutShort = true;
                NextRowBytes = bytes;
                // A reverse scan's start is exclusive: the last row that was returned.
                ResumeKey = isReverse ? (pairs.Count > 0 ? pairs[^1].Key : ByteString.Empty) : RequestKey(cursor.Key);
                MakeRoomForResumeKey(pairs, added, ref leftBytes);
                return;
            }

            leftBytes -= bytes;
            var pair = new KvPair { Key = RequestKey(cursor.Key) };
            if (!keyOnly)
                pair.Value = ByteString.CopyFrom(value.UserValue);
            pairs.Add(pair);
            added++;
        }
    }

    /// <summary>The last rows give way to it; if the first does too, nothing fits.</summary>
    private void MakeRoomForResumeKey(RepeatedField<KvPair> pairs, int added, ref int leftBytes)
    {
        for (; added > 0 && ResumeKey.Length + RequestScope.PairOverheadBytes > leftBytes; added--)
        {
            var last = pairs[^1];
            pairs.RemoveAt(pairs.Count - 1);
            var bytes = last.Key.Length + last.Value.Length + RequestScope.PairOverheadBytes;
            leftBytes += bytes;
            NextRowBytes = bytes + ResumeKey.Length;
            ResumeKey = isReverse ? (added > 1 ? pairs[^1].Key : ByteString.Empty) : last.Key;
        }
    }

    public void Sum(ref RangeChecksum sum)
    {
        using var cursor = Open();
        var now = clock.UnixSeconds;
        for (var rows = 0; cursor.Valid; rows++, Move(cursor))
        {
            if (IsTimeUp(rows))
                return;
            var value = RawValue.Decode(mode, cursor.Key, cursor.Value);
            if (!value.IsExpired(now))
                sum.Add(RequestKey(cursor.Key).Span, value.UserValue);
        }
    }

    private IRangeCursor Open()
    {
        var start = KeyRange.MaxStart(lower, region.StartKey);
        var end = KeyRange.MinEnd(upper, region.EndKey);
        var cursor = snapshot.OpenCursor(family, start.Span, end.Span);
        if (isReverse)
            cursor.SeekToLast();
        else
            cursor.SeekToFirst();
        return cursor;
    }

    private void Move(IRangeCursor cursor)
    {
        if (isReverse)
            cursor.Prev();
        else
            cursor.Next();
    }

    private bool IsTimeUp(int rows)
    {
        if (rows % RowsBetweenClockReadings == RowsBetweenClockReadings - 1 && clock.Now >= deadline)
            IsExpired = true;
        return IsExpired;
    }

    private ByteString RequestKey(ReadOnlySpan<byte> regionKey) =>
        mode == APIVersion.V2 ? UnsafeByteOperations.UnsafeWrap(Memcomparable.Decode(regionKey)) : ByteString.CopyFrom(regionKey);
}
