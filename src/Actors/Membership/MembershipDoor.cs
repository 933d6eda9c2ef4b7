using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Membership;

/// <summary>
/// <c>/system/tikv-membership</c>: moves messages, time and the state of Akka's cluster between <see cref="ClusterFormation"/>, the meta
/// group and the voters.
/// </summary>
internal sealed class MembershipDoor : UntypedActor, IWithTimers
{
    /// <summary>The meta group's record.</summary>
    public const string Record = "cluster-incarnation";

    /// <summary>The role of members that only use the cluster.</summary>
    private const string ClientRole = "client";

    /// <summary>To whoever asks with <see cref="GetStatus"/>.</summary>
    public sealed record Status(ClusterFormation.Step Step, MemberPhase Phase, ulong Incarnation);

    public sealed class GetStatus
    {
        public static readonly GetStatus Instance = new();
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record RecordRead(ulong Round, MetaRecord? Record);

    private sealed record RecordUnread(ulong Round, Exception Cause);

    private sealed record CommitEnded(ulong Number, ulong Id, bool Committed);

    private sealed record CommitUnknown(Exception Cause);

    private readonly Cluster _cluster;
    private readonly FormationSettings _settings;
    private readonly MetaClient _group;
    private readonly Action<RestartReason> _restart;
    private readonly ClusterFormation _formation;
    private readonly MonotonicClock _clock = new(TimeProvider.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private ClusterEvent.CurrentClusterState? _viewOf;
    private ClusterView _view = ClusterView.None;
    private MemberPhase? _end;
    private bool _leads;

    public MembershipDoor(Cluster cluster, FormationSettings settings, MetaClient group, Action<RestartReason> restart)
    {
        _cluster = cluster;
        _settings = settings;
        _group = group;
        _restart = restart;
        _formation = new ClusterFormation(
            settings, Convert(cluster.SelfUniqueAddress), VotersOf(group.Members), () => (ulong)Random.Shared.NextInt64());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Cluster cluster, FormationSettings settings, MetaClient group, Action<RestartReason> restart) =>
        Akka.Actor.Props.Create(() => new MembershipDoor(cluster, settings, group, restart));

    /// <summary>A member may be about to take another one's place at its address.</summary>
    private static IReadOnlyList<string> VotersOf(IReadOnlyList<MetaMember> members) => [.. members.Select(m => m.Address).Distinct()];

    protected override void PreStart()
    {
        _cluster.Subscribe(Self, typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.UnreachableMember));
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        Timers.StartPeriodicTimer("tick", Tick.Instance, TimeSpan.Zero, _settings.RetryInterval);
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        _cluster.Unsubscribe(Self);
    }

    protected override void OnReceive(object message)
    {
        var now = _clock.Now;
        switch (message)
        {
            case Tick:
                _formation.Voters = VotersOf(_group.Members);
                if (_view.Phase == MemberPhase.Outside)
                    Context.ActorSelection($"/user/tikv/{NodePaths.MetaDoor}").Tell(RegionPeer.GetStatus.Instance, Self);
                _formation.Tick(View(), _leads, now);
                break;
            case RegionPeer.Status status:
                _leads = status.Leader?.Id == status.Self.Id;
                break;
            case RecordRead read:
                _formation.RecordRead(read.Round, read.Record, IncarnationOf(read.Record), View(), now);
                break;
            case RecordUnread unread:
                _log.MetaGroupSilent("read which cluster is the newest", unread.Cause);
                _formation.RecordUnread(unread.Round, now);
                break;
            case CommitEnded ended:
                if (ended.Committed)
                    _log.FoundingCluster(ended.Number, ended.Id);
                _formation.CommitEnded(now);
                break;
            case CommitUnknown unknown:
                _log.MetaGroupSilent("found a cluster", unknown.Cause);
                _formation.CommitEnded(now);
                break;
            case MembershipRequest request:
                if (_formation.Answer(request, View()) is { } answer)
                    Sender.Tell(answer);
                break;
            case MembershipResponse response:
                _formation.Receive(response, View(), _leads, now);
                break;
            case GetStatus:
                Sender.Tell(new Status(_formation.Current, View().Phase, _formation.Incarnation));
                break;
            case ThisActorSystemQuarantinedEvent quarantined:
                _formation.Quarantined(HostAndPort(quarantined.RemoteAddress), View());
                break;
            case ClusterEvent.MemberRemoved removed:
                if (removed.Member.UniqueAddress == _cluster.SelfUniqueAddress)
                {
                    // That it was Down may not have been seen before it was removed.
                    _end = removed.PreviousStatus is MemberStatus.Leaving or MemberStatus.Exiting ? MemberPhase.Left : MemberPhase.Downed;
                }

                _formation.Tick(View(), _leads, now);
                break;
            case ClusterEvent.UnreachableMember unreachable:
                RemoveIfClient(unreachable.Member);
                break;
            case ClusterEvent.CurrentClusterState state:
                foreach (var member in state.Unreachable)
                    RemoveIfClient(member);
                break;
            default:
                Unhandled(message);
                return;
        }

        foreach (var action in _formation.Actions)
            Perform(action);
        _formation.Actions.Clear();
    }

