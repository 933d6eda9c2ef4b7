using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// The way from this store's peers to another store: what waits is sent as one message (TiKV's <c>BatchRaftMessage</c> with our header).
/// Loss is normal input for Raft, so nothing is acknowledged or repeated; what waits is bounded, and the oldest goes first.
/// </summary>
internal sealed class StoreLink : UntypedActor
{
    /// <param name="Address">host:port of the store's actor protocol.</param>
    public sealed record AddressKnown(string Address);

    /// <summary>The other store should hear from this one, even if no peer has anything to say.</summary>
    public sealed class SignOfLife
    {
        public static readonly SignOfLife Instance = new();
    }

    private sealed class Flush
    {
        public static readonly Flush Instance = new();
    }

    private readonly Queue<RaftMessage> _waiting = new();
    private readonly StoreHeader _header;
    private readonly string _door;
    private readonly LinkSettings _settings;
    private readonly StoreQueues _queues;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private string? _address;
    private ActorSelection? _store;
    private bool _flushing;
    private long _dropped;

    public StoreLink(StoreHeader header, string door, LinkSettings settings, StoreQueues queues)
    {
        _queues = queues;
        _header = header;
        _door = door;
        _settings = settings;
    }

    /// <param name="queues">Every message entered <see cref="StoreQueues.Linking"/> before it came here.</param>
    public static Props Props(StoreHeader header, string door, LinkSettings settings, StoreQueues queues) =>
        Akka.Actor.Props.Create(() => new StoreLink(header, door, settings, queues));

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RaftMessage raft:
                Enqueue(raft);
                break;
            case SignOfLife:
                // What waits is one as well.
                if (_waiting.Count == 0)
                    _store?.Tell(new StoreRaftBatch { Header = _header });
                break;
            case Flush:
                _flushing = false;
                Send();
                break;
            case AddressKnown known when known.Address != _address:
                _address = known.Address;
                _store = Context.ActorSelection(NodePaths.Door(Context.System, known.Address, _door));
                Send();
                break;
            case AddressKnown:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Enqueue(RaftMessage message)
    {
        _waiting.Enqueue(message);
        if (_waiting.Count > _settings.MaxWaiting)
        {
            _waiting.Dequeue();
            _queues.Linking.Leave(1);
            if (_dropped++ == 0)
                _log.LinkOverflow(_header.ToStoreId, _dropped);
        }

        if (_flushing || _store is null)
            return;
        // Behind everything that waits in the mailbox: it all leaves in one message.
        _flushing = true;
        Self.Tell(Flush.Instance);
    }

    private void Send()
    {
        if (_store is null)
            return;
        if (_dropped > 1)
            _log.LinkOverflow(_header.ToStoreId, _dropped);
        _dropped = 0;
        while (_waiting.Count > 0)
        {
            var batch = new BatchRaftMessage();
            var bytes = 0;
            while (_waiting.TryPeek(out var next))
            {
                bytes += ApproximateSize(next);
                if (batch.Msgs.Count > 0 && bytes > _settings.BatchBytes)
                    break;
                batch.Msgs.Add(_waiting.Dequeue());
            }

            _queues.Linking.Leave(batch.Msgs.Count);
            _store.Tell(new StoreRaftBatch { Header = _header, Batch = batch });
        }
    }

    private static int ApproximateSize(RaftMessage message)
    {
        var bytes = 128;
        foreach (var entry in message.Message?.Entries ?? [])
            bytes += 32 + entry.Data.Length + entry.Context.Length;
        return bytes;
    }
}
