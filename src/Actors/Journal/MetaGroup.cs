using System.Security.Cryptography;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;
using NodeState = TiKvActors.Actors.Nodes.NodeState;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// <c>/user/tikv/meta</c>: this node's member of the meta group, and the door to it (docs/adr/0001-meta-group.md).
/// <code>
///   Loading ──► Admitting (every other founder records this directory's token, or the group does) ──► Serving
///      └──────────────────── (the directory was admitted before) ────────────────────────────────────────┘
/// </code>
/// </summary>
internal sealed partial class MetaGroup : PeerSupervisor
{
    private sealed record Loaded(MetaMembership Membership, RegionLocalState? State, PeerStart? Start)
    {
        public bool IsAdmitted => Membership.Added || (Membership.First.Count > 0 && State is not null);
    }

    private sealed record Recorded(IActorRef Sender, MetaHelloResponse Response);

    private sealed record Founded(PeerStart? Start);

    private sealed class Added
    {
        public static readonly Added Instance = new();
    }

    private sealed class SayHello
    {
        public static readonly SayHello Instance = new();
    }

    private readonly IReadOnlyList<MetaMember> _listed;
    private readonly ulong _self;
    private readonly string _address;
    private readonly MetaClient _client = MetaClient.Get(Context.System);
    private MetaAdmission _admission = null!;

    public MetaGroup(TikvSettings settings, NodeState node, ulong self, string address) : base(settings, node, NodePaths.MetaDoor)
    {
        _listed = settings.Meta.Members;
        _self = self;
        _address = address;
    }

    /// <param name="self">The member's id.</param>
    /// <param name="address">host:port of this node.</param>
    public static Props Props(TikvSettings settings, NodeState node, ulong self, string address) =>
        Akka.Actor.Props.Create(() => new MetaGroup(settings, node, self, address)).WithDispatcher("tikv.dispatchers.region");

    /// <summary>PD's lease keeps it busy anyway.</summary>
    protected override PeerConfig PeerConfig => base.PeerConfig with { HibernateAfterTicks = 0 };

    protected override void PreStart()
    {
        base.PreStart();
        OpenServices(clusterId: 0, _self, APIVersion.V2, new StoreCounters(), ActorRefs.Nobody);
        var (engines, self, listed) = (_node.Engines, _self, _listed);
        _slowWorker.Tell(new SlowWorker.Run("reading the state of the meta group's member", () => Load(engines, self, listed)));
    }

    private static Loaded Load(StoreEngines engines, ulong self, IReadOnlyList<MetaMember> listed)
    {
        var state = engines.Data.ReadRegionState(MetaRegion.Id);
        var start = state is null ? null : PeerStates.StartOf(engines.Data, self, state);
        // A node whose member was removed may come back as another one: nothing is left of the old one but its tombstone.
        var isFree = state is { State: PeerState.Tombstone } && start is null;
        if (engines.MetaMembership is not { } membership || (membership.MemberId != self && isFree))
        {
            membership = new MetaMembership { MemberId = self, Token = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(16)) };
            engines.SetMetaMembership(membership);
        }

        if (membership is { First.Count: 0, Added: false } && state is not (null or { State: PeerState.Tombstone }))
        {
            // From a time when the configuration did not change.
            membership.First.Add(state.Region.Peers.Select(
                p => listed.FirstOrDefault(m => m.Id == p.Id) ?? new MetaMember { Id = p.Id }));
            engines.SetMetaMembership(membership);
        }

