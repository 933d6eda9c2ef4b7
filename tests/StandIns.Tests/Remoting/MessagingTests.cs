using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Messages between systems whose network is fine.</summary>
public class MessagingTests
{
    [Fact]
    public async Task A_hundred_thousand_messages_of_several_senders_arrive_in_order()
    {
        const int Senders = 5;
        const int Each = 20_000;
        await using var a = Node.Start("A");
        await using var b = Node.Start("B");
        var inbox = b.Listen("inbox");
        var remote = await a.Find(b, "/user/inbox");
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(s => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++) remote.Tell((long)s << 32 | (uint)i);
        })));
        await inbox.HasCount(Senders * Each);
        var next = new int[Senders];
        foreach (long number in inbox.Got) Assert.Equal(next[number >> 32]++, (int)number);
        Assert.All(next, n => Assert.Equal(Each, n));
    }

    [Fact]
    public async Task A_message_may_fill_its_frame_and_not_more()
    {
        const int Frame = 64_000;
        await using var a = Node.Start("A", $"akka.remote.dot-netty.tcp.maximum-frame-size = {Frame}b\nakka.loglevel = ERROR\nakka.loggers = []");
        await using var b = Node.Start("B");
        var inbox = b.Listen("inbox");
        var errors = a.Listen("errors", typeof(Error));
        var connections = a.Listen("connections", typeof(RemotingLifecycleEvent));
        var remote = await a.Find(b, "/user/inbox");
        var header = Frame - Largest(remote, inbox, Frame);
        Assert.True(
            header is >= 1 and <= 32,
            $"a header of {header} bytes; came: {string.Join(" ", inbox.Got.Cast<string>().Select(m => m.Length))}; "
            + $"{string.Join(", ", connections.Got)}; {errors.Got.Count()} errors: {errors.Got.FirstOrDefault()}");
        await errors.Has(e => e is Error error && error.Message.ToString().Contains("maximum-frame-size"), "an error for the messages that were too large");
    }

    /// <summary>
    /// Sends messages around the limit and returns the length of the longest that arrived. The first message of a kind on a connection names its
    /// recipient and class, later ones use numbers for them, so a short one goes ahead.
    /// </summary>
    private static int Largest(IActorRef remote, Inbox inbox, int frame)
    {
        remote.Tell("first");
        for (var size = frame - 64; size <= frame; size++) remote.Tell(new string('x', size));
        remote.Tell("end");
        inbox.Has("end").GetAwaiter().GetResult();
        return inbox.Got.Cast<string>().Max(m => m.Length);
    }

    [Fact]
    public async Task The_smaller_frame_limit_of_two_systems_counts()
    {
        await using var a = Node.Start("A", "akka.remote.dot-netty.tcp.maximum-frame-size = 200000b");
        await using var b = Node.Start("B", "akka.remote.dot-netty.tcp.maximum-frame-size = 50000b");
        var inbox = b.Listen("inbox");
        var lost = a.Listen("lost", typeof(DisassociatedEvent));
        var remote = await a.Find(b, "/user/inbox");
        remote.Tell(new string('x', 100_000));
        remote.Tell("after");
        await inbox.Has("after");
        Assert.Single(inbox.Got);
        Assert.Equal(0, lost.Count);
    }

    [Fact]
    public async Task Large_messages_keep_their_place_among_small_ones()
    {
        await using var a = Node.Start("A", "akka.remote.dot-netty.tcp.maximum-frame-size = 20000000b");
        await using var b = Node.Start("B", "akka.remote.dot-netty.tcp.maximum-frame-size = 20000000b");
        var inbox = b.Listen("inbox");
        var remote = await a.Find(b, "/user/inbox");
        var sizes = new[] { 1, 16_384, 16_385, 24_000, 24_576, 24_577, 65_536, 65_537, 131_072, 5, 10_000_000, 2, 200_000, 3 };
        foreach (var size in sizes) remote.Tell(new string((char)('a' + size % 26), size));
        await inbox.HasCount(sizes.Length);
        Assert.Equal(sizes.Select(size => new string((char)('a' + size % 26), size)), inbox.Got.Cast<string>());
    }

    [Fact]
    public async Task Asks_in_parallel_are_answered_each_to_its_own()
    {
        await using var a = Node.Start("A");
        await using var b = Node.Start("B");
        b.System.ActorOf(Props.Create(() => new Echo()), "echo");
        var echo = await a.Find(b, "/user/echo");
        var answers = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => echo.Ask<int>(i, TimeSpan.FromSeconds(20))));
        Assert.Equal(Enumerable.Range(0, 2_000), answers);
    }

    [Fact]
    public async Task Both_ends_may_dial_at_once()
    {
        for (var round = 0; round < 10; round++)
        {
            await using var a = Node.Start("A");
            await using var b = Node.Start("B");
            var lost = a.Listen("lost", typeof(DisassociatedEvent));
            var (onA, onB) = (a.Listen("inbox"), b.Listen("inbox"));
            var (toB, toA) = (a.Select(b, "/user/inbox"), b.Select(a, "/user/inbox"));
            await Task.WhenAll(Task.Run(() => toB.Tell("to B")), Task.Run(() => toA.Tell("to A")));
            await onA.Has("to A");
            await onB.Has("to B");
            Assert.Equal(0, lost.Count);
        }
    }

    [Fact]
    public async Task A_selection_with_a_pattern_reaches_all_that_match()
    {
        await using var a = Node.Start("A");
        await using var b = Node.Start("B");
        var inboxes = new[] { "one", "two", "other" }.Select(n => b.Listen("inbox-" + n)).ToList();
        a.Select(b, "/user/inbox-o*").Tell("hello");
        await inboxes[0].Has("hello");
        await inboxes[2].Has("hello");
        Assert.Equal(0, inboxes[1].Count);
    }

    [Fact]
    public async Task What_is_queued_at_shutdown_is_handed_over()
    {
        await using var b = Node.Start("B");
        var inbox = b.Listen("inbox");
        await using (var a = Node.Start("A"))
        {
            var remote = await a.Find(b, "/user/inbox");
            for (var i = 0; i < 20_000; i++) remote.Tell(i);
        }
        await inbox.HasCount(20_000);
        Assert.Equal(Enumerable.Range(0, 20_000), inbox.Got.Cast<int>());
    }

    [Fact]
    public async Task Last_words_are_delivered_even_if_they_are_the_first()
    {
        await using var b = Node.Start("B");
        var inbox = b.Listen("inbox");
        await using (var a = Node.Start("A")) a.Select(b, "/user/inbox").Tell("last words");
        await inbox.Has("last words");
    }

    [Fact]
    public async Task Systems_that_come_and_go_leave_nothing_behind()
    {
        await using var server = Node.Start("Server");
        var inbox = server.Listen("inbox");
        var remoting = (Akka.Remote.Remoting)((RemoteActorRefProvider)server.System.Provider).Transport;
        for (var i = 0; i < 10; i++)
        {
            await using var client = Node.Start("Client");
            (await client.Find(server, "/user/inbox")).Tell("hello");
            await inbox.HasCount(i + 1);
            Assert.InRange(remoting.AssociationCount, 1, i + 1);
        }
        await Node.Eventually(() => remoting.AssociationCount == 0, () => $"{remoting.AssociationCount} associations to be forgotten");
    }

    [Fact]
    public async Task References_in_any_role_cross_the_wire()
    {
        await using var a = Node.Start("A");
        await using var b = Node.Start("B");
        var (onA, onB) = (a.Listen("inbox"), b.Listen("inbox"));
        var remote = await a.Find(b, "/user/inbox");
        // As the message itself; as a message's sender that is no actor of A's.
        remote.Tell(onA.Ref);
        await onB.HasCount(1);
        var back = (IActorRef)onB.Got.Single();
        back.Tell("back", onB.Ref);
        await onA.Has("back");
        remote.Tell("forwarded", remote);
        await onB.Has("forwarded");
    }

    [Fact]
    public void A_port_that_is_taken_is_named()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        var error = Assert.ThrowsAny<Exception>(() => Node.Start("A", port: port));
        while (error.InnerException != null && error is not RemoteTransportException) error = error.InnerException;
        Assert.Contains($"127.0.0.1, port {port}", Assert.IsType<RemoteTransportException>(error).Message);
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(m => Sender.Tell(m));
    }
}
