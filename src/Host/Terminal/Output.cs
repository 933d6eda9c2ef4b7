using System.Text.Json;
using Spectre.Console;

namespace TiKvActors.Host.Terminal;

/// <summary>
/// What a command prints: results on standard output (tables for people, one JSON document or JSON lines with <c>--json</c>),
/// messages and progress on standard error.
/// </summary>
public sealed class Output(TextWriter results, TextWriter messages, bool json)
{
    private static readonly JsonWriterOptions _jsonOptions =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public bool Json { get; } = json;

    /// <summary>A line of the result, for people.</summary>
    public void Line(string text) => results.Write(text + "\n");

    /// <summary>A line that is not part of the result.</summary>
    public void Message(string text) => messages.Write(text + "\n");

    /// <summary>A message that must not be overlooked: red on a terminal.</summary>
    public void Alert(string text)
    {
        var isTerminal = ReferenceEquals(messages, Console.Error) && !Console.IsErrorRedirected;
        Message(isTerminal ? $"\e[31m{text}\e[0m" : text);
        messages.Flush();
    }

    /// <summary>One JSON value on a line of its own.</summary>
    public void JsonLine(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, _jsonOptions)) write(writer);
        results.Write(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n");
    }

    public void Table(string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table().Border(TableBorder.None).AddColumns(columns.Select(c => new TableColumn(new Text(c)).NoWrap()).ToArray());
        foreach (var row in rows) table.AddRow(row.Select(cell => new Text(cell)));
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new WideOutput(results) });
        console.Write(table);
    }

    public void Flush()
    {
        results.Flush();
        messages.Flush();
    }

    /// <summary>Tables are never folded: a key that is cut at the terminal's edge can't be pasted back.</summary>
    private sealed class WideOutput(TextWriter writer) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => false;

        public int Width => 4096;

        public int Height => 24;

        public void SetEncoding(System.Text.Encoding encoding)
        {
        }
    }
}
