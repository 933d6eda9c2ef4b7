using Akka.Actor;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using Verdict = TiKvActors.Protocol.MetaMembersResponse.Types.Verdict;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// <c>/user/tikv/members</c>, on every node: operators' clients, which know nodes and not members, ask it, and it asks the meta group.
/// </summary>
internal sealed class MembersDoor(MetaSettings settings) : UntypedActor
{
    public static Props Props(MetaSettings settings) => Akka.Actor.Props.Create(() => new MembersDoor(settings));

    protected override void OnReceive(object message)
    {
        if (message is not MetaMembersRequest request)
        {
            Unhandled(message);
            return;
        }

        if (settings.Members.Count == 0)
            Sender.Tell(NoGroup());
        else
            AskAsync(MetaClient.Get(Context.System), request, settings.Members).PipeTo(Sender, Self);
    }

    private static MetaMembersResponse NoGroup() => new()
    {
        Verdict = Verdict.Refused,
        Why = "this node knows no meta group: tikv.meta.members is empty, and PD is on one node",
    };

    private static async Task<MetaMembersResponse> AskAsync(
        MetaClient group, MetaMembersRequest request, IReadOnlyList<MetaMember> listed)
    {
        try
        {
            var response = await group.AskAboutMembersAsync(request).ConfigureAwait(false);
            foreach (var member in response.Members)
                member.Listed = listed.Any(m => m.Id == member.Id && m.Address == member.Address);
            return response;
        }
        catch (Exception e) when (e is MetaGroupException or AskTimeoutException)
        {
            return new MetaMembersResponse { Verdict = Verdict.Unknown, Why = e.Message };
        }
    }
}
