using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace TiKvActors.Actors.Membership;

/// <summary>
/// Suspects nobody (<c>akka.cluster.failure-detector.implementation-class</c>): for members that only use the cluster. What such a member
/// suspects others would be downed for.
/// </summary>
public sealed class TrustingFailureDetector : FailureDetector
{
    /// <summary>As Akka makes one: for each member that is watched.</summary>
    public TrustingFailureDetector(Config config, EventStream events)
    {
    }

    public override bool IsAvailable => true;

    public override bool IsMonitoring => true;

    public override void HeartBeat()
    {
    }
}
