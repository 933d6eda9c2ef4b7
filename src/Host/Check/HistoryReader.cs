using System.Text.Json;

namespace TiKvActors.Host.Check;

/// <summary>Reads histories that <see cref="HistoryWriter"/> has written.</summary>
public static class HistoryReader
{
    /// <returns>The operations of all files, those without a completion among them (their outcome is unknown).</returns>
    /// <exception cref="FormatException">Names file and line.</exception>
    public static IReadOnlyList<HistoryOperation> Read(IEnumerable<string> paths)
    {
        var history = new List<HistoryOperation>();
        var processes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            history.AddRange(new FileReader(path, processes).Read());
        }

        return history;
    }

    /// <summary>
    /// Puts the histories of several processes into one file, which <see cref="Read"/> takes too. Half a line at an end is left out.
    /// </summary>
    public static async Task JoinAsync(IEnumerable<string> paths, string into, CancellationToken cancellation)
    {
        await using var writer = new StreamWriter(into, append: false);
        foreach (var path in paths)
        {
            var endsInLine = EndsInLine(path);
            string? waiting = null;
            await foreach (var line in File.ReadLinesAsync(path, cancellation))
            {
                if (waiting is not null) await writer.WriteAsync(waiting + "\n");
                waiting = line;
            }

            if (waiting is not null && endsInLine) await writer.WriteAsync(waiting + "\n");
        }
    }

    private static bool EndsInLine(string path)
    {
        using var file = File.OpenRead(path);
        if (file.Length == 0) return false;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    private sealed class FileReader(string path, HashSet<string> processes)
    {
        private readonly List<HistoryOperation> _operations = [];
        private readonly Dictionary<long, int> _open = [];
        private string? _process;
        private int _lineNumber;

        public List<HistoryOperation> Read()
        {
            var endsInLine = EndsInLine(path);
            string? waiting = null;
            foreach (var line in File.ReadLines(path))
            {
                if (waiting is not null) Take(waiting);
                waiting = line;
            }

            // A process that was killed may have left half a line.
            if (waiting is not null && endsInLine) Take(waiting);
            return _process is not null
                ? _operations : throw new FormatException($"{path}: it is empty: the first line names format, version and process");
        }

        private void Take(string line)
        {
            _lineNumber++;
            try
            {
                using var json = JsonDocument.Parse(line);
                if (_process is null || json.RootElement.TryGetProperty("format", out _)) TakeHeader(json.RootElement);
                else if (json.RootElement.GetProperty("event").GetString() == "invoke") TakeInvocation(json.RootElement);
                else if (json.RootElement.GetProperty("event").GetString() == "lost") TakeLostTry(json.RootElement);
                else TakeCompletion(json.RootElement);
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new FormatException($"{path}, line {_lineNumber}: {e.Message}", e);
            }
        }

        private void TakeHeader(JsonElement line)
        {
            if (line.GetProperty("format").GetString() != HistoryWriter.Format
                || line.GetProperty("version").GetInt32() != HistoryWriter.Version)
                throw new FormatException($"the first line must name format {HistoryWriter.Format}, version {HistoryWriter.Version}");
            _process = line.GetProperty("process").GetString()!;
            if (!processes.Add(_process)) throw new FormatException($"process \"{_process}\" has a history already; check them separately");
            _open.Clear();
        }

        private void TakeInvocation(JsonElement line)
        {
            var number = line.GetProperty("op").GetInt64();
            if (!_open.TryAdd(number, _operations.Count)) throw new FormatException($"operation {number} has begun before");
            var kind = KindOf(line.GetProperty("do").GetString()!);
            _operations.Add(new HistoryOperation
            {
                Process = _process!,
                Number = number,
                Client = line.GetProperty("client").GetInt32(),
                Kind = kind,
                Invoked = line.GetProperty("at").GetInt64(),
                Keys = kind == HistoryKind.Scan ? [] : Texts(line, "keys")!,
                Values = Texts(line, "values") ?? [],
                Expected = Text(line, "expected"),
                Start = Text(line, "start") ?? "",
                End = Text(line, "end") ?? "",
                Limit = line.TryGetProperty("limit", out var limit) ? limit.GetInt32() : int.MaxValue,
                Reverse = line.TryGetProperty("reverse", out var reverse) && reverse.GetBoolean(),
            });
        }

        private void TakeLostTry(JsonElement line)
        {
            var number = line.GetProperty("op").GetInt64();
            if (!_open.TryGetValue(number, out var index))
                throw new FormatException($"operation {number} has lost an answer, but is not under way");
            _operations[index] = _operations[index] with { LostTries = _operations[index].LostTries + 1 };
        }

        private void TakeCompletion(JsonElement line)
        {
            var number = line.GetProperty("op").GetInt64();
            if (!_open.Remove(number, out var index)) throw new FormatException($"operation {number} is completed, but has not begun");
            var begun = _operations[index];
            var done = begun with
            {
                Completed = line.GetProperty("at").GetInt64(),
                Outcome = line.GetProperty("event").GetString() switch
                {
                    "ok" => HistoryOutcome.Ok,
                    "failed" => HistoryOutcome.Failed,
                    "unknown" => HistoryOutcome.Unknown,
                    var other => throw new FormatException($"event \"{other}\" is none of invoke, lost, ok, failed, unknown"),
                },
                Error = Text(line, "error"),
                Keys = begun.Kind == HistoryKind.Scan ? Texts(line, "keys") ?? [] : begun.Keys,
                Values = Texts(line, "values") ?? begun.Values,
                Swapped = line.TryGetProperty("swapped", out var swapped) && swapped.GetBoolean(),
                Previous = Text(line, "previous"),
            };
            var count = done.Kind == HistoryKind.Delete || (done.Outcome != HistoryOutcome.Ok && !done.IsWrite)
                ? done.Values.Count : done.Keys.Count;
            if (done.Values.Count != count)
                throw new FormatException($"operation {number} has {done.Values.Count} values for {done.Keys.Count} keys");
            _operations[index] = done;
        }

        private static HistoryKind KindOf(string name)
        {
            foreach (var kind in Enum.GetValues<HistoryKind>())
                if (HistorySplitter.NameOf(kind) == name) return kind;
            throw new FormatException($"\"{name}\" is no kind of operation");
        }

        private static string? Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString() : null;

        // Strings that repeat (keys above all) are kept once.
        private static string[]? Texts(JsonElement line, string name) =>
            line.TryGetProperty(name, out var values)
                ? [.. values.EnumerateArray().Select(v => v.GetString() is { } text ? string.Intern(text) : null!)]
                : null;
    }
}
