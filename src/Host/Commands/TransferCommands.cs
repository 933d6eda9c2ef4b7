using System.CommandLine;
using System.Globalization;
using System.Text;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;
using TiKvActors.Host.Transfer;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv raw import</c> and <c>tkv raw export</c>.</summary>
internal static class TransferCommands
{
    public static IEnumerable<Command> Create(CommonOptions common, KeyNotation keys)
    {
        yield return Import(common);
        yield return Export(common, keys);
    }

    private static Command Import(CommonOptions common)
    {
        var file = new Argument<string>("FILE") { Description = "A file of key<TAB>value lines, or - for standard input" };
        var fromLine = new Option<long>("--from-line")
        {
            Description = "Skip the lines before this one (to resume)",
            HelpName = "N",
            DefaultValueFactory = _ => 1
        };
        fromLine.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long>() is < 1 and var given) result.AddError($"--from-line {given}: lines count from 1");
        });
        var command = new Command(
            "import",
            "Store every key<TAB>value line of a file; \\xNN escapes any byte\n\nExample: ./tkv raw import words.tsv") { file, fromLine };
        command.SetAction((parsed, cancellation) => common.WithClient(parsed, cancellation, async (client, output) =>
        {
            var path = parsed.GetRequiredValue(file);
            using var stream = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
            using var reader = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
            var progress = new ProgressLine(
                parsed.InvocationConfiguration.Error, "import", stream.CanSeek ? stream.Length : null, !Console.IsErrorRedirected);
            var importer = new Importer(
                (lines, c) => client.BatchPutAsync([.. lines.Select(l => new RawKeyValue(l.Key, l.Value))], null, c), progress.Report);
            try
            {
                await importer.RunAsync(reader, parsed.GetValue(fromLine), cancellation);
            }
            catch (Exception e)
            {
                progress.Done();
                var (exitCode, message) = e is DecoderFallbackException
                    ? (ExitCode.Failed, "the file is not UTF-8; write other bytes as \\xNN")
                    : Failures.Describe(e);
                throw new CommandException(
                    exitCode,
                    $"{message}\n"
                        + $"tkv: the first {importer.ImportedLines} lines are stored; go on with --from-line {importer.ImportedLines + 1}");
            }

            progress.Done();
            if (output.Json)
                output.JsonLine(json =>
                {
                    json.WriteStartObject();
                    json.WriteNumber("keys", importer.Keys);
                    json.WriteEndObject();
                });
            else output.Message(string.Create(CultureInfo.InvariantCulture, $"imported {importer.Keys} keys"));
            return ExitCode.Done;
        }));
        return command;
    }

    private static Command Export(CommonOptions common, KeyNotation keys)
    {
        var (start, end) = RawCommand.RangeArguments();
        var command = new Command(
            "export",
            "Print every key of a range as a key<TAB>value line, in key order\n\nExample: ./tkv raw export > backup.tsv") { start, end };
        command.SetAction((parsed, cancellation) => common.WithClient(parsed, cancellation, async (client, output) =>
        {
            var from = keys.Parse(parsed, "START", parsed.GetValue(start) ?? "");
            var to = keys.Parse(parsed, "END", parsed.GetValue(end) ?? "");
            var progress = new ProgressLine(parsed.InvocationConfiguration.Error, "export", null, !Console.IsErrorRedirected);
            long count = 0, bytes = 0;
            await foreach (var pair in client.ScanAsync(from, to, null, cancellation))
            {
                if (output.Json) RawCommand.PairAsJson(output, keys.Format(parsed, pair.Key), keys.Format(parsed, pair.Value));
                else output.Line(TransferLine.Format(pair.Key, pair.Value));
                bytes += pair.Key.Length + pair.Value.Length + 2;
                progress.Report(++count, bytes);
            }

            progress.Done();
            return ExitCode.Done;
        }));
        return command;
    }
}
