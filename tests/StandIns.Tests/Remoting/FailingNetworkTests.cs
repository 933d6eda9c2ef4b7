using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Connections that break, systems that restart or fall silent, and strangers on the port.</summary>
public class FailingNetworkTests
{
    private const string QuickRetry = "\nakka.remote.retry-gate-closed-for = 20ms";
    private const string ShowsWatches = "\nakka.actor.debug.lifecycle = on";

    [Fact]
    public async Task A_connection_that_was_cut_is_made_again()
    {
        using var network = new Proxy();
        await using var a = Node.Start("A");
        await using var b = Node.Start("B", network.Settings);
        var inbox = b.Listen("inbox");
        var lost = a.Listen("lost", typeof(DisassociatedEvent));
        var remote = await a.Find(b, "/user/inbox");
        for (var round = 0; round < 3; round++)
        {
            network.Cut();
            await lost.HasCount(round + 1);
            await Node.Eventually(() =>
            {
                remote.Tell("round " + round);
                return inbox.Got.Contains("round " + round);
            }, () => "a message after cut " + round);
        }
    }

    [Fact]
    public async Task A_restarted_system_is_reached_and_is_another_incarnation()
    {
        await using var a = Node.Start("A");
        var b = Node.Start("B");
        var address = b.Address;
        b.Listen("inbox");
        var old = await a.Find(address, "/user/inbox");
        await b.DisposeAsync();
        await using var again = Node.Start("B", port: address.Port!.Value);
        var inbox = again.Listen("inbox");
        var found = await a.Find(address, "/user/inbox");
        Assert.NotEqual(old, found);
        old.Tell("for the old one");
        found.Tell("for the new one");
        await inbox.Has("for the new one");
        Assert.DoesNotContain("for the old one", inbox.Got);
    }

    [Fact]
    public async Task A_watch_survives_cut_connections()
    {
        using var network = new Proxy();
        await using var a = Node.Start("A", "akka.remote.watch-failure-detector.acceptable-heartbeat-pause = 20s");
        await using var b = Node.Start("B", network.Settings + ShowsWatches);
        var watches = b.Listen("watches", typeof(Debug));
        var watched = b.Listen("watched");
        var watcher = a.Listen("watcher");
        var lost = a.Listen("lost", typeof(DisassociatedEvent));
        watcher.Ref.Tell(new Watch(await a.Find(b, "/user/watched")));
        await watches.Has(m => IsWatchOf(m, "/user/watched"), "the watch there");
        network.Refuse();
        await lost.HasCount(1);
        b.System.Stop(watched.Ref);
        Assert.Equal(0, watcher.Count);
        network.Accept();
        await watcher.Has(m => m is Terminated { ExistenceConfirmed: true, AddressTerminated: false }, "Terminated");
    }

    [Fact]
    public async Task Every_end_of_many_watched_actors_is_told_once_over_a_network_that_keeps_breaking()
    {
        const int Actors = 500;
        using var networkOfA = new Proxy();
        using var networkOfB = new Proxy();
        await using var a = Node.Start("A", networkOfA.Settings + "\nakka.remote.watch-failure-detector.acceptable-heartbeat-pause = 30s" + QuickRetry);
        await using var b = Node.Start("B", networkOfB.Settings + QuickRetry);
        var watched = Enumerable.Range(0, Actors).Select(i => b.Listen("watched-" + i).Ref).ToList();
        var watcher = a.Listen("watcher");
        await a.Find(b, "/user/watched-0");
        using var stop = new CancellationTokenSource();
        var breaking = Break(stop.Token, networkOfA, networkOfB);
        foreach (var actor in watched) watcher.Ref.Tell(new Watch(a.System.Provider.ResolveActorRef(actor.Path.ToSerializationFormatWithAddress(b.Address))));
        foreach (var actor in watched)
        {
            b.System.Stop(actor);
            await Task.Delay(1);
        }
        await watcher.HasCount(Actors);
        await stop.CancelAsync();
        await breaking;
        Assert.Equal(Actors, watcher.Got.Cast<Terminated>().Select(t => t.ActorRef.Path.Name).Distinct().Count());
        Assert.Equal(Actors, watcher.Count);
    }

