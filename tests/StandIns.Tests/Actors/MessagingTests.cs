using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class MessagingTests : ActorScene
{
    [Fact]
    public async Task A_million_messages_of_four_threads_arrive_in_each_ones_order()
    {
        const int Senders = 4, Each = 250_000;
        var next = new int[Senders];
        var (disorder, total) = (0, 0);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sink = Do((m, _) =>
        {
            var (sender, number) = ((int, int))m;
            if (number != next[sender]) disorder++;
            next[sender] = number + 1;
            if (++total == Senders * Each) done.SetResult();
        });
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++) sink.Tell((sender, i), ActorRefs.NoSender);
        })));
        await done.Task.WaitAsync(Patience);
        Assert.Equal(0, disorder);
        Assert.All(next, n => Assert.Equal(Each, n));
    }

    [Fact]
    public async Task A_message_told_while_the_receiver_stops_is_handled_or_a_dead_letter()
    {
        var deadLetters = Published<DeadLetter>();
        for (var round = 0; round < 30; round++)
        {
            const int Senders = 3, Each = 200;
            var handled = 0;
            var target = Do((_, _) => Interlocked.Increment(ref handled));
            var senders = Enumerable.Range(0, Senders).Select(_ => Task.Run(() =>
            {
                for (var i = 0; i < Each; i++) target.Tell(target.Path.Name, ActorRefs.NoSender);
            })).ToList();
            senders.Add(Task.Run(() => System.Stop(target)));
            await Task.WhenAll(senders);
            await Eventually.TrueAsync(
                () => Volatile.Read(ref handled) + deadLetters.Count(d => Equals(d.Message, target.Path.Name)) == Senders * Each,
                "every message to be accounted for");
        }
    }

    [Fact]
    public async Task An_actor_that_never_runs_dry_does_not_keep_others_from_their_turn()
    {
        var busy = new List<IActorRef>();
        var stop = false;
        for (var i = 0; i < 8; i++)
        {
            var actor = Do((m, c) =>
            {
                if (!Volatile.Read(ref stop)) c.Self.Tell(m);
            });
            actor.Tell("on and on");
            busy.Add(actor);
        }
        var echo = Do((m, c) => c.Sender.Tell(m));
        for (var i = 0; i < 20; i++) Assert.Equal(i, await echo.Ask<int>(i, Patience));
        Volatile.Write(ref stop, true);
    }

    [Fact]
    public async Task Replies_to_many_asks_at_once_find_their_askers()
    {
        var echo = Do((m, c) => c.Sender.Tell(m));
        var answers = await Task.WhenAll(Enumerable.Range(0, 5_000).Select(i => echo.Ask<int>(i, Patience)));
        Assert.Equal(Enumerable.Range(0, 5_000), answers);
        Assert.False(((VirtualPathContainer)((ExtendedActorSystem)System).Provider.TempContainer).HasChildren);
    }

    [Fact]
    public async Task The_sender_of_an_ask_is_found_by_its_path_until_the_reply()
    {
        var provider = ((ExtendedActorSystem)System).Provider;
        var asker = new TaskCompletionSource<IActorRef>();
        var target = Do((_, c) => asker.SetResult(c.Sender));
        var answer = target.Ask<string>("question", Patience);
        var path = (await asker.Task).Path.ToSerializationFormat();
        Assert.Equal(await asker.Task, provider.ResolveActorRef(path));
        provider.ResolveActorRef(path).Tell("by path", ActorRefs.NoSender);
        Assert.Equal("by path", await answer);
        Assert.False(((VirtualPathContainer)provider.TempContainer).HasChildren);
    }

    [Fact]
    public async Task An_ask_that_timed_out_leaves_nothing_behind()
    {
        var target = Do((_, c) => GC.KeepAlive(c.Sender.Path));
        var asks = Enumerable.Range(0, 50).Select(_ => target.Ask<string>("silence", TimeSpan.FromMilliseconds(20))).ToList();
        foreach (var ask in asks) await Assert.ThrowsAsync<AskTimeoutException>(() => ask);
        await target.Ask<ActorIdentity>(new Identify(1), Patience);
        Assert.False(((VirtualPathContainer)((ExtendedActorSystem)System).Provider.TempContainer).HasChildren);
    }

    [Fact]
    public async Task Unstashed_messages_keep_their_order_among_a_hundred_thousand()
    {
        const int Messages = 100_000;
        var seen = new ConcurrentQueue<int>();
        var actor = System.ActorOf(Props.Create(() => new Stashing(seen)));
        for (var i = 0; i < Messages; i++) actor.Tell(i, ActorRefs.NoSender);
        actor.Tell("open", ActorRefs.NoSender);
        await Eventually.TrueAsync(() => seen.Count == Messages, "all messages to come back");
        Assert.Equal(Enumerable.Range(0, Messages), seen);
    }

    private sealed class Stashing : ReceiveActor, IWithUnboundedStash
    {
        public Stashing(ConcurrentQueue<int> seen)
        {
            Receive<int>(_ => Stash.Stash());
            Receive<string>(_ =>
            {
                Stash.UnstashAll();
                Become(() => Receive<int>(seen.Enqueue));
            });
        }

        public IStash Stash { get; set; }
    }
}
