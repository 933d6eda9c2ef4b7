namespace TiKvActors.Host.Grpc;

/// <summary>The two directions of a stream at the same time.</summary>
internal static class Duplex
{
    /// <summary>Ends when both have ended. The failure of one cancels the other, and is what is thrown.</summary>
    public static async Task RunAsync(
        CancellationToken cancellation, Func<CancellationToken, Task> reading, Func<CancellationToken, Task> writing)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAll(CancelOtherAsync(reading, either), CancelOtherAsync(writing, either));
    }

    private static async Task CancelOtherAsync(Func<CancellationToken, Task> part, CancellationTokenSource other)
    {
        try
        {
            await part(other.Token);
        }
        catch
        {
            await other.CancelAsync();
            throw;
        }
    }
}
