using Akka.Actor;
using Akka.Event;
using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Raw;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Answers reads from a snapshot that a peer took when it had found them linearizable. Two pools of readers on two dispatchers: a get
/// never waits behind a scan.
/// </summary>
internal sealed class Reader : UntypedActor
{
    /// <param name="Snapshot">Released once for this message.</param>
    public sealed record Read(SharedSnapshot Snapshot, IReadOnlyList<ReadTask> Tasks, IActorRef Peer);

    /// <param name="Snapshot">Released once for this message.</param>
    public sealed record ReadForSwap(SharedSnapshot Snapshot, CompareAndSwapRequest Request, IActorRef Peer);

    /// <summary>To the peer.</summary>
    /// <param name="Current">The live value; null if there is none.</param>
    /// <param name="Failure">Not null: it could not be read.</param>
    public sealed record SwapRead(CompareAndSwapRequest Request, ByteString? Current, Exception? Failure);

    /// <summary>To the peer: what it has stored cannot be read. It must stop.</summary>
    public sealed record Failed(Exception Cause);

    private readonly MonotonicClock _clock;
    private readonly APIVersion _apiVersion;
    private readonly StoreQueues _queues;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public Reader(MonotonicClock clock, APIVersion apiVersion, StoreQueues queues)
    {
        _queues = queues;
        _clock = clock;
        _apiVersion = apiVersion;
    }

    /// <param name="queues">Every read and swap entered <see cref="StoreQueues.Reading"/> before it came here.</param>
    public static Props Props(MonotonicClock clock, APIVersion apiVersion, StoreQueues queues) =>
        Akka.Actor.Props.Create(() => new Reader(clock, apiVersion, queues));

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Read read:
                foreach (var task in read.Tasks)
                {
                    if (Execute(task, read.Snapshot.Data, _clock, _log) is { } failed)
                        read.Peer.Tell(failed);
                }

                read.Snapshot.Release();
                _queues.Reading.Leave(read.Tasks.Count);
                break;
            case ReadForSwap swap:
                swap.Peer.Tell(Execute(swap.Request, swap.Snapshot.Data, _clock, _apiVersion, _log));
                swap.Snapshot.Release();
                _queues.Reading.Leave(1);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <summary>Any thread.</summary>
    /// <returns>For the peer; null if the disk is not to blame.</returns>
    public static Failed? Execute(ReadTask task, IDataSnapshot snapshot, MonotonicClock clock, ILoggingAdapter log)
    {
        if (task.Request.Deadline <= clock.Now)
        {
            task.Request.Fail(RegionErrors.DeadlineExceeded());
            return null;
        }

        try
        {
            task.Request.Execute(snapshot, task.Region, clock);
            return null;
        }
        catch (Exception e)
        {
            log.ReadFailed(task.Region.Id, task.Request.GetType().Name, e);
            task.Request.FailRead($"region {task.Region.Id} could not be read: {e.Message}");
            return DiskErrors.Is(e) ? new Failed(e) : null;
        }
    }

    /// <summary>Any thread.</summary>
    public static SwapRead Execute(
        CompareAndSwapRequest request, IDataSnapshot snapshot, MonotonicClock clock, APIVersion mode, ILoggingAdapter log)
    {
        try
        {
            var stored = snapshot.Get(request.Family, request.Key.Span);
            if (stored is null)
                return new SwapRead(request, null, null);
            var value = RawValue.Decode(mode, request.Key.Span, stored);
            return new SwapRead(request, value.IsExpired(clock.UnixSeconds) ? null : ByteString.CopyFrom(value.UserValue), null);
        }
        catch (Exception e)
        {
            log.ReadFailed(request.Context.RegionId, request.GetType().Name, e);
            return new SwapRead(request, null, e);
        }
    }
}

/// <summary>The readers of a store, to be used by all its peers. Thread-safe.</summary>
internal sealed class ReaderPool(IReadOnlyList<IActorRef> pointReaders, IReadOnlyList<IActorRef> scanReaders)
{
    // Each its own: with a common one, gets and scans that alternate would always meet the same reader.
    private uint _nextPoint;
    private uint _nextScan;

    public IActorRef ForPoint() => pointReaders[(int)(Interlocked.Increment(ref _nextPoint) % (uint)pointReaders.Count)];

    public IActorRef ForScan() => scanReaders[(int)(Interlocked.Increment(ref _nextScan) % (uint)scanReaders.Count)];
}
