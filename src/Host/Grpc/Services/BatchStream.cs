using System.Threading.Channels;
using Akka.Actor;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Host.Grpc.Services;

/// <summary>
/// One stream of <c>BatchCommands</c>: the actor to which the gateway answers. Thread-safe. The actor lives until everything that it has
/// passed on is answered, also when nobody waits for that any more.
/// </summary>
internal sealed class BatchStream
{
    /// <summary>Requests that are not answered, or whose answer the client has not taken. A client that sends more waits.</summary>
    private const int MaxOpen = 4096;

    private readonly Channel<BatchCommandsResponse> _responses = Channel.CreateUnbounded<BatchCommandsResponse>();
    private readonly SemaphoreSlim _room = new(0);
    private readonly IActorRef _actor;
    private int _open;

    private BatchStream(ActorSystem system, ICanTell kv) => _actor = system.ActorOf(Props.Create(() => new Actor(kv, _responses.Writer)));

    /// <summary>Completes when the stream has ended and everything is answered, or when the actor system has ended.</summary>
    public ChannelReader<BatchCommandsResponse> Responses => _responses.Reader;

    public static BatchStream Start(ActorSystem system, ICanTell kv) => new(system, kv);

    public async Task SubmitAsync(BatchCommandsRequest batch, CancellationToken cancellation)
    {
        while (Volatile.Read(ref _open) >= MaxOpen)
            await _room.WaitAsync(cancellation);
        Interlocked.Add(ref _open, batch.RequestIds.Count);
        _actor.Tell(batch);
    }

    public void Sent(BatchCommandsResponse batch)
    {
        if (Interlocked.Add(ref _open, -batch.RequestIds.Count) < MaxOpen && _room.CurrentCount == 0)
            _room.Release();
    }

    /// <summary>There will be no more requests; what is answered after nobody reads any more is dropped.</summary>
    public void End() => _actor.Tell(Ended.Instance);

    private sealed class Ended
    {
        public static readonly Ended Instance = new();
    }

    private sealed class Actor(ICanTell kv, ChannelWriter<BatchCommandsResponse> responses) : UntypedActor
    {
        private int _unanswered;
        private bool _isEnded;

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case BatchCommandsRequest batch:
                    _unanswered += batch.RequestIds.Count;
                    kv.Tell(batch, Self);
                    break;
                case BatchCommandsResponse batch:
                    _unanswered -= batch.RequestIds.Count;
                    responses.TryWrite(batch);
                    break;
                case Ended:
                    _isEnded = true;
                    break;
                default:
                    Unhandled(message);
                    return;
            }

            if (_isEnded && _unanswered == 0)
                Context.Stop(Self);
        }

        /// <summary>Also when its system ends.</summary>
        protected override void PostStop() => responses.TryComplete();
    }
}
