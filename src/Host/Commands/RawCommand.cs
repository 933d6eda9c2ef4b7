using System.CommandLine;
using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv raw …</c>: single operations on raw keys.</summary>
internal static class RawCommand
{
    private static readonly CommonOptions _common = new();
    private static readonly KeyNotation _keys = new();

    public static Command Create()
    {
        var command = new Command(
            "raw",
            "Raw keys: get, put, delete, scan, delete-range, cas, ttl, checksum, import, export\n\n"
                + "Example: ./tkv raw put hello world && ./tkv raw get hello")
        {
            Get(), Put(), Delete(), Scan(), DeleteRange(), CompareAndSwap(), TimeToLive(), Checksum(),
        };
        foreach (var transfer in TransferCommands.Create(_common, _keys)) command.Add(transfer);
        _common.AddTo(command);
        _keys.AddTo(command);
        return command;
    }

    private static Command Get()
    {
        var key = KeyArgument("KEY");
        var command = new Command("get", "Print a key's value; exit status 3 if it is absent\n\nExample: ./tkv raw get hello") { key };
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            var keyBytes = Key(parsed, key);
            var value = await client.GetAsync(keyBytes, cancellation) ?? throw NotFound(parsed, keyBytes);
            if (output.Json) PairAsJson(output, _keys.Format(parsed, keyBytes), _keys.Format(parsed, value));
            else output.Line(_keys.Format(parsed, value));
            return ExitCode.Done;
        }));
        return command;
    }

    private static Command Put()
    {
        var key = KeyArgument("KEY");
        var value = new Argument<string>("VALUE");
        var ttl = new Option<long?>("--ttl") { Description = "Expires after this many seconds", HelpName = "SECONDS" };
        ttl.Validators.Add(result =>
        {
            if (RequestLimits.CheckTtl(result.GetValueOrDefault<long?>()) is { } complaint) result.AddError($"--ttl: {complaint}");
        });
        var command = new Command(
            "put", "Store a value under a key\n\nExample: ./tkv raw put session:7 open --ttl 3600") { key, value, ttl };
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            var lifetime = parsed.GetValue(ttl) is { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
            await client.PutAsync(Key(parsed, key), _keys.Parse(parsed, "VALUE", parsed.GetRequiredValue(value)), lifetime, cancellation);
            return Done(output);
        }));
        return command;
    }

    private static Command Delete()
    {
        var keys = new Argument<string[]>("KEY") { Arity = ArgumentArity.OneOrMore };
        var command = new Command("delete", "Delete keys; one that is absent is no error\n\nExample: ./tkv raw delete hello") { keys };
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            await client.BatchDeleteAsync(
                [.. parsed.GetRequiredValue(keys).Select(k => (ReadOnlyMemory<byte>)_keys.Parse(parsed, "KEY", k))], cancellation);
            return Done(output);
        }));
        return command;
    }

    private static Command Scan()
    {
        var (start, end) = RangeArguments();
        var limit = new Option<int>("--limit")
        {
            Description = "Print at most this many keys",
            HelpName = "N",
            DefaultValueFactory = _ => 100
        };
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 and var given) result.AddError($"--limit {given}: must be at least 1");
        });
        var reverse = new Option<bool>("--reverse") { Description = "From END down to START" };
        var keysOnly = new Option<bool>("--keys-only") { Description = "Without the values" };
        var command = new Command(
            "scan",
            "Print the keys from START (inclusive) to END (exclusive) in order\n\nExample: ./tkv raw scan user: user:\\xFF --limit 10")
            { start, end, limit, reverse, keysOnly };
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            var (from, to) = Range(parsed, start, end);
            var options = new RawScanOptions
            {
                Limit = parsed.GetValue(limit),
                Reverse = parsed.GetValue(reverse),
                KeysOnly = parsed.GetValue(keysOnly)
            };
            await foreach (var pair in client.ScanAsync(from, to, options, cancellation))
            {
                if (output.Json)
                    PairAsJson(output, _keys.Format(parsed, pair.Key), options.KeysOnly ? null : _keys.Format(parsed, pair.Value));
                else
                    output.Line(options.KeysOnly
                        ? _keys.Format(parsed, pair.Key)
                        : $"{_keys.Format(parsed, pair.Key)}\t{_keys.Format(parsed, pair.Value)}");
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private static Command DeleteRange()
    {
        var start = KeyArgument("START");
        var end = KeyArgument("END");
        var command = new Command(
            "delete-range",
            "Delete every key from START (inclusive) to END (exclusive)\n\nExample: ./tkv raw delete-range user:100 user:200")
            {
                start,
                end
            };
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            await client.DeleteRangeAsync(Key(parsed, start), Key(parsed, end), cancellation);
            return Done(output);
        }));
        return command;
    }

    private static Command CompareAndSwap()
    {
        var key = KeyArgument("KEY");
        var expect = new Option<string?>("--expect") { Description = "The value that the key must have", HelpName = "V" };
        var absent = new Option<bool>("--absent") { Description = "The key must not exist" };
        var value = new Option<string>("--value") { Description = "The value to store", HelpName = "V", Required = true };
        var command = new Command(
            "cas",
            "Store a value only if the key has the expected one; exit status 3 and the present value otherwise\n\n"
                + "Example: ./tkv raw cas lock --absent --value me")
            { key, expect, absent, value };
        command.Validators.Add(result =>
        {
            if (result.GetResult(expect) is null == !result.GetValue(absent)) result.AddError("cas needs one of --expect V and --absent");
        });
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            var expected = parsed.GetValue(expect) is { } text ? _keys.Parse(parsed, "--expect", text) : null;
            var wanted = _keys.Parse(parsed, "--value", parsed.GetRequiredValue(value));
            var result = await client.CompareAndSwapAsync(Key(parsed, key), expected, wanted, null, cancellation);
            var present = result.Previous is { } bytes ? _keys.Format(parsed, bytes) : null;
            if (output.Json)
                output.JsonLine(json =>
                {
                    json.WriteStartObject();
                    json.WriteBoolean("swapped", result.Swapped);
                    json.WriteString("previous", present);
                    json.WriteEndObject();
                });
            else if (!result.Swapped)
                output.Message(present is null ? "tkv: not swapped: the key is absent" : $"tkv: not swapped: the value is {present}");
            return result.Swapped ? ExitCode.Done : ExitCode.NotFound;
        }));
        return command;
    }

    private static Command TimeToLive()
    {
        var key = KeyArgument("KEY");
        var command = new Command(
            "ttl",
            "Print the seconds until a key expires, or 'none'; exit status 3 if it is absent\n\nExample: ./tkv raw ttl session:7") { key };
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            var keyBytes = Key(parsed, key);
            var result = await client.GetTtlAsync(keyBytes, cancellation) ?? throw NotFound(parsed, keyBytes);
            var seconds = result.Remaining is { } remaining ? (long?)Math.Ceiling(remaining.TotalSeconds) : null;
            if (output.Json)
                output.JsonLine(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("key", _keys.Format(parsed, keyBytes));
                    if (seconds is { } s) json.WriteNumber("ttl", s);
                    else json.WriteNull("ttl");
                    json.WriteEndObject();
                });
            else output.Line(seconds?.ToString(CultureInfo.InvariantCulture) ?? "none");
            return ExitCode.Done;
        }));
        return command;
    }

    private static Command Checksum()
    {
        var (start, end) = RangeArguments();
        var command = new Command(
            "checksum",
            "Print a checksum over keys and values of a range, their number and their bytes\n\nExample: ./tkv raw checksum") { start, end };
        command.SetAction((parsed, cancellation) => WithClient(parsed, cancellation, async (client, output) =>
        {
            var (from, to) = Range(parsed, start, end);
            var sum = await client.ChecksumAsync(from, to, cancellation);
            if (output.Json)
                output.JsonLine(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("crc64xor", sum.Crc64Xor.ToString("x16", CultureInfo.InvariantCulture));
                    json.WriteNumber("keys", sum.TotalKeys);
                    json.WriteNumber("bytes", sum.TotalBytes);
                    json.WriteEndObject();
                });
            else
                output.Line(string.Create(
                    CultureInfo.InvariantCulture, $"crc64-xor {sum.Crc64Xor:x16}  keys {sum.TotalKeys}  bytes {sum.TotalBytes}"));
            return ExitCode.Done;
        }));
        return command;
    }

    private static Task<int> WithClient(ParseResult parsed, CancellationToken cancellation, Func<RawClient, Output, Task<int>> run) =>
        _common.WithClient(parsed, cancellation, run);

    private static Argument<string> KeyArgument(string name) => new(name);

    internal static (Argument<string?> Start, Argument<string?> End) RangeArguments() =>
        (new Argument<string?>("START") { Arity = ArgumentArity.ZeroOrOne, Description = "First key (default: the first there is)" },
            new Argument<string?>("END") { Arity = ArgumentArity.ZeroOrOne, Description = "Key to stop before (default: after the last)" });

    private static byte[] Key(ParseResult parsed, Argument<string> argument) =>
        _keys.Parse(parsed, argument.Name, parsed.GetRequiredValue(argument));

    private static (byte[] Start, byte[] End) Range(ParseResult parsed, Argument<string?> start, Argument<string?> end) =>
        (_keys.Parse(parsed, "START", parsed.GetValue(start) ?? ""), _keys.Parse(parsed, "END", parsed.GetValue(end) ?? ""));

    private static CommandException NotFound(ParseResult parsed, byte[] key) =>
        new(ExitCode.NotFound, $"no such key: {_keys.Format(parsed, key)}");

    /// <param name="value">Null: without one.</param>
    internal static void PairAsJson(Output output, string key, string? value) => output.JsonLine(json =>
    {
        json.WriteStartObject();
        json.WriteString("key", key);
        if (value != null) json.WriteString("value", value);
        json.WriteEndObject();
    });

    private static int Done(Output output)
    {
        if (output.Json)
            output.JsonLine(json =>
            {
                json.WriteStartObject();
                json.WriteEndObject();
            });
        return ExitCode.Done;
    }
}
