using System.Security.Cryptography;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
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
///   Loading ──► Admitting (every other listed member records this directory's token) ──► Serving
///      └──────────────────── (the directory holds a configuration) ────────────────────────┘
/// </code>
/// </summary>
internal sealed class MetaGroup : PeerSupervisor
{
    private sealed record Loaded(MetaMembership Membership, RegionLocalState? State, PeerStart? Start);

    private sealed record Recorded(IActorRef Sender, MetaHelloResponse Response);

    private sealed record Founded(PeerStart? Start);

    private sealed class SayHello
    {
        public static readonly SayHello Instance = new();
    }

    private readonly IReadOnlyList<MetaMember> _members;
    private readonly ulong _self;
    private MetaAdmission _admission = null!;

    public MetaGroup(TikvSettings settings, NodeState node, ulong self) : base(settings, node, NodePaths.MetaDoor)
    {
        _members = settings.Meta.Members;
        _self = self;
    }

    /// <param name="self">The member's id.</param>
    public static Props Props(TikvSettings settings, NodeState node, ulong self) =>
        Akka.Actor.Props.Create(() => new MetaGroup(settings, node, self)).WithDispatcher("tikv.dispatchers.region");

    protected override void PreStart()
    {
        base.PreStart();
        OpenServices(clusterId: 0, _self, APIVersion.V2, new StoreCounters(), ActorRefs.Nobody);
        var (engines, self) = (_node.Engines, _self);
        _slowWorker.Tell(new SlowWorker.Run("reading the state of the meta group's member", () => Load(engines, self)));
    }

    private static Loaded Load(StoreEngines engines, ulong self)
    {
        if (engines.MetaMembership is not { } membership)
        {
            membership = new MetaMembership { MemberId = self, Token = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(16)) };
            engines.SetMetaMembership(membership);
        }

        var state = engines.Data.ReadRegionState(MetaRegion.Id);
        return new Loaded(membership, state, state is null ? null : PeerStates.StartOf(engines.Data, self, state));
    }

    protected override void OnReceive(object message) => Loading(message);

    private void Loading(object message)
    {
        switch (message)
        {
            case Loaded loaded:
                _admission = new MetaAdmission(_self, _members, loaded.Membership);
                if (loaded.State is null)
                    Admit();
                else
                    Serve(loaded.Start);
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException(failed.What, failed.Cause);
            default:
                Refuse(message);
                break;
        }
    }

    /// <summary>Members ask again.</summary>
    private void Refuse(object message)
    {
        if (message is MetaRequest request)
            Sender.Tell(new MetaResponse { Id = request.Id, Error = RegionErrors.RegionNotInitialized(MetaRegion.Id) });
        else if (message is not (MetaHello or MetaHelloResponse or StoreRaftBatch or SnapshotChunkRequest or RegionPeer.GetStatus))
            Unhandled(message);
    }

    // ---- Admitting

    private void Admit()
    {
        Become(Admitting);
        Timers.StartPeriodicTimer("hello", SayHello.Instance, TimeSpan.Zero, _settings.Store.PdRetryInterval);
    }

    private void Admitting(object message)
    {
        switch (message)
        {
            case SayHello:
                foreach (var (to, hello) in _admission.Hellos())
                    Context.ActorSelection(NodePaths.Door(Context.System, to.Address, NodePaths.MetaDoor)).Tell(hello, Self);
                FoundIfComplete();
                break;
            case MetaHelloResponse response:
                if (_admission.Receive(response) is { } why && IsNewRefusal(why))
                    _log.MetaMemberRefused(_self, why);
                FoundIfComplete();
                break;
            case Founded founded:
                Serve(founded.Start);
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException(failed.What, failed.Cause);
            default:
                if (!OnHello(message))
                    Refuse(message);
                break;
        }
    }

    private void FoundIfComplete()
    {
        if (!_admission.IsComplete || !Timers.IsTimerActive("hello"))
            return;
        Timers.Cancel("hello");
        var (engine, region) = (_node.Engines.Data, MetaAdmission.FirstConfiguration(_members));
        var self = region.Peers.First(p => p.Id == _self);
        _slowWorker.Tell(new SlowWorker.Run(
            "writing the meta group's first configuration", () => new Founded(PeerStates.WriteFirst(engine, region, self))));
    }

    private bool OnHello(object message)
    {
        switch (message)
        {
            case MetaHello hello:
                var response = _admission.Receive(hello);
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
                return true;
            case Recorded recorded:
                recorded.Sender.Tell(recorded.Response);
                return true;
            default:
                return message is MetaHelloResponse or SayHello;
        }
    }

    // ---- Serving

    /// <param name="start">Null for a member that was removed.</param>
    private void Serve(PeerStart? start)
    {
        Become(Serving);
        foreach (var member in _members.Where(m => m.Id != _self))
        {
            _services.Addresses[member.Id] = member.Address;
            LinkTo(member.Id);
        }

        _peers.Load(new StoreStates(start is null ? [] : [start], new Dictionary<ulong, Region>()));
        StartTicks();
    }

    private void Serving(object message)
    {
        switch (message)
        {
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
                if (!OnPeerMessage(message) && !OnHello(message))
                    Unhandled(message);
                break;
        }
    }

    private void OnRequest(MetaRequest request)
    {
        if (_services.Router.Find(MetaRegion.Id) is not { } peer)
        {
            Sender.Tell(new MetaResponse { Id = request.Id, Error = RegionErrors.RegionNotFound(MetaRegion.Id) });
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
            MetaRequest.KindOneofCase.Command => new MetaWrite(request.Id, context, deadline, request.Command, Sender, Self),
            MetaRequest.KindOneofCase.Query => new MetaRead(request.Id, context, deadline, request.Query, Sender, Self),
            _ => null,
        };
        if (wanted is not null)
            peer.Tell(new RegionPeer.Submit([wanted]) { DiskFull = _node.Disk.Full });
        else
            Sender.Tell(new MetaResponse { Id = request.Id, Error = RegionErrors.Other("this member does not know such a request") });
    }

    protected override void AskForAddresses()
    {
        // The list is all there is.
    }
}
