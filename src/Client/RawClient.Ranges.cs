using Google.Protobuf;
using TiKvActors.Client.Calls;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client;

/// <summary>Calls about all keys of [start, end), empty = no bound; region after region, not as one step.</summary>
public sealed partial class RawClient
{
    /// <exception cref="InvalidRequestException">The range is inverted or a bound too long.</exception>
    /// <exception cref="UndeterminedException">Answers were lost.</exception>
    public async Task DeleteRangeAsync(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end, CancellationToken cancellation = default)
    {
        var call = Start(new Operation($"delete of range {Describe(start, end)}{PartlyDone}"), CallKind.IdempotentWrite, cancellation);
        await ForEachRegionAsync<RawDeleteRangeResponse>(
            call, start, end, (from, to) => new RawDeleteRangeRequest { StartKey = from, EndKey = to }, _ => { }).ConfigureAwait(false);
    }

    /// <exception cref="InvalidRequestException">The range is inverted or a bound too long.</exception>
    public async Task<RawChecksum> ChecksumAsync(
        ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end, CancellationToken cancellation = default)
    {
        var total = new RawChecksum();
        var call = Start(new Operation($"checksum of range {Describe(start, end)}"), CallKind.Read, cancellation);
        await ForEachRegionAsync<RawChecksumResponse>(
            call,
            start,
            end,
            (from, to) => new RawChecksumRequest
            {
                Algorithm = ChecksumAlgorithm.Crc64Xor,
                Ranges = { new KeyRange { StartKey = from, EndKey = to } }
            },
            part => total = new RawChecksum(
                total.Crc64Xor ^ part.Checksum, total.TotalKeys + part.TotalKvs, total.TotalBytes + part.TotalBytes)).ConfigureAwait(false);
        return total;
    }

    private async Task ForEachRegionAsync<TResponse>(
        Call call, ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end, Func<ByteString, ByteString, IRegionRequest> build,
        Action<TResponse> take)
        where TResponse : class, IRegionResponse
    {
        Check(RequestLimits.CheckRange(start.Span, end.Span));
        var (from, stop) = (_keys.ToRequestStart(start.Span), _keys.ToRequestEnd(end.Span));
        while (stop.IsEmpty || from.Span.SequenceCompareTo(stop.Span) < 0)
        {
            var region = await _router.LocateAsync(call, from).ConfigureAwait(false);
            var to = RegionKeys.CompareEnds(stop.Span, region.End.Span) <= 0 ? stop : region.End;
            if (await _router.TryAsync<TResponse>(call, region, () => build(from, to)).ConfigureAwait(false) is not { } response)
                continue;
            take(response);
            if (to.IsEmpty)
                return;
            from = to;
        }
    }

    private static string Describe(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end) =>
        $"[{KeyText.Brief(start.Span)}, {KeyText.Brief(end.Span)})";
}
