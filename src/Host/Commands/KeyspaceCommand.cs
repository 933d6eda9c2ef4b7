using System.CommandLine;
using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol.Keyspacepb;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv ctl keyspace …</c>: names for spaces of keys that have nothing to do with each other.</summary>
internal static class KeyspaceCommand
{
    public static Command Create(CommonOptions common) =>
        new("keyspace", "Keyspaces (API mode v2): create, list, show, disable, enable\n\nExample: ./tkv ctl keyspace list")
        {
            New(common),
            List(common),
            OnOne(common, "show", "Show one keyspace; exit status 3 if there is none", (_, found, _) => Task.FromResult(found)),
            OnOne(
                common, "disable", "Refuse those who open the keyspace from now on; its data stays. Exit status 3 if there is none",
                (admin, found, cancellation) => admin.SetKeyspaceStateAsync(found.Id, KeyspaceState.Disabled, cancellation)),
            OnOne(
                common, "enable", "Let a keyspace that was disabled be opened again. Exit status 3 if there is none",
                (admin, found, cancellation) => admin.SetKeyspaceStateAsync(found.Id, KeyspaceState.Enabled, cancellation)),
        };

    private static Command New(CommonOptions common)
    {
        var name = new Argument<string>("NAME") { Description = "1 to 20 letters, digits, - and _" };
        var command = new Command(
            "create", "Make a keyspace; its id is printed, and in all its keys\n\nExample: ./tkv ctl keyspace create shop") { name };
        command.SetAction((parsed, cancellation) => WithAdmin(common, parsed, cancellation, async (admin, output) =>
            Print(output, [await admin.CreateKeyspaceAsync(parsed.GetRequiredValue(name), cancellation)])));
        return command;
    }

    private static Command List(CommonOptions common)
    {
        var command = new Command("list", "List the keyspaces by id\n\nExample: ./tkv ctl keyspace list");
        command.SetAction((parsed, cancellation) => WithAdmin(common, parsed, cancellation, async (admin, output) =>
            Print(output, await admin.ListKeyspacesAsync(cancellation))));
        return command;
    }

    private static Command OnOne(
        CommonOptions common, string verb, string description, Func<AdminClient, KeyspaceMeta, CancellationToken, Task<KeyspaceMeta>> run)
    {
        var name = new Argument<string>("NAME");
        var command = new Command(verb, $"{description}\n\nExample: ./tkv ctl keyspace {verb} shop") { name };
        command.SetAction((parsed, cancellation) => WithAdmin(common, parsed, cancellation, async (admin, output) =>
        {
            var wanted = parsed.GetRequiredValue(name);
            var found = await admin.GetKeyspaceAsync(wanted, cancellation)
                ?? throw new CommandException(ExitCode.NotFound, $"no such keyspace: {wanted}");
            Print(output, [await run(admin, found, cancellation)]);
        }));
        return command;
    }

    private static async Task<int> WithAdmin(
        CommonOptions common, ParseResult parsed, CancellationToken cancellation, Func<AdminClient, Output, Task> run)
    {
        await using var admin = await common.AdminAsync(parsed, cancellation);
        var output = common.Output(parsed);
        await run(admin, output);
        output.Flush();
        return ExitCode.Done;
    }

    private static void Print(Output output, IReadOnlyCollection<KeyspaceMeta> keyspaces)
    {
        if (!output.Json)
        {
            output.Table(
                ["id", "keyspace", "state", "created"],
                keyspaces.Select(k => new[] { k.Id.ToString(CultureInfo.InvariantCulture), k.Name, State(k), Created(k) ?? "-" }));
            return;
        }

        foreach (var keyspace in keyspaces)
        {
            output.JsonLine(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("id", keyspace.Id);
                json.WriteString("name", keyspace.Name);
                json.WriteString("state", State(keyspace));
                if (Created(keyspace) is { } created) json.WriteString("created", created);
                json.WriteEndObject();
            });
        }
    }

    private static string State(KeyspaceMeta keyspace) => keyspace.State.ToString().ToLowerInvariant();

    /// <returns>Null for one that was there from the start.</returns>
    private static string? Created(KeyspaceMeta keyspace) => keyspace.CreatedAt == 0
        ? null
        : DateTimeOffset.FromUnixTimeSeconds(keyspace.CreatedAt).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
