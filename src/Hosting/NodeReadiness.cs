using Akka.Actor;
using Akka.Cluster;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Hosting;

/// <summary>Whether a node can be used, and how far it is.</summary>
/// <param name="StorageOpen">Its engines are; always true of a client.</param>
/// <param name="MemberUp">It is a member of the cluster, and Up.</param>
/// <param name="PdKnown">PD answers it.</param>
public sealed record NodeReadiness(bool StorageOpen, bool MemberUp, bool PdKnown)
{
    private static readonly TimeSpan _pdTimeout = TimeSpan.FromSeconds(1);

    public bool IsReady => StorageOpen && MemberUp && PdKnown;

    /// <summary>What is missing, in words; empty if nothing is.</summary>
    public string Missing => string.Join(", ", new[]
    {
        StorageOpen ? null : "the store is not open",
        MemberUp ? null : "not a member of the cluster yet (the first start needs all PD nodes, later ones a majority)",
        PdKnown ? null : "PD does not answer",
    }.OfType<string>());

    /// <summary>Asks PD, for a second at most, once the node is a member.</summary>
    public static async Task<NodeReadiness> OfAsync(TikvHost host)
    {
        var system = host.System;
        var tikv = Tikv.Get(system);
        var isOpen = tikv is { KeepsData: false } or { Engines: not null };
        var isUp = Cluster.Get(system).SelfMember.Status == MemberStatus.Up;
        return new NodeReadiness(isOpen, isUp, isUp && await PdAnswersAsync(system).ConfigureAwait(false));
    }

    private static async Task<bool> PdAnswersAsync(ActorSystem system)
    {
        try
        {
            var members = await system.ActorSelection("/user/tikv/pd")
                .Ask<GetMembersResponse>(new GetMembersRequest { Header = new RequestHeader() }, _pdTimeout).ConfigureAwait(false);
            return members.Header?.Error is null;
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }
}
