using System.CommandLine;
using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv ctl …</c>: administration.</summary>
internal static class CtlCommand
{
    private static readonly CommonOptions _common = new();
    private static readonly KeyNotation _keys = new();

    public static Command Create()
    {
        var region = new Command("region", "Regions: list, show, split\n\nExample: ./tkv ctl region list") { List(), Show(), Split() };
        var command = new Command("ctl", "Administration\n\nExample: ./tkv ctl region list")
        {
            region,
            ClusterCommand.Create(_common),
            MemberCommand.Create(_common),
            StoreCommand.Create(_common),
            TimestampCommand.Create(_common),
            GcCommand.Create(_common),
            KeyspaceCommand.Create(_common),
        };
        _common.AddTo(command);
        _keys.AddTo(command);
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "List the regions in key order\n\nExample: ./tkv ctl region list");
        command.SetAction((parsed, cancellation) => WithAdmin(parsed, async (admin, output) =>
        {
            Print(await admin.ListRegionsAsync(cancellation), parsed, output);
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static Command Show()
    {
        var id = new Argument<ulong>("ID");
        var command = new Command("show", "Show one region; exit status 3 if there is none\n\nExample: ./tkv ctl region show 4") { id };
        command.SetAction((parsed, cancellation) => WithAdmin(parsed, async (admin, output) =>
        {
            var regionId = parsed.GetRequiredValue(id);
            var region = await admin.GetRegionAsync(regionId, cancellation)
                ?? throw new CommandException(
                    ExitCode.NotFound, string.Create(CultureInfo.InvariantCulture, $"no such region: {regionId}"));
            if (output.Json) RegionPrinter.Json(output, region, bytes => _keys.Format(parsed, bytes));
            else RegionPrinter.Details(output, region, bytes => _keys.Format(parsed, bytes));
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static Command Split()
    {
        var keys = new Argument<string[]>("KEY") { Arity = ArgumentArity.OneOrMore };
        var command = new Command(
            "split",
            "Split the region that holds a raw key, so that the key begins a region\n\nExample: ./tkv ctl region split user:5000") { keys };
        command.SetAction((parsed, cancellation) => WithAdmin(parsed, async (admin, output) =>
        {
            foreach (var text in parsed.GetRequiredValue(keys))
                Print(await admin.SplitRegionAsync(_keys.Parse(parsed, "KEY", text), cancellation), parsed, output);
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static void Print(IEnumerable<Client.RegionInfo> regions, ParseResult parsed, Output output)
    {
        if (output.Json)
            foreach (var region in regions) RegionPrinter.Json(output, region, bytes => _keys.Format(parsed, bytes));
        else RegionPrinter.Table(output, regions, bytes => _keys.Format(parsed, bytes));
    }

    private static async Task<int> WithAdmin(ParseResult parsed, Func<AdminClient, Output, Task<int>> run, CancellationToken cancellation)
    {
        await using var admin = await _common.AdminAsync(parsed, cancellation);
        var output = _common.Output(parsed);
        var exitCode = await run(admin, output);
        output.Flush();
        return exitCode;
    }
}
