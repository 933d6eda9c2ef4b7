using Akka.Actor;

namespace Akka.Cluster.Membership;

/// <summary>What <see cref="ClusterMembership"/> asks its surroundings to do. None of it fails, none of it calls back.</summary>
internal interface IMembershipOutput
{
    void Send(Address to, IClusterMessage message);

    /// <summary>The state has changed in a way that others may see.</summary>
    void Publish(MembershipState state);

    /// <summary>A new incarnation is at the address: what is known of its heartbeats was another one's.</summary>
    void ForgetHeartbeats(Address address);

    /// <summary>
    /// This node is Exiting: once everything here that needs the cluster has ended, <see cref="ClusterMembership.ExitingCompleted"/> is to
    /// be called.
    /// </summary>
    void BeginExiting();

    /// <summary>This node is no member any more. Nothing comes after it.</summary>
    void ShutDown();

    /// <summary>No seed node has answered for so long that the configuration says to give up.</summary>
    void JoiningFailed();

    void Log(Akka.Event.LogLevel level, string message);
}

internal sealed record MembershipSettings
{
    public required MembershipRules Rules { get; init; }

    /// <summary>null: never.</summary>
    public TimeSpan? RetryUnsuccessfulJoinAfter { get; init; }

    public required TimeSpan SeedNodeTimeout { get; init; }

    /// <summary>null: never.</summary>
    public TimeSpan? ShutdownAfterUnsuccessfulJoinSeedNodes { get; init; }

    /// <summary>null: members do not become WeaklyUp.</summary>
    public TimeSpan? WeaklyUpAfter { get; init; }

    public double GossipDifferentViewProbability { get; init; } = 0.8;

    public int ReduceGossipDifferentViewProbability { get; init; } = 400;

    /// <summary>Longer than any message of an older state travels.</summary>
    public static TimeSpan TombstoneLifetime => TimeSpan.FromHours(24);
}
