using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster.Membership;

// How a node gets in, and how others do through it.
internal sealed partial class ClusterMembership
{
    private static readonly TimeSpan _firstSeedAsksAgainAfter = TimeSpan.FromSeconds(1);

    private Address _joining;
    private TimeSpan _joinRetryAt;
    private Seeding _seeding;
    private ImmutableList<Address> _seeds = [];
    private TimeSpan _seedsSince;

    /// <summary>One search for a cluster among the seed nodes; it ends with the first that belongs to one.</summary>
    private sealed record Seeding(bool IsFirst, ImmutableHashSet<Address> Unanswered, TimeSpan Started, TimeSpan AskAgainAt);

    /// <summary>Joins the cluster of that member; a node that is told to join itself makes a new one.</summary>
    public void JoinTo(Address address, TimeSpan now)
    {
        _seeds = [];
        _seeding = null;
        Join(address, now);
    }

    /// <summary>
    /// Joins the cluster that one of the seed nodes belongs to. If there is none the first of them makes it; all others wait.
    /// </summary>
    public void JoinSeedNodes(ImmutableList<Address> seeds, TimeSpan now)
    {
        if (_hasEnded || IsMember || seeds.IsEmpty) return;
        if (seeds.All(seed => seed == Self.Address))
        {
            JoinTo(Self.Address, now);
            return;
        }
        (_seeds, _seedsSince) = (seeds, now);
        BeginSeeding(now);
    }

    /// <summary>Time passes while this node is not a member; several times a second.</summary>
    public void JoinTick(TimeSpan now)
    {
        if (_hasEnded) return;
        if (IsMember)
        {
            JoinOthersIfForgotten(now);
        }
        else if (!_seeds.IsEmpty && now - _seedsSince >= _settings.ShutdownAfterUnsuccessfulJoinSeedNodes)
        {
            _output.Log(
                LogLevel.WarningLevel,
                $"Joining of seed nodes [{string.Join(", ", _seeds)}] was unsuccessful after configured "
                    + "shutdown-after-unsuccessful-join-seed-nodes. Running CoordinatedShutdown.");
            (_seeds, _seeding, _joining) = ([], null, null);
            _output.JoiningFailed();
        }
        else if (_joining is { } joining)
        {
            if (now < _joinRetryAt) return;
            _output.Log(LogLevel.WarningLevel, $"No answer to the attempt to join [{joining}], trying again");
            if (_seeds.IsEmpty) Join(joining, now);
            else BeginSeeding(now);
        }
        else if (_seeding is { IsFirst: true } seeding
            && (seeding.Unanswered.IsEmpty || now - seeding.Started >= _settings.SeedNodeTimeout))
        {
            _output.Log(LogLevel.InfoLevel, "No other seed node belongs to a cluster: this one, the first of them, makes it");
            JoinTo(Self.Address, now);
        }
        else if (now >= _seeding?.AskAgainAt)
        {
            AskSeeds(now);
        }
    }

    /// <summary>
    /// Who let this node in may have gone before it told anybody. Then the others take no gossip from here, as from a stranger; a
    /// second join reaches them.
    /// </summary>
    private void JoinOthersIfForgotten(TimeSpan now)
    {
        if (State.SelfMember.Status is not (MemberStatus.Joining or MemberStatus.WeaklyUp)) return;
        if (now < _joinRetryAt) return;
        _joinRetryAt = now + RetryInterval;
        foreach (var member in State.Members)
            if (member.UniqueAddress != Self && member.Status is MemberStatus.Up or MemberStatus.WeaklyUp)
                _output.Send(member.Address, new Join(Self, _roles, _appVersion));
    }

    private TimeSpan RetryInterval => _settings.RetryUnsuccessfulJoinAfter ?? TimeSpan.MaxValue / 2;

    private void Join(Address address, TimeSpan now)
    {
        if (_hasEnded) return;
        if (address.Protocol != Self.Address.Protocol || address.System != Self.Address.System)
        {
            _output.Log(
                LogLevel.WarningLevel,
                $"Trying to join [{address}], which is not a node of {Self.Address.Protocol}://{Self.Address.System}, ignoring");
            return;
        }
        if (IsMember)
        {
            _output.Log(LogLevel.InfoLevel, $"Trying to join [{address}] when already part of a cluster, ignoring");
            return;
        }
        _seeding = null;
        _joining = address == Self.Address ? null : address;
        if (_joining == null)
        {
            ReceiveJoin(new Join(Self, _roles, _appVersion));
            // Who is first is the oldest for certain.
            LeaderTick(now, 0);
            if (!_hasEnded) _output.Publish(State);
            return;
        }
        _joinRetryAt = now + RetryInterval;
        _output.Send(address, new Join(Self, _roles, _appVersion));
    }

    private void BeginSeeding(TimeSpan now)
    {
        _joining = null;
        _seeding = new Seeding(_seeds[0] == Self.Address, _seeds.Where(s => s != Self.Address).ToImmutableHashSet(), now, now);
        AskSeeds(now);
    }

