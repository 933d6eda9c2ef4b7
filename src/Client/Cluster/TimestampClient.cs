using TiKvActors.Client.Calls;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Cluster;

/// <summary>
/// Timestamps of PD's oracle. One request is under way at a time, for everybody who has asked before it was sent; who asks meanwhile is
/// served by the next one. So a timestamp is always greater than what anybody was given before it was asked for. Any thread.
/// </summary>
internal sealed class TimestampClient(PdClient pd, ClientEnvironment environment)
{
    private readonly Lock _lock = new();
    private List<Waiter> _waiting = [];
    private bool _isAsking;

    /// <param name="count">1 to <see cref="TimestampLayout.LogicalCount"/>.</param>
    /// <returns>The first of that many consecutive ones.</returns>
    /// <exception cref="TikvException"/>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<ulong> GetAsync(int count, CancellationToken cancellation)
    {
        var waiter = new Waiter(count, environment.Time.GetTimestamp());
        bool isFirst;
        lock (_lock)
        {
            _waiting.Add(waiter);
            isFirst = !_isAsking;
            _isAsking = true;
        }

        if (isFirst)
            _ = ServeAsync();
        return cancellation.CanBeCanceled ? waiter.Task.WaitAsync(cancellation) : waiter.Task;
    }

    /// <summary>Until nobody waits. Every exception goes to who waits for its request.</summary>
    private async Task ServeAsync()
    {
        while (TakeBatch() is { } batch)
        {
            try
            {
                await AskAsync(batch).ConfigureAwait(false);
            }
            catch (Exception e) when (e is DeadlineExceededException or ClusterNotReadyException)
            {
                GiveUp(batch, e);
            }
            catch (Exception e)
            {
                foreach (var waiter in batch)
                    waiter.SetException(e);
            }
        }
    }

    private List<Waiter>? TakeBatch()
    {
        lock (_lock)
        {
            var batch = _waiting;
            if (batch.Count == 0)
            {
                _isAsking = false;
                return null;
            }

            _waiting = [];
            var total = 0L;
            var taken = batch.TakeWhile(w => (total += w.Count) <= TimestampLayout.LogicalCount).Count();
            if (taken < batch.Count)
            {
                _waiting.AddRange(batch[taken..]);
                batch.RemoveRange(taken, _waiting.Count);
            }

            return batch;
        }
    }

    private async Task AskAsync(List<Waiter> batch)
    {
        var call = new Call(new Operation("timestamp"), CallKind.Read, Remaining(batch[0]), environment, CancellationToken.None);
        var count = batch.Sum(w => w.Count);
        var response = await pd.AskAsync<TsoResponse>(call, () => new TsoRequest { Count = (uint)count }).ConfigureAwait(false);
        if (response.Timestamp is not { } highest || response.Count != count)
            throw call.Refused($"PD answered with {response.Count} timestamps, {count} were asked for: is it of another version?");
        var next = TimestampLayout.Compose(highest.Physical, highest.Logical) - count + 1;
        foreach (var waiter in batch)
        {
            waiter.SetResult((ulong)next);
            next += waiter.Count;
        }
    }

    /// <summary>The time of the first one is over; those who came later and have some left wait for the next request.</summary>
    private void GiveUp(List<Waiter> batch, Exception why)
    {
        // In the order of their coming.
        var over = Math.Max(1, batch.Count(w => Remaining(w) <= TimeSpan.Zero));
        lock (_lock)
            _waiting.InsertRange(0, batch[over..]);
        for (var i = 0; i < over; i++)
            batch[i].SetException(why);
    }

    private TimeSpan Remaining(Waiter waiter) => environment.Settings.CallTimeout - environment.Time.GetElapsedTime(waiter.Since);

    private sealed class Waiter(int count, long since) : TaskCompletionSource<ulong>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public int Count => count;

        public long Since => since;
    }
}
