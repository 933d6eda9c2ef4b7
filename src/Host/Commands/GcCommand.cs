using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv ctl gc</c>: the safe points, and who holds them back.</summary>
internal static class GcCommand
{
    public static Command Create(CommonOptions common)
    {
        var command = new Command(
            "gc",
            "Show the safe points: old versions below the GC safe point may be removed, nothing may be read below the transactions' safe "
                + "point, and each barrier holds both back until it is deleted or expires\n\nExample: ./tkv ctl gc");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var admin = await common.AdminAsync(parsed, cancellation);
            var output = common.Output(parsed);
            var state = await admin.GetGcStateAsync(cancellation);
            if (output.Json) Json(output, state);
            else Print(output, state);
            output.Flush();
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(Output output, GCState state)
    {
        output.Line($"GC safe point             {Point(state.GcSafePoint)}");
        output.Line($"transactions' safe point  {Point(state.TxnSafePoint)}");
        if (state.GcBarriers.Count == 0)
        {
            output.Line("barriers                  none");
            return;
        }

        output.Line("");
        output.Table(
            ["barrier", "timestamp", "time", "expires in"],
            state.GcBarriers.Select(b => new[] { b.BarrierId, Text(b.BarrierTs), Time(b.BarrierTs) ?? "-", Ttl(b) }));
    }

    private static void Json(Output output, GCState state) => output.JsonLine(json =>
    {
        json.WriteStartObject();
        Point(json, "gcSafePoint", "gcTime", state.GcSafePoint);
        Point(json, "txnSafePoint", "txnTime", state.TxnSafePoint);
        json.WriteStartArray("barriers");
        foreach (var barrier in state.GcBarriers)
        {
            json.WriteStartObject();
            json.WriteString("id", barrier.BarrierId);
            Point(json, "timestamp", "time", barrier.BarrierTs);
            if (barrier.TtlSeconds != long.MaxValue) json.WriteNumber("ttlSeconds", barrier.TtlSeconds);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void Point(Utf8JsonWriter json, string name, string timeName, ulong timestamp)
    {
        json.WriteNumber(name, timestamp);
        if (Time(timestamp) is { } time) json.WriteString(timeName, time);
    }

    private static string Point(ulong timestamp) => Time(timestamp) is { } time ? $"{Text(timestamp)}  {time}" : Text(timestamp);

    /// <returns>Null for one that PD has not issued, nor will for a thousand years.</returns>
    private static string? Time(ulong timestamp) => timestamp is 0 or > long.MaxValue ? null : TimestampCommand.Time((long)timestamp);

    private static string Ttl(GCBarrierInfo barrier) => barrier.TtlSeconds switch
    {
        long.MaxValue => "never",
        < 24 * 3600 => TimeSpan.FromSeconds(barrier.TtlSeconds).ToString("c", CultureInfo.InvariantCulture),
        _ => string.Create(CultureInfo.InvariantCulture, $"{barrier.TtlSeconds / 86400.0:0.0} days"),
    };

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