    [Fact]
    public async Task A_breaking_network_loses_messages_and_neither_repeats_nor_reorders_them()
    {
        using var networkOfA = new Proxy();
        using var networkOfB = new Proxy();
        await using var a = Node.Start("A", networkOfA.Settings + QuickRetry);
        await using var b = Node.Start("B", networkOfB.Settings + QuickRetry);
        var (onA, onB) = (a.Listen("inbox"), b.Listen("inbox"));
        var (toA, toB) = (await b.Find(a, "/user/inbox"), await a.Find(b, "/user/inbox"));
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var breaking = Break(stop.Token, networkOfA, networkOfB);
        var sent = 0;
        for (; !breaking.IsCompleted; sent++)
        {
            toA.Tell(sent);
            toB.Tell(sent);
            if (sent % 100 == 0) await Task.Delay(1);
        }
        await Node.Eventually(() =>
        {
            toA.Tell(int.MaxValue);
            toB.Tell(int.MaxValue);
            return onA.Got.Contains(int.MaxValue) && onB.Got.Contains(int.MaxValue);
        }, () => "the last messages");
        foreach (var got in new[] { onA, onB }.Select(i => i.Got.Cast<int>().TakeWhile(n => n != int.MaxValue).ToList()))
        {
            Assert.InRange(got.Count, 100, sent);
            Assert.Equal(got.Order().Distinct(), got);
        }
    }

    private static bool IsWatchOf(object message, string path) => message is Debug d && d.Message.ToString().StartsWith("now watched by") && d.LogSource.Contains(path);

