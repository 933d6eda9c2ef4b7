using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// An <see cref="EntryApplier{TPeer}"/> as an actor; a region always uses the same one. What waits in the mailbox becomes one RocksDB
/// batch. Runs on its own dispatcher, because a write may wait for the disk.
/// </summary>
internal sealed class Applier : UntypedActor
{
    /// <summary>
    /// A peer starts, or starts again after an installed snapshot. Everything of an earlier incarnation was unregistered before.
    /// </summary>
    public sealed record Register(IActorRef Peer, RegionApplier Applier);

    /// <summary>Nothing more of the region is applied once <see cref="Unregistered"/> has been answered.</summary>
    public sealed record Unregister(ulong RegionId);

    public sealed record Unregistered(ulong RegionId);

    public sealed record Apply(ulong RegionId, IReadOnlyList<Entry> Entries);

    /// <summary>To the peer: everything up to the index is written.</summary>
    public sealed record Applied(ulong AppliedIndex, IReadOnlyList<ApplyEffect> Effects, ulong WrittenKeys, ulong WrittenBytes);

    /// <summary>To the peer: the batch was not written, or an entry cannot be applied. The peer must stop.</summary>
    public sealed record Failed(Exception Cause);

    private sealed class Flush
    {
        public static readonly Flush Instance = new();
    }

    private readonly EntryApplier<IActorRef> _applier;
    private readonly StoreQueues _queues;

    public Applier(IDataEngine engine, int batchBytes, StoreQueues queues)
    {
        _queues = queues;
        var self = Self;
        _applier = new EntryApplier<IActorRef>(
            engine, batchBytes, (peer, message) => peer.Tell(message, self), () => self.Tell(Flush.Instance), Context.GetLogger());
    }

    /// <param name="queues">All entries entered <see cref="StoreQueues.Applying"/> before they came here.</param>
    public static Props Props(IDataEngine engine, int batchBytes, StoreQueues queues) =>
        Akka.Actor.Props.Create(() => new Applier(engine, batchBytes, queues));

    protected override void PostStop() => _applier.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Apply apply:
                _queues.Applying.Leave(apply.Entries.Count);
                _applier.Apply(apply.RegionId, apply.Entries);
                break;
            case Flush:
                _applier.Write();
                break;
            case Register register:
                _applier.Register(register.Peer, register.Applier);
                break;
            case Unregister unregister:
                _applier.Unregister(unregister.RegionId);
                Sender.Tell(new Unregistered(unregister.RegionId));
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}
