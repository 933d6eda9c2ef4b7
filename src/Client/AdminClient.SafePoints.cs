using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client;

/// <summary>
/// What has to stay readable. Timestamps are PD's. Nothing may be read below the transactions' safe point; old versions that nobody needs
/// who reads at or above the GC safe point may be removed. Both only grow, and no barrier is ever behind the former.
/// </summary>
public sealed partial class AdminClient
{
    /// <summary>Both safe points, and the barriers that have not expired.</summary>
    public async Task<GCState> GetGcStateAsync(CancellationToken cancellation = default) =>
        (await _cluster.Pd.AskAsync<GetGCStateResponse>(
            Start("look-up of the safe points", cancellation), () => new GetGCStateRequest()).ConfigureAwait(false)).GcState;

    /// <summary>Moves the transactions' safe point up to the target, or to the lowest barrier below it.</summary>
    /// <exception cref="ServerErrorException">The target is behind it, or beyond all timestamps.</exception>
    /// <exception cref="UndeterminedException">PD did not answer in time.</exception>
    public Task<AdvanceTxnSafePointResponse> AdvanceTxnSafePointAsync(ulong target, CancellationToken cancellation = default) =>
        ChangeAsync<AdvanceTxnSafePointResponse>(
            "advance of the transactions' safe point", () => new AdvanceTxnSafePointRequest { Target = target }, cancellation);

    /// <exception cref="ServerErrorException">The target is behind it, or beyond the transactions' safe point.</exception>
    /// <exception cref="UndeterminedException">PD did not answer in time.</exception>
    public Task AdvanceGcSafePointAsync(ulong target, CancellationToken cancellation = default) =>
        ChangeAsync<AdvanceGCSafePointResponse>(
            "advance of the GC safe point", () => new AdvanceGCSafePointRequest { Target = target }, cancellation);

    /// <summary>Everything from the timestamp on stays readable for the time given. Set it again to prolong it.</summary>
    /// <param name="ttl">At least a second; null: until it is deleted.</param>
    /// <exception cref="ServerErrorException">The timestamp is behind the transactions' safe point.</exception>
    /// <exception cref="UndeterminedException">PD did not answer in time.</exception>
    public Task SetGcBarrierAsync(string id, ulong timestamp, TimeSpan? ttl, CancellationToken cancellation = default) =>
        ChangeAsync<SetGCBarrierResponse>(
            $"setting of barrier {id}",
            () => new SetGCBarrierRequest
            {
                BarrierId = id,
                BarrierTs = timestamp,
                TtlSeconds = ttl is { } time ? (long)time.TotalSeconds : long.MaxValue,
            },
            cancellation);

    /// <returns>Null if there was none, or an earlier try whose answer was lost has deleted it.</returns>
    /// <exception cref="UndeterminedException">PD did not answer in time.</exception>
    public async Task<GCBarrierInfo?> DeleteGcBarrierAsync(string id, CancellationToken cancellation = default)
    {
        var response = await ChangeAsync<DeleteGCBarrierResponse>(
            $"deletion of barrier {id}", () => new DeleteGCBarrierRequest { BarrierId = id }, cancellation).ConfigureAwait(false);
        return response.DeletedBarrierInfo;
    }
}
