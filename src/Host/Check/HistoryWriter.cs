using System.Diagnostics;
using System.Text.Json;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Host.Check;

/// <summary>
/// Writes a history as JSON lines, an invocation before the call is made, so that it is known even if the process is killed. The format
/// is in docs/testing.md.
/// Any thread.
/// </summary>
public sealed class HistoryWriter : IDisposable
{
    public const string Format = "tikv-actors-history";
    public const int Version = 2;

    private static readonly JsonWriterOptions _options = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true
    };

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly MemoryStream _line = new();
    private readonly Utf8JsonWriter _json;
    private long _lastNumber;

    /// <param name="process">Different for each process whose histories are checked together.</param>
    /// <exception cref="IOException">The file exists already, or can't be written.</exception>
    public HistoryWriter(string path, string process)
    {
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        _json = new Utf8JsonWriter(_line, _options);
        Write(json =>
        {
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
            json.WriteString("process", process);
        });
    }

    /// <summary>Nanoseconds of the machine's monotonic clock, the same for all of its processes.</summary>
    public static long Now => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    /// <returns>The operation's number.</returns>
    public long Invoke(int client, HistoryKind kind, Action<Utf8JsonWriter> details)
    {
        lock (_gate)
        {
            var number = ++_lastNumber;
            Write(json =>
            {
                json.WriteNumber("at", Now);
                json.WriteString("event", "invoke");
                json.WriteNumber("op", number);
                json.WriteNumber("client", client);
                json.WriteString("do", HistorySplitter.NameOf(kind));
                details(json);
            });
            return number;
        }
    }

    /// <summary>A try was sent and will not be answered; the next one has not been sent.</summary>
    public void AnswerLost(long number)
    {
        lock (_gate)
        {
            Write(json =>
            {
                json.WriteNumber("at", Now);
                json.WriteString("event", "lost");
                json.WriteNumber("op", number);
            });
        }
    }

    /// <param name="at">Taken when the answer came.</param>
    public void Complete(long number, long at, HistoryOutcome outcome, Action<Utf8JsonWriter> details)
    {
        lock (_gate)
        {
            Write(json =>
            {
                json.WriteNumber("at", at);
                json.WriteString("event", outcome switch { HistoryOutcome.Ok => "ok", HistoryOutcome.Failed => "failed", _ => "unknown" });
                json.WriteNumber("op", number);
                details(json);
            });
        }
    }

    public static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<byte[]?> items)
    {
        json.WriteStartArray(name);
        foreach (var item in items) WriteText(json, item);
        json.WriteEndArray();
    }

    public static void WriteText(Utf8JsonWriter json, string name, byte[]? bytes)
    {
        json.WritePropertyName(name);
        WriteText(json, bytes);
    }

    public void Dispose()
    {
        _json.Dispose();
        _line.Dispose();
        _file.Dispose();
    }

    private static void WriteText(Utf8JsonWriter json, byte[]? bytes)
    {
        if (bytes is null) json.WriteNullValue();
        else json.WriteStringValue(KeyText.Escape(bytes));
    }

    // One write to the file for a line: a process that is killed leaves whole lines, the last one perhaps excepted.
    private void Write(Action<Utf8JsonWriter> members)
    {
        _line.SetLength(0);
        _json.Reset();
        _json.WriteStartObject();
        members(_json);
        _json.WriteEndObject();
        _json.Flush();
        _line.WriteByte((byte)'\n');
        _file.Write(_line.GetBuffer(), 0, (int)_line.Length);
    }
}