    private void AskSeeds(TimeSpan now)
    {
        _seeding = _seeding with { AskAgainAt = now + (_seeding.IsFirst ? _firstSeedAsksAgainAfter : _settings.SeedNodeTimeout) };
        foreach (var seed in _seeds.Where(_seeding.Unanswered.Contains)) _output.Send(seed, new InitJoin(Self));
    }

    private void AnswerInitJoin(InitJoin initJoin)
    {
        if (initJoin.From == Self) return;
        _output.Send(initJoin.From.Address, Admits(initJoin.From) ? new InitJoinAck(Self.Address) : new InitJoinNack(Self.Address));
    }

    /// <summary>A member that is on its way out lets nobody in, but still welcomes one who is in and does not know it.</summary>
    private bool Admits(UniqueAddress node) => State.SelfMember?.Status switch
    {
        MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up => true,
        MemberStatus.Leaving or MemberStatus.Exiting => Latest.Has(node),
        _ => false
    };

    private void SeedAnswered(Address seed, TimeSpan now)
    {
        if (_seeding != null && !IsMember) Join(seed, now);
    }

    /// <summary>Who is no member now may be one soon, so only the first seed, which would make a cluster itself, counts this.</summary>
    private void SeedRefused(Address seed, TimeSpan now)
    {
        if (_seeding is not { IsFirst: true }) return;
        _seeding = _seeding with { Unanswered = _seeding.Unanswered.Remove(seed) };
        if (_seeding.Unanswered.IsEmpty) JoinTick(now);
    }

    private void ReceiveJoin(Join join)
    {
        var node = join.Node;
        if (node.Address.Protocol != Self.Address.Protocol || node.Address.System != Self.Address.System)
        {
            _output.Log(
                LogLevel.WarningLevel,
                $"Member with wrong ActorSystem name tried to join, but was ignored, expected [{Self.Address.System}] but was "
                    + $"[{node.Address}]");
            return;
        }
        if (node != Self && !Admits(node))
        {
            _output.Log(
                LogLevel.InfoLevel,
                $"Node [{node.Address}] tries to join through this node, "
                    + $"which is {(IsMember ? State.SelfMember.Status.ToString() : "no member")}, ignoring");
            return;
        }
        if (Latest.Tombstones.ContainsKey(node))
        {
            _output.Log(LogLevel.WarningLevel, $"Node [{node}] was removed from the cluster; only a new incarnation of it can join");
            return;
        }
        if (Latest.Members.FirstOrDefault(m => m.Address == node.Address) is { } known)
        {
            if (known.UniqueAddress != node) Replace(known);
            // The welcome was lost.
            else if (node != Self) _output.Send(node.Address, new Welcome(Self, Latest));
            return;
        }
        _output.ForgetHeartbeats(node.Address);
        _output.Log(LogLevel.InfoLevel, $"Node [{node.Address}] is JOINING, roles [{string.Join(", ", join.Roles)}]");
        Set(Latest.Add(Member.Create(node, join.Roles, join.AppVersion)).ChangedBy(Self));
        if (node == Self) return;
        _output.Send(node.Address, new Welcome(Self, Latest));
        _output.Publish(State);
    }

    /// <summary>The old incarnation is certainly gone; when it is removed the new one, which asks again, is let in.</summary>
    private void Replace(Member known)
    {
        _output.Log(
            LogLevel.InfoLevel,
            $"New incarnation of existing member [{known}] is trying to join. Existing will be removed from the cluster and then new "
                + "member will be allowed to join.");
        if (known.UniqueAddress == Self) return;
        var changed = Latest.Change(Latest.Reachability.Change(Self, known.UniqueAddress, ReachabilityStatus.Terminated));
        if (known.Status != MemberStatus.Down) changed = changed.Replace([known.Copy(MemberStatus.Down)]);
        if (ReferenceEquals(changed, Latest) || changed.HasSameContentAs(Latest)) return;
        Change(changed);
    }

    private void ReceiveWelcome(Welcome welcome)
    {
        if (!welcome.Gossip.Has(Self)) return;
        if (IsMember)
        {
            // The answer to a second join: from a cluster that had forgotten this node, or from one that had not.
            var isForgotten = State.SelfMember.Status is MemberStatus.Joining or MemberStatus.WeaklyUp
                && welcome.Gossip.Version.IsConcurrentWith(Latest.Version);
            if (!isForgotten) return;
            Set(Latest.ReplaceBy(welcome.Gossip, Self));
        }
        else
        {
            if (_joining != welcome.From.Address) return;
            _joining = null;
            _seeding = null;
            _output.Log(LogLevel.InfoLevel, $"Welcome from [{welcome.From.Address}]");
            Set(welcome.Gossip.SeenBy(Self));
        }
        foreach (var member in Latest.Members) _output.ForgetHeartbeats(member.Address);
        _output.Publish(State);
        SendGossip(welcome.From);
    }
}
