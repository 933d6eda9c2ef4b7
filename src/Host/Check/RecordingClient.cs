using System.Text.Json;
using TiKvActors.Client;

namespace TiKvActors.Host.Check;

/// <summary>A <see cref="RawClient"/> whose calls are written to a history. Results and exceptions are the client's. Any thread.</summary>
public sealed class RecordingClient(RawClient client, HistoryWriter history, int number)
{
    public Task<byte[]?> GetAsync(byte[] key) => RunAsync(
        HistoryKind.Get,
        json => HistoryWriter.WriteTexts(json, "keys", [key]),
        () => client.GetAsync(key),
        (json, value) => HistoryWriter.WriteTexts(json, "values", [value]));

    public Task PutAsync(byte[] key, byte[] value) => RunAsync(
        HistoryKind.Put,
        json =>
        {
            HistoryWriter.WriteTexts(json, "keys", [key]);
            HistoryWriter.WriteTexts(json, "values", [value]);
        },
        () => client.PutAsync(key, value));

    public Task DeleteAsync(byte[] key) =>
        RunAsync(HistoryKind.Delete, json => HistoryWriter.WriteTexts(json, "keys", [key]), () => client.DeleteAsync(key));

    public Task<RawCasResult> CompareAndSwapAsync(byte[] key, byte[]? expected, byte[] value) => RunAsync(
        HistoryKind.CompareAndSwap,
        json =>
        {
            HistoryWriter.WriteTexts(json, "keys", [key]);
            HistoryWriter.WriteText(json, "expected", expected);
            HistoryWriter.WriteTexts(json, "values", [value]);
        },
        () => client.CompareAndSwapAsync(key, expected, value),
        (json, result) =>
        {
            json.WriteBoolean("swapped", result.Swapped);
            HistoryWriter.WriteText(json, "previous", result.Previous);
        });

    public Task BatchPutAsync(IReadOnlyList<(byte[] Key, byte[] Value)> pairs) => RunAsync(
        HistoryKind.BatchPut,
        json =>
        {
            HistoryWriter.WriteTexts(json, "keys", pairs.Select(p => p.Key));
            HistoryWriter.WriteTexts(json, "values", pairs.Select(p => p.Value));
        },
        () => client.BatchPutAsync([.. pairs.Select(p => new RawKeyValue(p.Key, p.Value))]));

    public Task<IReadOnlyList<byte[]?>> BatchGetAsync(IReadOnlyList<byte[]> keys) => RunAsync(
        HistoryKind.BatchGet,
        json => HistoryWriter.WriteTexts(json, "keys", keys),
        () => client.BatchGetAsync([.. keys.Select(k => (ReadOnlyMemory<byte>)k)]),
        (json, values) => HistoryWriter.WriteTexts(json, "values", values));

    /// <param name="limit">At least 1.</param>
    public Task<List<RawPair>> ScanAsync(byte[] start, byte[] end, int limit, bool reverse) => RunAsync(
        HistoryKind.Scan,
        json =>
        {
            HistoryWriter.WriteText(json, "start", start);
            HistoryWriter.WriteText(json, "end", end);
            json.WriteNumber("limit", limit);
            json.WriteBoolean("reverse", reverse);
        },
        async () => await client.ScanAsync(start, end, new RawScanOptions { Limit = limit, Reverse = reverse }).ToListAsync(),
        (json, pairs) =>
        {
            HistoryWriter.WriteTexts(json, "keys", pairs.Select(p => p.Key));
            HistoryWriter.WriteTexts(json, "values", pairs.Select(p => p.Value));
        });

    private Task RunAsync(HistoryKind kind, Action<Utf8JsonWriter> invocation, Func<Task> call) => RunAsync(
        kind,
        invocation,
        async () =>
        {
            await call();
            return true;
        },
        (_, _) => { });

    private async Task<T> RunAsync<T>(
        HistoryKind kind, Action<Utf8JsonWriter> invocation, Func<Task<T>> call, Action<Utf8JsonWriter, T> result)
    {
        var operation = history.Invoke(number, kind, invocation);
        LostAnswers.During(() => history.AnswerLost(operation));
        T answer;
        try
        {
            answer = await call();
        }
        catch (Exception e)
        {
            var error = $"{e.GetType().Name}: {e.Message}";
            history.Complete(operation, HistoryWriter.Now, OutcomeOf(e), json => json.WriteString("error", error));
            throw;
        }

        history.Complete(operation, HistoryWriter.Now, HistoryOutcome.Ok, json => result(json, answer));
        return answer;
    }

    /// <summary>Only what the client promises to have had no effect has failed.</summary>
    private static HistoryOutcome OutcomeOf(Exception failure) => failure switch
    {
        UndeterminedException or OperationCanceledException { InnerException: UndeterminedException } => HistoryOutcome.Unknown,
        TikvException or OperationCanceledException => HistoryOutcome.Failed,
        _ => HistoryOutcome.Unknown,
    };
}
