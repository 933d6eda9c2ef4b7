using System.Runtime.CompilerServices;
using TiKvActors.Client.Calls;
using TiKvActors.Client.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client;

/// <summary>Scans over [start, end), empty = no bound.</summary>
public sealed partial class RawClient
{
    /// <summary>
    /// Live keys in order, page by page while they are taken: a write meanwhile may or may not show. Each page has the whole
    /// timeout for itself.
    /// </summary>
    /// <exception cref="InvalidRequestException">The range is inverted, a bound too long, or the limit not positive.</exception>
    public IAsyncEnumerable<RawPair> ScanAsync(
        ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end, RawScanOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new RawScanOptions();
        Check(RequestLimits.CheckRange(start.Span, end.Span));
        Check(options.Limit is <= 0 ? $"scan limit {options.Limit}: a limit is at least 1 (leave it out to scan everything)" : null);
        return PagesAsync(new RawRange(start, end), options, cancellation);
    }

    /// <summary>Several scans at the same time.</summary>
    /// <param name="eachLimit">Pairs of each range at most.</param>
    /// <returns>The pairs of each range, in the ranges' order.</returns>
    /// <exception cref="InvalidRequestException">A range is inverted, a bound too long, or the limit not positive.</exception>
    public async Task<IReadOnlyList<IReadOnlyList<RawPair>>> BatchScanAsync(
        IReadOnlyList<RawRange> ranges, int eachLimit, RawScanOptions? options = null, CancellationToken cancellation = default)
    {
        options = (options ?? new RawScanOptions()) with { Limit = eachLimit };
        var scans = ranges.Select(range => ScanAsync(range.Start, range.End, options, cancellation)).ToList();
        var results = new IReadOnlyList<RawPair>[ranges.Count];
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = _cluster.Environment.Settings.MaxParallelShares,
            CancellationToken = cancellation
        };
        await Parallel.ForAsync(
            0, ranges.Count, parallel,
            async (i, _) => results[i] = await scans[i].ToListAsync(cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        return results;
    }

    private async IAsyncEnumerable<RawPair> PagesAsync(
        RawRange range, RawScanOptions options, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var cursor = new ScanCursor(_keys.ToRequestStart(range.Start.Span), _keys.ToRequestEnd(range.End.Span), options.Reverse);
        var left = options.Limit ?? int.MaxValue;
        while (left > 0 && !cursor.IsDone)
        {
            var page = await NextPageAsync(
                cursor, range, (uint)Math.Min(left, _cluster.Environment.Settings.ScanPage), options, cancellation).ConfigureAwait(false);
            foreach (var pair in page.Kvs)
                yield return new RawPair(_keys.ToUserKey(pair.Key).ToArray(), pair.Value.ToByteArray());
            if (options.Limit is not null)
                left -= page.Kvs.Count;
        }
    }

    private async Task<RawScanResponse> NextPageAsync(
        ScanCursor cursor, RawRange range, uint limit, RawScanOptions options, CancellationToken cancellation)
    {
        var call = Start(new Operation("scan from", options.Reverse ? range.End : range.Start), CallKind.Read, cancellation);
        while (true)
        {
            var region = await cursor.LocateAsync(_router, call).ConfigureAwait(false);
            if (await _router.TryAsync<RawScanResponse>(call, region, () => cursor.NextPage(region, limit, options.KeysOnly))
                .ConfigureAwait(false) is not { } page)
                continue;
            cursor.Advance(region, page, limit);
            return page;
        }
    }
}
