using Google.Protobuf;
using TiKvActors.Client.Calls;

namespace TiKvActors.Client.Regions;

/// <summary>One item of a batch call.</summary>
/// <param name="Bytes">What it adds to a request, roughly.</param>
internal readonly record struct ShareItem(int Index, ByteString RequestKey, int Bytes);

/// <summary>
/// A batch call as requests to regions: each region's share in pieces of bounded size, several under way, regrouped when regions change.
/// </summary>
internal sealed class RegionShares(RegionRouter router, ClientEnvironment environment)
{
    /// <param name="send">One try with one region; returns the items that have to be sent again.</param>
    public Task RunAsync(
        Call call, IReadOnlyList<ShareItem> items,
        Func<Call, CachedRegion, IReadOnlyList<ShareItem>, Task<IReadOnlyList<ShareItem>>> send) =>
        RunAsync(call, items, send, new SemaphoreSlim(environment.Settings.MaxParallelShares));

    private async Task RunAsync(
        Call call, IReadOnlyList<ShareItem> items, Func<Call, CachedRegion, IReadOnlyList<ShareItem>, Task<IReadOnlyList<ShareItem>>> send,
        SemaphoreSlim slots)
    {
        var shares = await PlanAsync(call, items).ConfigureAwait(false);
        var sends = shares.Select(share => SendAsync(shares.Count == 1 ? call : call.Part(), share.Region, share.Items)).ToList();
        try
        {
            await Task.WhenAll(sends).ConfigureAwait(false);
        }
        catch (Exception) when (sends.Count > 1)
        {
            throw Gravest(call, sends);
        }

        async Task SendAsync(Call part, CachedRegion region, IReadOnlyList<ShareItem> shareItems)
        {
            IReadOnlyList<ShareItem> again;
            await EnterAsync(part, slots).ConfigureAwait(false);
            try
            {
                again = await send(part, region, shareItems).ConfigureAwait(false);
            }
            finally
            {
                slots.Release();
            }
            if (again.Count > 0)
                await RunAsync(part, again, send, slots).ConfigureAwait(false);
        }
    }

    /// <summary>Each share judged by what was known then; what is unknown of one of them is unknown of the call.</summary>
    private static Exception Gravest(Call call, List<Task> sends)
    {
        var failures = sends.Select(s => s.Exception?.InnerException).OfType<Exception>().ToList();
        if (sends.Any(s => s.IsCanceled))
            return call.Cancelled();
        return failures.Find(e => e is UndeterminedException) ?? failures[0];
    }

    private static async Task EnterAsync(Call call, SemaphoreSlim slots)
    {
        try
        {
            await slots.WaitAsync(call.Cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw call.Cancelled();
        }
    }

    private async Task<List<(CachedRegion Region, List<ShareItem> Items)>> PlanAsync(Call call, IReadOnlyList<ShareItem> items)
    {
        var shares = new List<(CachedRegion Region, List<ShareItem> Items)>();
        CachedRegion? region = null;
        List<ShareItem> share = [];
        long bytes = 0;
        foreach (var item in items.OrderBy(i => i.RequestKey, ByteStringOrder.Instance))
        {
            var sameRegion = region is not null && region.Contains(item.RequestKey);
            if (!sameRegion)
                region = await router.LocateAsync(call, item.RequestKey).ConfigureAwait(false);
            if (!sameRegion || share.Count == environment.Settings.MaxBatchRequests
                || bytes + item.Bytes > environment.Settings.MaxBatchBytes)
            {
                shares.Add((region!, share = []));
                bytes = 0;
            }
            share.Add(item);
            bytes += item.Bytes;
        }
        return shares;
    }
}

internal sealed class ByteStringOrder : IComparer<ByteString>
{
    public static readonly ByteStringOrder Instance = new();

    public int Compare(ByteString? x, ByteString? y) => x!.Span.SequenceCompareTo(y!.Span);
}
