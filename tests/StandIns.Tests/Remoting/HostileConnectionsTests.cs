using System.Collections.Concurrent;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using Akka.Remote.Transport;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>What comes in on the port and is no peer, or one that breaks the rules: its connection ends, the others go on.</summary>
public class HostileConnectionsTests
{
    private const string Warns = "akka.loglevel = WARNING\nakka.loggers = []\nakka.log-dead-letters = off\n";

    [Fact]
    public async Task Garbage_halves_and_oversize_end_their_connections_and_no_other_under_load()
    {
        const int Connections = 300;
        var seed = int.Parse(Environment.GetEnvironmentVariable("TKV_SEED") ?? "20");
        await using var a = Node.Start("A", Warns);
        await using var b = Node.Start("B");
        var lost = a.Listen("lost", typeof(DisassociatedEvent));
        var errors = a.Listen("errors", typeof(AssociationErrorEvent));
        var warnings = a.Listen("warnings", typeof(Warning), typeof(Error));
        var inbox = a.Listen("inbox");
        var remote = await b.Find(a, "/user/inbox");
        using var stop = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            var sent = 0;
            while (!stop.IsCancellationRequested)
            {
                remote.Tell(sent++);
                // Never more than this on the way: the load is steady, not a flood.
                while (sent - inbox.Count > 5_000) await Task.Yield();
            }
            return sent;
        });
        var greeted = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Connections), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            if (await Attack(a, new Random(seed * 1_000_000 + i), i)) Interlocked.Increment(ref greeted);
        });
        await stop.CancelAsync();
        var count = await load;
        await inbox.HasCount(count);
        Assert.Equal(Enumerable.Range(0, count), inbox.Got.Cast<int>());
        Assert.DoesNotContain(lost.Got, e => ((DisassociatedEvent)e).RemoteAddress.Equals(b.Address));
        // One error for each that had greeted, and not one for each that had not.
        await errors.HasCount(greeted);
        Assert.Equal(greeted, errors.Count);
        Assert.InRange(warnings.Got.Count(m => m.ToString()!.Contains("Closed a connection from")), 1, 20);
        Assert.DoesNotContain(warnings.Got, m => m is Error);
    }

    /// <summary>One connection with one kind of garbage, until the node has closed it. True if it had greeted.</summary>
    private static async Task<bool> Attack(Node node, Random random, int kind)
    {
        var garbage = new byte[random.Next(16, 4_000)];
        random.NextBytes(garbage);
        if (kind % 2 == 0)
        {
            using var stranger = await RawPeer.ConnectAsync(node);
            var greeting = RawPeer.Greeting(node, RawPeer.OtherAddress());
            switch (kind / 2 % 4)
            {
                case 0:
                    garbage[3] = 0xff;
                    await stranger.TrySendAsync(garbage);
                    await stranger.ClosedAsync();
                    break;
                case 1:
                    greeting[random.Next(5, 12)] ^= 0x10;
                    await stranger.TrySendAsync(greeting);
                    await stranger.ClosedAsync();
                    break;
                case 2:
                    await stranger.TrySendAsync(greeting.AsMemory(0, random.Next(1, greeting.Length)));
                    break;
                default:
                    await stranger.TrySendAsync(greeting.AsMemory(0, random.Next(1, greeting.Length)));
                    stranger.Reset();
                    break;
            }
            return false;
        }
        using var peer = await RawPeer.GreetAsync(node);
        switch (kind / 2 % 3)
        {
            case 0:
                garbage[3] |= 0x80;
                break;
            case 1:
                garbage = Broken(random, RawPeer.Text(node, "/user/nobody", "hello"));
                break;
            default:
                garbage = [11, 0, 0, 0, (byte)FrameKind.Ack, .. Enumerable.Repeat((byte)0xff, 10)];
                break;
        }
        await peer.TrySendAsync(garbage);
        await peer.ClosedAsync();
        return true;
    }

    /// <summary>A message whose header says what cannot be: its length, its kind, or a name that was never defined.</summary>
    private static byte[] Broken(Random random, byte[] frame)
    {
        switch (random.Next(3))
        {
            case 0:
                frame[6] = 0x7f;
                break;
            case 1:
                frame[4] = (byte)random.Next(9, 256);
                break;
            default:
                frame[7] = 4;
                break;
        }
        return frame;
    }

    [Fact]
    public async Task Thousands_that_never_finish_their_greeting_keep_nobody_out()
    {
        const int Connections = 2_000;
        await using var a = Node.Start("A", "akka.remote.handshake-timeout = 10m");
        var strangers = new ConcurrentBag<RawPeer>();
        try
        {
            var inbox = a.Listen("inbox");
            await Parallel.ForEachAsync(Enumerable.Range(0, Connections), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) =>
            {
                var stranger = await RawPeer.ConnectAsync(a);
                strangers.Add(stranger);
                await stranger.TrySendAsync(new byte[] { 60, 0, 0 });
            });
            await using var b = Node.Start("B");
            (await b.Find(a, "/user/inbox")).Tell("hello");
            await inbox.Has("hello");
            Assert.InRange(RemotingOf(a).HandshakeCount, 1, 512);
        }
        finally
        {
            foreach (var stranger in strangers) stranger.Dispose();
        }
    }

    [Fact]
    public async Task A_peer_that_stops_in_the_middle_of_a_frame_is_given_up()
    {
        await using var a = Node.Start("A", "akka.remote.transport-failure-detector { heartbeat-interval = 100ms, acceptable-heartbeat-pause = 1s }");
        var errors = a.Listen("errors", typeof(AssociationErrorEvent));
        using var peer = await RawPeer.GreetAsync(a);
        await peer.SendAsync(RawPeer.Text(a, "/user/nobody", new string('x', 50_000)).AsMemory(0, 30_000));
        await peer.ClosedAsync();
        await errors.Has(m => ((AssociationErrorEvent)m).Cause.Message.Contains("nothing was heard"), "the reason");
    }

    [Fact]
    public async Task A_message_that_comes_byte_by_byte_arrives()
    {
        await using var a = Node.Start("A");
        var inbox = a.Listen("inbox");
        using var peer = await RawPeer.GreetAsync(a);
        var frame = RawPeer.Text(a, "/user/inbox", "slowly");
        for (var i = 0; i < frame.Length; i++) await peer.SendAsync(frame.AsMemory(i, 1));
        await inbox.Has("slowly");
    }

    [Fact]
    public async Task Large_messages_in_pieces_of_any_size_arrive_whole()
    {
        await using var a = Node.Start("A", "akka.remote.dot-netty.tcp.maximum-frame-size = 8MiB");
        var inbox = a.Listen("inbox");
        using var peer = await RawPeer.GreetAsync(a);
        var random = new Random(3);
        var texts = new[] { 30_000, 1 << 20, 5_000_000 }.Select(n => string.Create(n, random, (to, r) =>
        {
            for (var i = 0; i < to.Length; i++) to[i] = (char)('a' + r.Next(26));
        })).ToList();
        foreach (var text in texts)
        {
            var frame = RawPeer.Text(a, "/user/inbox", text).AsMemory();
            while (!frame.IsEmpty)
            {
                var piece = Math.Min(frame.Length, random.Next(1, 200_000));
                await peer.SendAsync(frame[..piece]);
                frame = frame[piece..];
            }
        }
        await inbox.HasCount(texts.Count);
        Assert.Equal(texts, inbox.Got);
    }

    [Fact]
    public async Task A_frame_that_is_only_announced_costs_no_memory_yet()
    {
        const int Connections = 50;
        await using var a = Node.Start("A", "akka.remote.dot-netty.tcp.maximum-frame-size = 32MiB");
        var inbox = a.Listen("inbox");
        var peers = new List<RawPeer>();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        try
        {
            for (var i = 0; i < Connections; i++)
            {
                var peer = await RawPeer.GreetAsync(a);
                peers.Add(peer);
                var frame = RawPeer.Text(a, "/user/nobody", "");
                BitConverter.TryWriteBytes(frame, 30 << 20);
                await peer.SendAsync((byte[])[.. RawPeer.Text(a, "/user/inbox", "before it"), .. frame]);
            }
            await inbox.HasCount(Connections);
            var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
            Assert.True(grown < 300 << 20, $"{grown >> 20} MiB for {Connections} frames of 30 MiB of which nothing has come");
        }
        finally
        {
            foreach (var peer in peers) peer.Dispose();
        }
    }

    private static Akka.Remote.Remoting RemotingOf(Node node) => (Akka.Remote.Remoting)((RemoteActorRefProvider)node.System.Provider).Transport;

    [Fact]
    public async Task Messages_that_nobody_can_read_are_dropped_one_by_one_and_logged_once()
    {
        await using var a = Node.Start("A", "akka.loglevel = ERROR\nakka.loggers = []");
        var errors = a.Listen("errors", typeof(Error));
        var inbox = a.Listen("inbox");
        using var peer = await RawPeer.GreetAsync(a);
        for (var i = 0; i < 2_000; i++)
        {
            await peer.SendAsync((i % 3) switch
            {
                0 => RawPeer.Message(a, "/user/inbox", 9_999, "X", [1, 2, 3]),
                1 => RawPeer.Message(a, "/user/inbox", 16, "unknown", [1, 2, 3]),
                _ => RawPeer.Message(a, "/user/inbox", 6, "", [0, 0xff, 0xff, 0xff, 0xff, 7])
            });
        }
        await peer.SendAsync(RawPeer.Text(a, "/user/inbox", "still here"));
        await inbox.Has("still here");
        Assert.Equal(1, inbox.Count);
        Assert.InRange(errors.Count, 1, 10);
        Assert.Contains("9999", errors.Got.First().ToString());
    }

    [Fact]
    public async Task A_greeting_that_is_refused_leaves_nothing_behind()
    {
        await using var a = Node.Start("A");
        for (var i = 0; i < 20; i++)
        {
            using var peer = await RawPeer.ConnectAsync(a);
            await peer.SendAsync(RawPeer.Greeting(a, RawPeer.OtherAddress(), new Address("akka.tcp", "A", "localhost", a.Address.Port)));
            Assert.Equal(FrameKind.Refusal, (FrameKind)(await peer.ReadFrameAsync())[0]);
            await peer.ClosedAsync();
        }
        Assert.Equal(0, RemotingOf(a).AssociationCount);
    }

    [Fact]
    public async Task System_messages_for_a_peer_that_never_reads_end_in_quarantine_and_not_in_silence()
    {
        const int Watched = 300;
        await using var a = Node.Start("A", "akka.remote.system-message-buffer-size = 100\nakka.remote.watch-failure-detector.acceptable-heartbeat-pause = 10m");
        var quarantined = a.Listen("quarantined", typeof(QuarantinedEvent));
        var watcher = a.Listen("watcher");
        var origin = RawPeer.OtherAddress();
        using var peer = await RawPeer.GreetAsync(a, origin);
        for (var i = 0; i < Watched; i++) watcher.Ref.Tell(new Watch(a.System.Provider.ResolveActorRef(new RootActorPath(origin) / "user" / ("w" + i))));
        await quarantined.Has(m => m is QuarantinedEvent q && q.Address.Equals(origin), "quarantine");
        await watcher.HasCount(Watched);
        Assert.All(watcher.Got, m => Assert.True(m is Terminated { AddressTerminated: true }));
    }
}
