using System.CommandLine;
using System.Globalization;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv ctl tso</c>: a timestamp of PD, or what a given one means.</summary>
internal static class TimestampCommand
{
    public static Command Create(CommonOptions common)
    {
        var given = new Argument<ulong?>("TIMESTAMP")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "Explain this one; nobody is asked",
        };
        given.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<ulong?>() > long.MaxValue) result.AddError("TIMESTAMP is of the year 3084 or later");
        });
        var command = new Command("tso", "Take a timestamp from PD, or explain one\n\nExample: ./tkv ctl tso") { given };
        command.SetAction(async (parsed, cancellation) =>
        {
            var output = common.Output(parsed);
            if (parsed.GetValue(given) is { } timestamp)
            {
                Print(output, (long)timestamp);
            }
            else
            {
                await using var admin = await common.AdminAsync(parsed, cancellation);
                Print(output, (long)await admin.GetTimestampAsync(cancellation));
            }

            output.Flush();
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>When PD has issued it, in UTC.</summary>
    public static string Time(long timestamp) => DateTimeOffset.FromUnixTimeMilliseconds(TimestampLayout.Physical(timestamp))
        .ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static void Print(Output output, long timestamp)
    {
        var (physical, logical) = (TimestampLayout.Physical(timestamp), TimestampLayout.Logical(timestamp));
        var time = Time(timestamp);
        if (output.Json)
        {
            output.JsonLine(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("timestamp", timestamp);
                json.WriteNumber("physicalMs", physical);
                json.WriteNumber("logical", logical);
                json.WriteString("time", time);
                json.WriteEndObject();
            });
            return;
        }

        output.Line(string.Create(CultureInfo.InvariantCulture, $"timestamp  {timestamp}"));
        output.Line(string.Create(CultureInfo.InvariantCulture, $"time       {time} ({physical} ms), logical {logical}"));
    }
}
