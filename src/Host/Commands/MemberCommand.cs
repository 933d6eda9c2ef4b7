using System.CommandLine;
using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;
using Member = TiKvActors.Protocol.MetaMembersResponse.Types.Member;
using Role = TiKvActors.Protocol.MetaMembersResponse.Types.Role;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv ctl member …</c>: members of the meta group, in which PD persists.</summary>
internal static class MemberCommand
{
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(250);

    private static readonly Option<bool> _noWait = new("--no-wait")
    {
        Description = "Return as soon as the change is recorded; the group carries it out by itself",
    };

    public static Command Create(CommonOptions common) => new(
        "member", "Members of the meta group, which keeps PD's state: list, add, remove, replace\n\nExample: ./tkv ctl member list")
    {
        List(common), Add(common), Remove(common), Replace(common),
    };

    private static Command List(CommonOptions common)
    {
        var command = new Command(
            "list",
            "List the members, as the one that leads sees them; without removed ones unless --all\n\nExample: ./tkv ctl member list");
        var all = new Option<bool>("--all") { Description = "Removed members, too: their ids never come back" };
        command.Add(all);
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var client = await common.MembersAsync(parsed, cancellation);
            Print(common.Output(parsed), await client.ListAsync(cancellation), parsed.GetValue(all));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Add(CommonOptions common)
    {
        var (id, address) = (Id("ID"), Address());
        var command = new Command(
            "add",
            "Add a member: its node, whose tikv.meta.members names it with this id, is started before or after\n\n"
                + "Example: ./tkv ctl member add 4 10.0.0.4:2551") { id, address, _noWait };
        command.SetAction((parsed, cancellation) =>
        {
            var (member, at) = (parsed.GetRequiredValue(id), parsed.GetRequiredValue(address));
            return ChangeAsync(
                common, parsed, client => client.AddAsync(member, at, cancellation), list => IsVoter(list, member), member, cancellation);
        });
        return command;
    }

    private static Command Remove(CommonOptions common)
    {
        var id = Id("ID");
        var command = new Command(
            "remove",
            "Remove a member; its id never comes back, its node goes on as a store; exit status 3 if there is none\n\n"
                + "Example: ./tkv ctl member remove 3") { id, _noWait };
        command.SetAction((parsed, cancellation) =>
        {
            var member = parsed.GetRequiredValue(id);
            return ChangeAsync(
                common, parsed, client => client.RemoveAsync(member, cancellation), list => IsGone(list, member), member, cancellation);
        });
        return command;
    }

    private static Command Replace(CommonOptions common)
    {
        var (old, id, address) = (Id("OLD"), Id("NEW"), Address());
        var command = new Command(
            "replace",
            "Put a new member in the place of another one, whose directory was lost for example, as soon as the new one has caught up\n\n"
                + "Example: ./tkv ctl member replace 3 4 10.0.0.3:2551") { old, id, address, _noWait };
        command.SetAction((parsed, cancellation) =>
        {
            var (from, to, at) = (parsed.GetRequiredValue(old), parsed.GetRequiredValue(id), parsed.GetRequiredValue(address));
            return ChangeAsync(
                common, parsed, client => client.ReplaceAsync(from, to, at, cancellation),
                list => IsVoter(list, to) && IsGone(list, from), to, cancellation);
        });
        return command;
    }

    private static Argument<ulong> Id(string name) => new(name) { Description = "A member's id, above 0" };

    private static Argument<string> Address() => new("HOST:PORT") { Description = "The node's address, of the actor protocol" };

    /// <param name="subject">Whose progress is told.</param>
    private static async Task<int> ChangeAsync(
        CommonOptions common, ParseResult parsed, Func<MemberClient, Task<IReadOnlyList<Member>>> change,
        Func<IReadOnlyList<Member>, bool> isDone, ulong subject, CancellationToken cancellation)
    {
        var output = common.Output(parsed);
        await using var client = await common.MembersAsync(parsed, cancellation);
        try
        {
            var members = await change(client);
            var start = TimeProvider.System.GetTimestamp();
            var told = "";
            while (!parsed.GetValue(_noWait) && !isDone(members))
            {
                if (Progress(members, subject) is var progress && progress != told)
                    output.Message(told = progress);
                if (TimeProvider.System.GetElapsedTime(start) > common.Timeout(parsed))
                {
                    throw new CommandException(
                        ExitCode.Failed,
                        $"the change is recorded, and the group goes on with it by itself, but it is not done yet: {told}");
                }

                await Task.Delay(_pollInterval, cancellation);
                members = await client.ListAsync(cancellation);
            }

            Print(output, members, all: false);
            return ExitCode.Done;
        }
        catch (NoSuchMemberException e)
        {
            throw new CommandException(ExitCode.NotFound, e.Message);
        }
    }

    private static bool IsVoter(IReadOnlyList<Member> members, ulong id) => members.Any(m => m.Id == id && m is { Role: Role.Voter });

    private static bool IsGone(IReadOnlyList<Member> members, ulong id) => members.Any(m => m.Id == id && m is { Role: Role.Removed });

    private static string Progress(IReadOnlyList<Member> members, ulong subject) =>
        members.FirstOrDefault(m => m.Id == subject) switch
        {
            { Known: false } m => Text($"member {m.Id} waits for its node: nobody has come as member {m.Id} from {m.Address} yet"),
            { Role: Role.Waiting } m => Text($"member {m.Id} is about to become a learner"),
            { Role: Role.Learner, Removed: false, Answers: false } m => Text($"member {m.Id} is a learner and does not answer"),
            { Role: Role.Learner, Removed: false } m => Text($"member {m.Id} is a learner and catches up"),
            { Removed: true } m => Text($"member {m.Id} is about to leave"),
            { Role: Role.Voter } m => Text($"member {m.Id} votes; the one whose place it takes is about to leave"),
            { } m => Text($"member {m.Id} is about to vote"),
            null => "nothing is known of it yet",
        };

    private static void Print(Output output, IReadOnlyList<Member> members, bool all)
    {
        var shown = members.Where(m => all || m.Role != Role.Removed).ToList();
        if (output.Json)
        {
            foreach (var member in shown)
                Json(output, member);
        }
        else
        {
            output.Table(
                ["member", "address", "role", "answers", "behind", "in this node's list", "takes the place of"],
                shown.Select(m => new[]
                {
                    Text($"{m.Id}"), m.Address, RoleOf(m), m.Answers ? "yes" : "no", Text($"{m.Behind}"), m.Listed ? "yes" : "no",
                    m.Replaces == 0 ? "" : Text($"{m.Replaces}"),
                }));
        }

        output.Flush();
    }

    private static void Json(Output output, Member member) => output.JsonLine(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("id", member.Id);
        json.WriteString("address", member.Address);
        json.WriteString("role", member.Role.ToString().ToLowerInvariant());
        json.WriteBoolean("leader", member.Leads);
        json.WriteBoolean("answers", member.Answers);
        json.WriteNumber("behind", member.Behind);
        json.WriteBoolean("leaving", member.Removed);
        json.WriteBoolean("known", member.Known);
        json.WriteBoolean("listed", member.Listed);
        if (member.Replaces != 0) json.WriteNumber("replaces", member.Replaces);
        json.WriteEndObject();
    });

    private static string RoleOf(Member member) => (member.Role switch
    {
        Role.Waiting => "not in the group yet",
        Role.Incoming => "voter (joining)",
        Role.Outgoing => "voter (leaving)",
        var role => role.ToString().ToLowerInvariant(),
    }) + (member.Leads ? ", leader" : "") + (member is { Removed: true, Role: not Role.Removed } ? ", leaving" : "");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