    /// <summary>
    /// A client that does not answer goes at once, and may come back. Split-brain resolution, a little later, would also remove the node that
    /// suspects it, as indirectly connected, if the client still heard of what happens from another one.
    /// </summary>
    private void RemoveIfClient(Member member)
    {
        if (!IsClient(member) || IsClient(_cluster.SelfMember))
            return;
        _log.ClientRemoved(HostAndPort(member.Address));
        _cluster.Down(member.Address);
    }

    private static bool IsClient(Member member) => member.Roles.SetEquals([ClientRole]);

    private void Perform(FormationAction action)
    {
        switch (action)
        {
            case FormationAction.ReadRecord read:
                _group.ReadRecordAsync(Record).PipeTo(
                    Self, success: record => new RecordRead(read.Round, record), failure: e => new RecordUnread(read.Round, e));
                break;
            case FormationAction.CommitRecord commit:
                var (number, incarnation) = (commit.ExpectedRevision + 1, commit.Incarnation);
                _group.PutRecordAsync(Record, commit.ExpectedRevision, incarnation.ToByteString()).PipeTo(
                    Self, success: done => new CommitEnded(number, incarnation.Id, done), failure: e => new CommitUnknown(e));
                break;
            case FormationAction.Ask ask:
                Context.ActorSelection(NodePaths.Membership(Context.System, ask.Address)).Tell(ask.Request, Self);
                break;
            case FormationAction.Join join:
                Join(join.Address);
                break;
            case FormationAction.Restart restart:
                _log.RestartNeeded(restart.Reason.Why);
                _restart(restart.Reason);
                break;
        }
    }

    private void Join(string address)
    {
        if (address == HostAndPort(_cluster.SelfAddress))
        {
            _log.MakingCluster();
            _cluster.Join(_cluster.SelfAddress);
        }
        else
        {
            _log.JoiningCluster(address);
            _cluster.Join(Address.Parse(NodePaths.Root(Context.System, address)));
        }
    }

    private static ClusterIncarnation? IncarnationOf(MetaRecord? record) =>
        record is null ? null : ClusterIncarnation.Parser.ParseFrom(record.Value);

    private ClusterView View()
    {
        var state = _cluster.State;
        if (ReferenceEquals(state, _viewOf) && _end is null)
            return _view;
        _viewOf = state;
        var members = state.Members.Where(m => m.Status is not (MemberStatus.Down or MemberStatus.Removed)).ToList();
        _view = new ClusterView(
            _end ?? PhaseOf(state.Members.FirstOrDefault(m => m.UniqueAddress == _cluster.SelfUniqueAddress)),
            members.Select(m => Convert(m.UniqueAddress)).ToHashSet(),
            members.Where(IsClient).Select(m => Convert(m.UniqueAddress)).ToHashSet());
        return _view;
    }

    private static MemberPhase PhaseOf(Member? self) => self?.Status switch
    {
        null or MemberStatus.Removed => MemberPhase.Outside,
        MemberStatus.Joining or MemberStatus.WeaklyUp => MemberPhase.Joining,
        MemberStatus.Up => MemberPhase.Up,
        MemberStatus.Down => MemberPhase.Downed,
        _ => MemberPhase.Leaving,
    };

    private static SystemAddress Convert(UniqueAddress node) => new() { Address = HostAndPort(node.Address), Uid = node.Uid };

    private static string HostAndPort(Address address) => $"{address.Host}:{address.Port}";
}