        return new Loaded(membership, state, start);
    }

    protected override void OnReceive(object message) => Loading(message);

    private void Loading(object message)
    {
        switch (message)
        {
            case Loaded loaded:
                _admission = new MetaAdmission(_self, FirstConfiguration(loaded), loaded.Membership);
                if (loaded.IsAdmitted)
                    Serve(loaded.State, loaded.Start);
                else
                    Admit();
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException(failed.What, failed.Cause);
            default:
                Refuse(message);
                break;
        }
    }

    /// <summary>What is founded stays; only addresses may change.</summary>
    private IReadOnlyList<MetaMember> FirstConfiguration(Loaded loaded) =>
        loaded is { State: not null, Membership.First: { Count: > 0 } first }
            ? [.. first.Select(f => _listed.FirstOrDefault(m => m.Id == f.Id) ?? f)]
            : _listed;

    /// <summary>Members ask again.</summary>
    private void Refuse(object message)
    {
        if (message is HandOver)
            Sender.Tell(new HandedOver(0));
        else if (message is MetaRequest request)
            Reply(request).Send(new MetaResponse { Error = RegionErrors.RegionNotInitialized(MetaRegion.Id) });
        else if (message is not (MetaHello or MetaHelloResponse or StoreRaftBatch or SnapshotChunkRequest or RegionPeer.GetStatus))
            Unhandled(message);
    }

    private MetaReply Reply(MetaRequest request) =>
        new(request.Id, _client.Book is { } book && book.Revision > request.BookRevision ? book : null, Sender, Self);

    // ---- Admitting

    private void Admit()
    {
        Become(Admitting);
        Timers.StartPeriodicTimer("hello", SayHello.Instance, TimeSpan.Zero, _settings.Meta.MemberCheckInterval);
    }

    private void Admitting(object message)
    {
        switch (message)
        {
            case SayHello:
                foreach (var (to, hello) in _admission.Hellos(_address, _client.Members))
                    Context.ActorSelection(NodePaths.Door(Context.System, to.Address, NodePaths.MetaDoor)).Tell(hello, Self);
                FoundIfComplete();
                break;
            case MetaHelloResponse response:
                if (_admission.Receive(response) is { } why && IsNewRefusal(why))
                    LogObstacle(why, response);
                if (_admission.Membership.Added)
                    TakePart();
                else
                    FoundIfComplete();
                break;
            case Founded founded:
                Serve(null, founded.Start);
                break;
            case Added:
                _log.MetaMemberAdded(_self);
                Serve(null, null);
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException(failed.What, failed.Cause);
            default:
                if (!OnHello(message))
                    Refuse(message);
                break;
        }
    }

    private void LogObstacle(string why, MetaHelloResponse response)
    {
        if (response.Refused.Length > 0)
            _log.MetaMemberRefused(_self, why);
        else
            _log.MetaMemberWaits(_self, why);
    }

    private void FoundIfComplete()
    {
        if (!_admission.IsComplete || !Timers.IsTimerActive("hello"))
            return;
        Timers.Cancel("hello");
        var (engines, region) = (_node.Engines, MetaAdmission.FirstConfiguration(_listed));
        var self = region.Peers.First(p => p.Id == _self);
        var membership = _admission.Found();
        _slowWorker.Tell(new SlowWorker.Run("writing the meta group's first configuration", () =>
        {
            engines.SetMetaMembership(membership);
            return new Founded(PeerStates.WriteFirst(engines.Data, region, self));
        }));
    }

    /// <summary>From the next start on, too.</summary>
    private void TakePart()
    {
        if (!Timers.IsTimerActive("hello"))
            return;
        Timers.Cancel("hello");
        var (engines, membership) = (_node.Engines, _admission.Membership);
        _slowWorker.Tell(new SlowWorker.Run("recording that this member was added", () =>
        {
            engines.SetMetaMembership(membership);
            return Added.Instance;
        }));
    }

    private bool OnHello(object message)
    {
        switch (message)
        {
            case MetaHello hello:
                if (_isAdmitted && _admission.WhyStray(hello) is null && !_admission.IsOfFounder(hello))
                    AdmitAdded(hello);
                else
                    AdmitFounder(hello);
                return true;
            case Recorded recorded:
                recorded.Sender.Tell(recorded.Response);
                return true;
            default:
                return message is MetaHelloResponse or SayHello;
        }
    }

    private void AdmitFounder(MetaHello hello)
    {
        var response = _admission.Receive(hello, _client.Book.Table);
        if (response.Refused.Length > 0 && IsNewRefusal(response.Refused))
            _log.MetaMemberRefused(hello.Header?.FromStoreId ?? 0, response.Refused);
        // Behind the write of an earlier hello of the same member, which may be under way.
        var (engines, membership, sender) = (_node.Engines, _admission.Membership, Sender);
        _slowWorker.Tell(new SlowWorker.Run("recording a member of the meta group", () =>
        {
            if (!membership.Equals(engines.MetaMembership))
                engines.SetMetaMembership(membership);
            return new Recorded(sender, response);
        }));
    }

    // ---- Serving

    /// <param name="state">As found at the start.</param>
    /// <param name="start">Null for a member that has no data yet, and for one that was removed.</param>
    private void Serve(RegionLocalState? state, PeerStart? start)
    {
        Become(Serving);
        _isAdmitted = true;
        FollowAddresses();
        var tombstones = state is { State: PeerState.Tombstone } ? new Dictionary<ulong, Region> { [MetaRegion.Id] = state.Region } : [];
        _peers.Load(new StoreStates(start is null ? [] : [start], tombstones));
        StartTicks();
        Timers.StartPeriodicTimer("members", CheckMembers.Instance, TimeSpan.Zero, _settings.Meta.MemberCheckInterval);
    }

    private void Serving(object message)
    {
        switch (message)
        {
            case MetaRequest { Members: { } wanted } request:
                OnMembersRequest(wanted, Reply(request));
                break;
            case MetaRequest request:
                OnRequest(request);
                break;
            case RegionPeer.GetStatus:
                _services.Router.Find(MetaRegion.Id)?.Forward(message);
                break;
            case SlowWorker.Failed failed:
                // Nobody would try it again: the node opens the engines anew.
                throw new PeerFailedException(failed.What, failed.Cause);
            default:
                if (!OnPeerMessage(message) && !OnHello(message) && !OnMembersMessage(message))
                    Unhandled(message);
                break;
        }
    }

    private void OnRequest(MetaRequest request)
    {
        var reply = Reply(request);
        if (_services.Router.Find(MetaRegion.Id) is not { } peer)
        {
            reply.Send(new MetaResponse { Error = NoPeer() });
            return;
        }

        var context = new Context
        {
            RegionId = MetaRegion.Id,
            RegionEpoch = MetaAdmission.Epoch,
            Peer = new MetaPeer { Id = _self, StoreId = _self },
        };
        var deadline = _services.Clock.Now + TimeSpan.FromMilliseconds(Math.Min(request.TimeoutMillis, int.MaxValue));
        // A kind that nobody here knows must not become an entry: every member would stop at it.
        RegionRequest? wanted = request.KindCase switch
        {
            MetaRequest.KindOneofCase.Command when request.Command.KindCase == MetaCommand.KindOneofCase.None => null,
            MetaRequest.KindOneofCase.Query when request.Query.KindCase == MetaQuery.KindOneofCase.None => null,
            MetaRequest.KindOneofCase.Command => new MetaWrite(reply, context, deadline, request.Command),
            MetaRequest.KindOneofCase.Query => new MetaRead(reply, context, deadline, request.Query),
            _ => null,
        };
        if (wanted is not null)
            peer.Tell(new RegionPeer.Submit([wanted]) { DiskFull = _node.Disk.Full });
        else
            reply.Send(new MetaResponse { Error = RegionErrors.Other("this member does not know such a request") });
    }

    private Error NoPeer()
    {
        var error = RegionErrors.RegionNotFound(MetaRegion.Id);
        if (IsRemoved)
            error.Message = $"member {_self} was removed from the meta group";
        return error;
    }

    protected override string Name => $"member {_self} of the meta group";

    protected override void AskForAddresses()
    {
        // They come with the table of members.
    }
}
