using System.CommandLine;
using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv ctl store …</c>: the stores as PD sees them, and their removal.</summary>
internal static class StoreCommand
{
    public static Command Create(CommonOptions common) =>
        new("store", "Stores: list, show, remove, cancel-remove\n\nExample: ./tkv ctl store list")
        {
            List(common), Show(common), Remove(common), CancelRemove(common),
        };

    private static Command List(CommonOptions common)
    {
        var command = new Command("list", "List the stores, removed ones included\n\nExample: ./tkv ctl store list");
        command.SetAction((parsed, cancellation) => WithAdmin(common, parsed, cancellation, async (admin, output) =>
        {
            var stores = await admin.ListStoreStatusAsync(cancellation);
            if (output.Json)
                foreach (var store in stores) Json(output, store);
            else Table(output, stores);
        }));
        return command;
    }

    private static Command Show(CommonOptions common)
    {
        var id = new Argument<ulong>("ID");
        var command = new Command(
            "show",
            "Show one store, and what its removal waits for; exit status 3 if there is none\n\nExample: ./tkv ctl store show 4") { id };
        command.SetAction((parsed, cancellation) => WithAdmin(common, parsed, cancellation, async (admin, output) =>
        {
            var store = await FindAsync(admin, parsed.GetRequiredValue(id), cancellation);
            if (output.Json) Json(output, store);
            else Details(output, store);
        }));
        return command;
    }

    private static Command Remove(CommonOptions common)
    {
        var id = new Argument<ulong>("ID");
        var force = new Option<bool>("--force")
        {
            Description =
                "The store is destroyed and never comes back: a new store may have its address at once. Refused while it is alive",
        };
        var command = new Command(
            "remove",
            "Move everything off a store, dead or alive, then forget it; show says how far that is. Its directory can never be used "
                + "again. Exit status 3 if there is no such store\n\nExample: ./tkv ctl store remove 4") { id, force };
        command.SetAction((parsed, cancellation) => WithAdmin(common, parsed, cancellation, async (admin, output) =>
        {
            var store = await FindAsync(admin, parsed.GetRequiredValue(id), cancellation);
            await admin.RemoveStoreAsync(store.Store.Id, parsed.GetValue(force), cancellation);
            output.Message($"store {Text(store.Store.Id)} is being removed: ./tkv ctl store show {Text(store.Store.Id)}");
        }));
        return command;
    }

    private static Command CancelRemove(CommonOptions common)
    {
        var id = new Argument<ulong>("ID");
        var command = new Command(
            "cancel-remove",
            "Keep a store that is being removed; what has moved stays where it is. Exit status 3 if there is no such store\n\n"
                + "Example: ./tkv ctl store cancel-remove 4") { id };
        command.SetAction((parsed, cancellation) => WithAdmin(common, parsed, cancellation, async (admin, output) =>
        {
            var store = await FindAsync(admin, parsed.GetRequiredValue(id), cancellation);
            await admin.CancelStoreRemovalAsync(store.Store.Id, cancellation);
        }));
        return command;
    }

    private static async Task<StoreStatus> FindAsync(AdminClient admin, ulong storeId, CancellationToken cancellation) =>
        await admin.GetStoreStatusAsync(storeId, cancellation)
            ?? throw new CommandException(ExitCode.NotFound, $"no such store: {Text(storeId)}");

    private static async Task<int> WithAdmin(
        CommonOptions common, ParseResult parsed, CancellationToken cancellation, Func<AdminClient, Output, Task> run)
    {
        await using var admin = await common.AdminAsync(parsed, cancellation);
        var output = common.Output(parsed);
        await run(admin, output);
        output.Flush();
        return ExitCode.Done;
    }

    private static void Table(Output output, IEnumerable<StoreStatus> stores) => output.Table(
        ["store", "address", "state", "heard of", "regions", "leaders", "labels"],
        stores.Select(s => new[]
        {
            Text(s.Store.Id), s.Store.Address, State(s), Silence(s), Text(s.Regions), Text(s.Leaders), Labels(s),
        }));

    private static void Details(Output output, StoreStatus store)
    {
        output.Line($"store     {Text(store.Store.Id)}");
        output.Line($"address   {store.Store.Address}");
        output.Line($"state     {State(store)}");
        output.Line($"heard of  {Silence(store)}");
        output.Line($"regions   {Text(store.Regions)}, of which it leads {Text(store.Leaders)}");
        output.Line($"labels    {Labels(store)}");
        if (store.WaitsFor.Length > 0) output.Line($"waits     {store.WaitsFor}");
    }

    private static void Json(Output output, StoreStatus store) => output.JsonLine(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("id", store.Store.Id);
        json.WriteString("address", store.Store.Address);
        json.WriteString("state", Name(store.Condition));
        json.WriteBoolean("destroyed", store.Store.PhysicallyDestroyed);
        json.WriteNumber("silentMs", store.SilentMillis);
        json.WriteNumber("regions", store.Regions);
        json.WriteNumber("leaders", store.Leaders);
        json.WriteStartObject("labels");
        foreach (var label in store.Store.Labels) json.WriteString(label.Key, label.Value);
        json.WriteEndObject();
        if (store.WaitsFor.Length > 0) json.WriteString("waitsFor", store.WaitsFor);
        json.WriteEndObject();
    });

    private static string State(StoreStatus store) =>
        Name(store.Condition) + (store.Store.PhysicallyDestroyed ? " (destroyed)" : "");

    private static string Name(StoreCondition condition) => condition.ToString().ToLowerInvariant();

    private static string Silence(StoreStatus store) => store.Condition == StoreCondition.Tombstone
        ? "-"
        : string.Create(CultureInfo.InvariantCulture, $"{store.SilentMillis / 1000.0:0.0} s ago");

    private static string Labels(StoreStatus store) =>
        store.Store.Labels.Count == 0 ? "-" : string.Join(", ", store.Store.Labels.Select(l => $"{l.Key}={l.Value}"));

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
