using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Transfer;

/// <summary>
/// Reads lines and puts them in batches, several at a time. Of two lines with one key the later one wins: a key that is on its way is
/// waited for before it is put again.
/// </summary>
/// <remarks>
/// Everything up to <see cref="ImportedLines"/> is acknowledged; puts are idempotent, so an import that broke off goes on from there.
/// </remarks>
public sealed class Importer(Importer.Put put, Action<long, long> progress)
{
    public const int BatchKeys = 256;
    public const int BatchBytes = 512 * 1024;
    public const int BatchesInFlight = 8;

    private readonly Queue<(Task Done, long LastLine, List<TransferLine> Lines)> _inFlight = new();
    private readonly HashSet<byte[]> _keysInFlight = new(KeyEquality.Instance);
    private List<TransferLine> _batch = [];
    private int _batchBytes;

    public delegate Task Put(IReadOnlyList<TransferLine> lines, CancellationToken cancellation);

    /// <summary>Lines from the file's beginning that are in the store for certain.</summary>
    public long ImportedLines { get; private set; }

    public long Keys { get; private set; }

    public long Bytes { get; private set; }

    /// <param name="firstLine">The first line to import, counted from 1; the ones before it are skipped.</param>
    /// <exception cref="CommandException">A malformed line; what came before it is imported.</exception>
    public async Task RunAsync(TextReader input, long firstLine, CancellationToken cancellation)
    {
        var line = 0L;
        try
        {
            while (await input.ReadLineAsync(cancellation) is { } text)
            {
                line++;
                if (line < firstLine) ImportedLines = line;
                else if (text.Length > 0) await AddAsync(Parse(text, line), line, cancellation);
                if (_batch.Count >= BatchKeys || _batchBytes >= BatchBytes) await SendAsync(line, cancellation);
            }
        }
        catch (CommandException)
        {
            await SendAsync(line - 1, cancellation);
            await DrainAsync(0);
            throw;
        }

        await SendAsync(line, cancellation);
        await DrainAsync(0);
    }

    private static TransferLine Parse(string text, long line)
    {
        try
        {
            return TransferLine.Parse(text);
        }
        catch (FormatException e)
        {
            throw new CommandException(ExitCode.Failed, $"line {line}: {e.Message}");
        }
    }

    private async Task AddAsync(TransferLine parsed, long line, CancellationToken cancellation)
    {
        if (!_keysInFlight.Add(parsed.Key))
        {
            await SendAsync(line - 1, cancellation);
            await DrainAsync(0);
            _keysInFlight.Add(parsed.Key);
        }

        _batch.Add(parsed);
        _batchBytes += parsed.Key.Length + parsed.Value.Length;
    }

    private async Task SendAsync(long lastLine, CancellationToken cancellation)
    {
        await DrainAsync(BatchesInFlight - 1);
        var lines = _batch;
        _batch = [];
        _batchBytes = 0;
        _inFlight.Enqueue((lines.Count == 0 ? Task.CompletedTask : put(lines, cancellation), lastLine, lines));
    }

    /// <summary>Waits, oldest first, until at most this many batches are under way.</summary>
    private async Task DrainAsync(int remaining)
    {
        while (_inFlight.Count > remaining)
        {
            var (done, lastLine, lines) = _inFlight.Peek();
            await done;
            _inFlight.Dequeue();
            foreach (var line in lines)
            {
                _keysInFlight.Remove(line.Key);
                Bytes += line.Key.Length + line.Value.Length + 2;
            }

            Keys += lines.Count;
            ImportedLines = lastLine;
            progress(Keys, Bytes);
        }
    }

    private sealed class KeyEquality : IEqualityComparer<byte[]>
    {
        public static readonly KeyEquality Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] key)
        {
            var hash = new HashCode();
            hash.AddBytes(key);
            return hash.ToHashCode();
        }
    }
}