    private static async Task Break(CancellationToken stop, params Proxy[] networks)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (var network in networks) network.Cut();
            await Task.Delay(TimeSpan.FromMilliseconds(60), CancellationToken.None);
        }
    }

    [Fact]
    public async Task The_end_of_a_silent_system_is_noticed_by_its_heartbeats()
    {
        using var network = new Proxy();
        await using var a = Node.Start("A", "akka.remote.log-received-messages = on\nakka.loglevel = DEBUG\nakka.loggers = []");
        await using var b = Node.Start("B", network.Settings + "\nakka.remote.flush-wait-on-shutdown = 100ms");
        b.Listen("watched");
        var watcher = a.Listen("watcher");
        var quarantined = a.Listen("quarantined", typeof(QuarantinedEvent));
        var received = a.Listen("received", typeof(Debug));
        watcher.Ref.Tell(new Watch(await a.Find(b, "/user/watched")));
        await received.Has(m => m is Debug d && d.Message.ToString().Contains("HeartbeatRsp"), "an answer to a heartbeat");
        Assert.Equal(0, watcher.Count);
        network.GoSilent();
        await watcher.Has(m => m is Terminated { ExistenceConfirmed: false, AddressTerminated: true }, "Terminated");
        await quarantined.Has(m => m is QuarantinedEvent q && q.Address.Equals(b.Address) && q.Uid == AddressUidExtension.Uid(b.System), "quarantine");
    }

    [Fact]
    public async Task A_watched_system_that_shuts_down_is_terminated_at_once()
    {
        await using var a = Node.Start("A", "akka.remote.watch-failure-detector.acceptable-heartbeat-pause = 60s");
        var b = Node.Start("B", ShowsWatches);
        var watches = b.Listen("watches", typeof(Debug));
        b.Listen("watched");
        var watcher = a.Listen("watcher");
        watcher.Ref.Tell(new Watch(await a.Find(b, "/user/watched")));
        watcher.Ref.Tell(new Watch(a.System.Provider.ResolveActorRef(new RootActorPath(b.Address) / "system" / "remote-watcher")));
        await watches.Has(m => IsWatchOf(m, "/user/watched"), "the watch there");
        await watches.Has(m => IsWatchOf(m, "/system/remote-watcher"), "the other watch there");
        await b.DisposeAsync();
        await watcher.HasCount(2);
        Assert.All(watcher.Got, m => Assert.IsType<Terminated>(m));
    }

    [Fact]
    public async Task Who_watches_where_nobody_ever_answers_is_told()
    {
        await using var a = Node.Start("A", "akka.remote.initial-system-message-delivery-timeout = 500ms\nakka.remote.watch-failure-detector.acceptable-heartbeat-pause = 60s");
        var watcher = a.Listen("watcher");
        watcher.Ref.Tell(new Watch(a.System.Provider.ResolveActorRef($"akka.tcp://Nobody@127.0.0.1:{Proxy.FreePort()}/user/none")));
        await watcher.Has(m => m is Terminated { ExistenceConfirmed: false, AddressTerminated: true }, "Terminated");
    }

    [Fact]
    public async Task Too_many_undelivered_system_messages_are_the_end_of_that_incarnation()
    {
        using var network = new Proxy();
        await using var a = Node.Start("A", "akka.remote.system-message-buffer-size = 10\nakka.remote.watch-failure-detector.acceptable-heartbeat-pause = 60s");
        await using var b = Node.Start("B", network.Settings);
        b.Listen("inbox");
        var watcher = a.Listen("watcher");
        var quarantined = a.Listen("quarantined", typeof(QuarantinedEvent));
        watcher.Ref.Tell(new Watch(await a.Find(b, "/user/inbox")));
        network.Refuse();
        for (var i = 0; i < 20; i++) watcher.Ref.Tell(new Watch(a.System.Provider.ResolveActorRef(new RootActorPath(b.Address) / "user" / ("more-" + i))));
        await quarantined.Has(m => m is QuarantinedEvent q && q.Uid == AddressUidExtension.Uid(b.System), "quarantine");
        await watcher.Has(m => m is Terminated { AddressTerminated: true } t && t.ActorRef.Path.Name == "inbox", "Terminated");
    }

    [Fact]
    public async Task A_reference_without_uid_can_be_watched()
    {
        await using var a = Node.Start("A");
        await using var b = Node.Start("B", ShowsWatches);
        var watches = b.Listen("watches", typeof(Debug));
        var watched = b.Listen("watched");
        var watcher = a.Listen("watcher");
        var unresolved = a.System.Provider.ResolveActorRef(new RootActorPath(b.Address) / "user" / "watched");
        watcher.Ref.Tell(new Watch(unresolved));
        await watches.Has(m => IsWatchOf(m, "/user/watched"), "the watch there");
        b.System.Stop(watched.Ref);
        await watcher.Has(m => m is Terminated { ExistenceConfirmed: true } t && t.ActorRef.Equals(unresolved), "Terminated");
    }

    [Fact]
    public async Task A_quarantined_system_hears_of_it_and_is_not_talked_to_until_it_restarts()
    {
        await using var a = Node.Start("A");
        var b = Node.Start("B");
        var address = b.Address;
        var told = b.Listen("told", typeof(ThisActorSystemQuarantinedEvent));
        var inbox = b.Listen("inbox");
        var onA = a.Listen("inbox");
        var dead = a.Listen("dead", typeof(DeadLetter));
        var remote = await a.Find(address, "/user/inbox");
        var toA = await b.Find(a, "/user/inbox");
        ((RemoteActorRefProvider)a.System.Provider).Quarantine(address, AddressUidExtension.Uid(b.System));
        await told.HasCount(1);
        for (var i = 0; i < 50; i++)
        {
            remote.Tell("to B");
            toA.Tell("to A");
            await Task.Delay(10);
        }
        await dead.Has(m => m is DeadLetter d && Equals(d.Message, "to B") && d.Recipient.Equals(remote), "a dead letter");
        Assert.Equal(0, inbox.Count);
        Assert.Equal(0, onA.Count);
        await b.DisposeAsync();
        await using var again = Node.Start("B", port: address.Port!.Value);
        var newInbox = again.Listen("inbox");
        (await a.Find(address, "/user/inbox")).Tell("to the new B");
        await newInbox.Has("to the new B");
    }

    [Fact]
    public async Task What_cannot_be_sent_is_a_dead_letter_here()
    {
        await using var a = Node.Start("A");
        var dead = a.Listen("dead", typeof(DeadLetter));
        var errors = a.Listen("errors", typeof(AssociationErrorEvent));
        var nowhere = a.System.Provider.ResolveActorRef($"akka.tcp://Nobody@127.0.0.1:{Proxy.FreePort()}/user/none");
        nowhere.Tell("while dialling", dead.Ref);
        await dead.Has(m => m is DeadLetter d && Equals(d.Message, "while dialling") && d.Sender.Equals(dead.Ref) && d.Recipient.Equals(nowhere), "the dead letter");
        await errors.Has(m => m is AssociationErrorEvent e && e.Cause.Message.Contains("cannot be reached"), "the reason");
    }

    [Fact]
    public async Task Another_spelling_of_the_address_is_refused_with_both_spellings()
    {
        await using var a = Node.Start("A");
        await using var b = Node.Start("B");
        b.Listen("inbox");
        var errors = a.Listen("errors", typeof(AssociationErrorEvent));
        var other = $"akka.tcp://B@localhost:{b.Address.Port}";
        a.System.ActorSelection(other + "/user/inbox").Tell("x");
        await errors.Has(m => m is AssociationErrorEvent e && e.Cause.Message.Contains(other) && e.Cause.Message.Contains($"this is {b.Address}"), "an error with both addresses");
    }

    [Fact]
    public async Task A_peer_that_never_reads_costs_a_bounded_amount_of_memory()
    {
        using var network = new Proxy();
        await using var a = Node.Start("A", "akka.loglevel = WARNING\nakka.log-dead-letters = off\nakka.loggers = []");
        await using var b = Node.Start("B", network.Settings);
        b.Listen("inbox");
        var warnings = a.Listen("warnings", typeof(Warning));
        var remote = await a.Find(b, "/user/inbox");
        network.StopReading();
        var message = new string('x', 50_000);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 6_000; i++) remote.Tell(message);
        await warnings.Has(m => m is Warning w && w.Message.ToString().Contains("is dropped (dead letters)"), "a warning");
        var dropped = warnings.Got.Count(m => m is Warning w && w.Message.ToString().Contains("is dropped (dead letters)"));
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.InRange(dropped, 1, 3);
        Assert.True(grown < 150 << 20, $"{grown >> 20} MiB for 300 MB that were sent");
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("\u0005\0\0\0\u0004abcd")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0")]
    public async Task Strangers_are_shown_the_door(string greeting)
    {
        await using var a = Node.Start("A", "akka.loglevel = WARNING\nakka.loggers = []");
        var warnings = a.Listen("warnings", typeof(Warning));
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(IPAddress.Loopback, a.Address.Port!.Value);
        await stranger.GetStream().WriteAsync(System.Text.Encoding.Latin1.GetBytes(greeting));
        Assert.Equal(0, await ReadUntilClosed(stranger));
        await warnings.Has(m => m is Warning w && w.Message.ToString().Contains("Closed a connection from"), "a warning");
        Assert.Single(warnings.Got);
        await StillServes(a);
    }

    [Fact]
    public async Task Who_says_nothing_is_not_waited_for()
    {
        await using var a = Node.Start("A", "akka.remote.handshake-timeout = 300ms");
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, a.Address.Port!.Value);
        await silent.GetStream().WriteAsync(new byte[] { 60, 0 });
        Assert.Equal(0, await ReadUntilClosed(silent));
        await StillServes(a);
    }

    [Fact]
    public async Task Garbage_after_the_greeting_ends_that_connection_only()
    {
        await using var a = Node.Start("A");
        var errors = a.Listen("errors", typeof(AssociationErrorEvent));
        foreach (var garbage in new[] { new byte[] { 255, 255, 255, 127, 4 }, [3, 0, 0, 0, 99, 0, 0], [4, 0, 0, 0, 4, 9, 9, 9], [5, 0, 0, 0, 4, 2, 0, 2, 0] })
        {
            using var peer = new TcpClient();
            await peer.ConnectAsync(IPAddress.Loopback, a.Address.Port!.Value);
            using var hello = new Akka.Remote.Transport.WireWriter(256);
            Akka.Remote.Transport.Frames.Hello(hello, new(new Address("akka.tcp", "P", "127.0.0.1", 1), garbage.Length, a.Address, 1, 0, 128_000));
            await peer.GetStream().WriteAsync(hello.Written);
            await peer.GetStream().WriteAsync(garbage);
            await ReadUntilClosed(peer);
        }
        await errors.HasCount(4);
        Assert.All(errors.Got, e => Assert.Contains("broke the protocol", ((AssociationErrorEvent)e).Cause.Message));
        await StillServes(a);
    }

    private static async Task<int> ReadUntilClosed(TcpClient client)
    {
        var total = 0;
        var buffer = new byte[1024];
        try
        {
            while (await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(10)) is var read and > 0) total += read;
        }
        catch (IOException)
        {
            // Reset rather than closed; either is the door.
        }
        return total;
    }

    private static async Task StillServes(Node node)
    {
        await using var other = Node.Start("Other");
        var inbox = node.Listen("still-there");
        (await other.Find(node, "/user/still-there")).Tell("hello");
        await inbox.Has("hello");
    }
}
