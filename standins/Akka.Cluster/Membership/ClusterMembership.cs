using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Util;

namespace Akka.Cluster.Membership;

/*
   One node's part in the cluster: messages and ticks in, messages and states out. No clock, no thread, no socket: time and chance
   are parameters, so that a whole cluster runs in a test on one thread.

                JoinTo                    Welcome, or itself the first                  removed, down, exited
     Outside ------------> Joining -----------------------------------> Member --------------------------------> Ended
        ^                     |
        +---------------------+  the join was given up

   What a member decides alone: whom it finds unreachable, who may join through it, who is to leave or to be down. What only the
   leader decides, and only when everybody has the same state: who is Up, Exiting, removed.
*/
internal sealed partial class ClusterMembership
{
    private const int GossipsBeforeShutdown = 5;
    private const int TicksBeforeShutdownWhenDown = 4;

    private readonly MembershipSettings _settings;
    private readonly IMembershipOutput _output;
    private readonly Random _random;
    private readonly ImmutableHashSet<string> _roles;
    private readonly AppVersion _appVersion;
    private readonly HashSet<UniqueAddress> _exitingConfirmed = [];
    private bool _isExiting;
    private bool _hasExited;
    private bool _hasEnded;
    private bool _wasLeader;
    private int _ticksDown;
    private TimeSpan? _divergedSince;

    public ClusterMembership(
        UniqueAddress self, ImmutableHashSet<string> roles, AppVersion appVersion, MembershipSettings settings, IMembershipOutput output,
        Random random)
    {
        _settings = settings;
        _output = output;
        _random = random;
        _roles = roles;
        _appVersion = appVersion;
        State = new MembershipState(Gossip.Empty, self);
    }

    public MembershipState State { get; private set; }

    public bool IsMember => State.SelfMember != null;

    public bool IsConverged => State.IsConverged(_exitingConfirmed);

    public bool HasEnded => _hasEnded;

    private UniqueAddress Self => State.Self;

    private Gossip Latest => State.Gossip;

    /// <param name="now">a monotonic time.</param>
    /// <param name="unixMilliseconds">the time of day, for the age of removals only.</param>
    public void Handle(IClusterMessage message, TimeSpan now, long unixMilliseconds)
    {
        if (_hasEnded) return;
        switch (message)
        {
            case InitJoin initJoin:
                AnswerInitJoin(initJoin);
                break;
            case InitJoinAck ack:
                SeedAnswered(ack.From, now);
                break;
            case InitJoinNack nack:
                SeedRefused(nack.From, now);
                break;
            case Join join:
                ReceiveJoin(join);
                break;
            case Welcome welcome:
                ReceiveWelcome(welcome);
                break;
            case GossipEnvelope envelope:
                ReceiveGossip(envelope, unixMilliseconds);
                break;
            case GossipStatus status:
                ReceiveStatus(status);
                break;
            case ExitingConfirmed confirmed:
                if (Latest.Find(confirmed.From) is { Status: MemberStatus.Exiting }) _exitingConfirmed.Add(confirmed.From);
                break;
        }
    }

    /// <summary>Sends what is known to somebody who probably does not know it.</summary>
    public void GossipTick()
    {
        if (!IsMember || _hasEnded) return;
        if (SelectPeer() is { } peer) GossipTo(peer);
    }

    /// <summary>More gossip is needed while a minority has the latest version.</summary>
    public bool IsGossipUrgent => IsMember && !_hasEnded && Latest.Seen.Count < Latest.Members.Count / 2;

    public void LeaderTick(TimeSpan now, long unixMilliseconds)
    {
        if (!IsMember || _hasEnded) return;
        LeadIfLeader(now, unixMilliseconds);
        if (_hasEnded) return;
        _exitingConfirmed.RemoveWhere(node => Latest.Find(node) is not { Status: MemberStatus.Exiting });
        if (State.SelfMember is { Status: MemberStatus.Down }) EndWhenDown();
    }

    /// <summary>What the failure detector says now.</summary>
    public void Observe(Func<UniqueAddress, bool> isAvailable)
    {
        if (!IsMember || _hasEnded) return;
        var observed = State.Observe(isAvailable);
        if (ReferenceEquals(observed, Latest)) return;
        LogReachability(observed);
        Change(observed);
    }

    /// <summary>Member of that address wants, or shall, leave.</summary>
    public void Leave(Address address)
    {
        if (_hasEnded || Latest.Members.FirstOrDefault(m => m.Address == address) is not { } member) return;
        if (member.Status is not (MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up)) return;
        _output.Log(LogLevel.InfoLevel, $"Marked address [{address}] as [Leaving]");
        Change(Latest.Replace([member.Copy(MemberStatus.Leaving)]));
    }

