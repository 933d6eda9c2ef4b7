using TiKvActors.Protocol;

namespace TiKvActors.Actors.Membership;

/// <summary>What <see cref="ClusterFormation"/> wants done.</summary>
internal abstract record FormationAction
{
    /// <summary>Read the record after a read-index; its end is told in any case.</summary>
    public sealed record ReadRecord(ulong Round) : FormationAction;

    /// <summary>Commit the next incarnation; its end is told in any case, whatever became of it.</summary>
    public sealed record CommitRecord(ulong ExpectedRevision, ClusterIncarnation Incarnation) : FormationAction;

    public sealed record Ask(string Address, MembershipRequest Request) : FormationAction;

    /// <summary>Join the cluster of the member there; at one's own address: make a cluster.</summary>
    public sealed record Join(string Address) : FormationAction;

    /// <summary>The last thing wanted.</summary>
    public sealed record Restart(RestartReason Reason) : FormationAction;
}

/// <param name="RetryInterval">Between two rounds of a node that is not Up.</param>
/// <param name="CheckInterval">Between two rounds of a member.</param>
/// <param name="AnswerTimeout">Who has not answered by then is not waited for; a record read longer ago decides nothing.</param>
/// <param name="JoinTimeout">After which another member is asked to let this node in.</param>
/// <param name="ForgottenTimeout">How long a member may be one that nobody knows.</param>
internal sealed record FormationSettings(
    TimeSpan RetryInterval, TimeSpan CheckInterval, TimeSpan AnswerTimeout, TimeSpan JoinTimeout, TimeSpan ForgottenTimeout);
