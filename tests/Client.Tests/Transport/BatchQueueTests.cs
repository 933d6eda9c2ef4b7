using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Tests.Transport;

public class BatchQueueTests
{
    private readonly PendingLimit _pending = new(8);
    private readonly BatchQueue _queue;
    private ulong _lastId;

    public BatchQueueTests() => _queue = new BatchQueue(maxInFlightBatches: 2, maxBatchRequests: 3, maxBatchBytes: 100, _pending);

    [Fact]
    public void Takes_what_waits_up_to_the_largest_batch()
    {
        for (var i = 0; i < 4; i++)
            Enqueue();
        Assert.Equal([1, 2, 3], Ids(Take()));
        Assert.Equal([4], Ids(Take()));
        Assert.Null(Take());
    }

    [Fact]
    public void While_enough_batches_are_unanswered_requests_wait()
    {
        for (var i = 0; i < 8; i++)
            Enqueue();
        Take();
        Take();
        Assert.Null(Take());
        _queue.Settle(1);
        _queue.Settle(2);
        Assert.Null(Take());
        _queue.Settle(3);
        Assert.Equal([7, 8], Ids(Take()));
        Assert.Null(_queue.Settle(3));
    }

    [Fact]
    public void A_batch_is_bounded_in_bytes_but_takes_a_larger_request_alone()
    {
        Enqueue(60);
        Enqueue(60);
        Enqueue(200);
        Assert.Single(Take()!);
        Assert.Single(Take()!);
        _queue.Settle(1);
        Assert.Equal(200, ((RawPutRequest)Assert.Single(Take()!).Request.Request).Value.Length);
    }

    [Fact]
    public void What_was_given_up_before_it_left_never_leaves()
    {
        var (first, second) = (Enqueue(), Enqueue());
        Assert.False(first.Delivery.MayHaveArrived());
        Assert.Same(second, Assert.Single(Take()!).Request);
        Assert.True(second.Delivery.MayHaveArrived());
        Assert.Null(Take());
        Assert.Equal(1, _queue.Count);
    }

    [Fact]
    public void What_was_given_up_afterwards_holds_up_nothing()
    {
        for (var i = 0; i < 7; i++)
            Enqueue();
        Take();
        var second = Take()!;
        Assert.Null(Take());
        foreach (var (_, request) in second)
            request.GiveUp(new CancellationToken(true));
        _queue.DropDone();
        Assert.Single(Take()!);
        Assert.Null(_queue.Settle(second[0].Id));
    }

    [Fact]
    public void Emptying_gives_everything_back_and_frees_all_room()
    {
        for (var i = 0; i < 8; i++)
            Enqueue();
        Take();
        Take();
        Assert.Equal(8, _queue.TakeAll().Count);
        Assert.Equal(0, _queue.Count);
        Enqueue();
        Assert.Single(Take()!);
    }

    [Fact]
    public void However_a_request_leaves_its_place_is_free()
    {
        var waiting = Enumerable.Range(0, 8).Select(_ => Enqueue()).ToList();
        Assert.False(_pending.TryEnter());
        var first = Take()!;
        Assert.Equal(8, _pending.Count);
        _queue.Settle(first[0].Id);         // answered
        Assert.Equal(7, _pending.Count);
        first[1].Request.GiveUp(new CancellationToken(true));
        _queue.DropDone();
        Assert.Equal(6, _pending.Count);
        Assert.False(waiting[3].Delivery.MayHaveArrived());     // given up while it waited
        Take();
        Assert.Equal(5, _pending.Count);
        _queue.TakeAll();
        Assert.Equal(0, _pending.Count);
    }

    private PendingRequest Enqueue(int bytes = 1)
    {
        Assert.True(_pending.TryEnter());
        var put = new RawPutRequest { Value = ByteString.CopyFrom(new byte[bytes]) };
        var pending = new PendingRequest(put, new Delivery(), ActorRefs.Nobody);
        _queue.Enqueue(pending);
        return pending;
    }

    private List<(ulong Id, PendingRequest Request)>? Take() => _queue.TryTake(() => ++_lastId);

    private static IEnumerable<int> Ids(List<(ulong Id, PendingRequest Request)>? batch) => batch!.Select(e => (int)e.Id);
}