    public void Down(Address address)
    {
        if (_hasEnded || !IsMember) return;
        if (Latest.Members.FirstOrDefault(m => m.Address == address) is not { } member)
        {
            _output.Log(LogLevel.InfoLevel, $"Ignoring down of unknown node [{address}]");
            return;
        }
        if (member.Status == MemberStatus.Down) return;
        _output.Log(LogLevel.InfoLevel, $"Marking node [{address}] as [Down]");
        Change(Latest.Replace([member.Copy(MemberStatus.Down)]));
        if (member.UniqueAddress == Self) EndWhenDown();
    }

    /// <summary>Everything here that needed the cluster has ended.</summary>
    public void ExitingCompleted()
    {
        if (_hasEnded || _hasExited) return;
        _hasExited = true;
        if (IsMember)
        {
            // Others would have to find this node unreachable before they could agree on anything.
            Set(Latest.SeenBy(Self));
            _output.Publish(State);
            GossipToSome();
            ConfirmExit();
        }
        End();
    }

    /// <summary>Without telling anybody.</summary>
    public void End()
    {
        if (_hasEnded) return;
        _hasEnded = true;
        _output.ShutDown();
    }

    private void LeadIfLeader(TimeSpan now, long unixMilliseconds)
    {
        if (!State.IsLeader)
        {
            if (_wasLeader) _output.Log(LogLevel.InfoLevel, "is no longer leader");
            _wasLeader = false;
            _divergedSince = null;
            return;
        }
        if (!_wasLeader) _output.Log(LogLevel.InfoLevel, "is the new leader among reachable nodes (more leaders may exist)");
        _wasLeader = true;
        if (IsConverged)
        {
            _divergedSince = null;
            if (State.LeaderActions(_settings.Rules, _exitingConfirmed, unixMilliseconds) is { } decided) ChangeAsLeader(decided);
        }
        else
        {
            _divergedSince ??= now;
            if (now - _divergedSince >= _settings.WeaklyUpAfter && State.MoveJoiningToWeaklyUp(_settings.Rules) is { } decided)
                ChangeAsLeader(decided);
        }
    }

    private void ChangeAsLeader(Gossip decided)
    {
        foreach (var member in decided.Members)
            if (Latest.Find(member.UniqueAddress) is { } before && before.Status != member.Status)
                _output.Log(LogLevel.InfoLevel, $"Leader is moving node [{member.Address}] from [{before.Status}] to [{member.Status}]");
        foreach (var member in Latest.Members.Except(decided.Members))
            _output.Log(
                LogLevel.InfoLevel,
                $"Leader is removing {(member.Status == MemberStatus.Exiting ? "confirmed or unreachable Exiting" : "unreachable Down")} "
                    + $"node [{member.Address}]");
        Change(decided);
        BeginExitingIfDue();
    }

    /// <summary>A change by this node.</summary>
    private void Change(Gossip gossip)
    {
        Set(gossip.ChangedBy(Self));
        _output.Publish(State);
    }

    /// <summary>While this node has not ended what it does as a member, nobody shall believe that it agrees to be removed.</summary>
    private void Set(Gossip gossip) => State = State.With(_isExiting && !_hasExited ? gossip.NotSeenBy(Self) : gossip);

    private void BeginExitingIfDue()
    {
        if (_isExiting || State.SelfMember is not { Status: MemberStatus.Exiting }) return;
        _isExiting = true;
        // The others are to know before this node is gone.
        GossipToSome();
        _output.BeginExiting();
    }

    private void ConfirmExit()
    {
        var first = State.LeaderOf(State.Members.Where(m => m.UniqueAddress != Self));
        if (first == null) return;
        _output.Send(first.Address, new ExitingConfirmed(Self));
        var second = State.LeaderOf(State.Members.Where(m => m.UniqueAddress != Self && m.UniqueAddress != first));
        if (second != null) _output.Send(second.Address, new ExitingConfirmed(Self));
    }

    /// <summary>The news has to reach the others who are down before this node falls silent.</summary>
    private void EndWhenDown()
    {
        var known = State.Members.Where(m => m.Status == MemberStatus.Down)
            .All(m => !Latest.Reachability.IsReachable(m.UniqueAddress) || Latest.IsSeenBy(m.UniqueAddress));
        if (!known && ++_ticksDown < TicksBeforeShutdownWhenDown) return;
        _output.Log(LogLevel.WarningLevel, "This node has been marked as Down. Shutting down myself");
        GossipToSome();
        End();
    }

    private void LogReachability(Gossip observed)
    {
        var (before, after) = (Latest.Reachability.AllUnreachableFrom(Self).ToHashSet(),
            observed.Reachability.AllUnreachableFrom(Self).ToHashSet());
        foreach (var node in after.Except(before)) _output.Log(LogLevel.WarningLevel, $"Marking node as UNREACHABLE [{Latest.Find(node)}]");
        foreach (var node in before.Except(after)) _output.Log(LogLevel.InfoLevel, $"Marking node as REACHABLE [{Latest.Find(node)}]");
    }
}
