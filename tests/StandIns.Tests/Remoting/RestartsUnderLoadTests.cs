using Akka.Actor;
using Akka.Remote;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Systems that all talk to each other and are restarted one after the other, in order or not.</summary>
public class RestartsUnderLoadTests
{
    private const int Systems = 4;

    private readonly int[] _ports = Enumerable.Range(0, Systems).Select(_ => Proxy.FreePort()).ToArray();
    private readonly Node[] _nodes = new Node[Systems];
    private readonly Inbox[] _inboxes = new Inbox[Systems];

    [Fact]
    public async Task Every_pair_finds_together_again_after_every_restart()
    {
        const int Rounds = 12;
        var random = new Random(20_251_121);
        for (var i = 0; i < Systems; i++) Start(i);
        using var stop = new CancellationTokenSource();
        var load = Task.Run(() => Chatter(stop.Token));
        for (var round = 0; round < Rounds; round++)
        {
            var victim = random.Next(Systems);
            var old = _nodes[victim];
            if (random.Next(2) == 0) await old.DisposeAsync();
            else await Crash(old);
            Start(victim);
            await EveryPairMeets("round " + round);
            Assert.False(load.IsFaulted, load.Exception?.ToString());
        }
        await stop.CancelAsync();
        await load;
        foreach (var node in _nodes) await node.DisposeAsync();
    }

    private void Start(int i)
    {
        // Nobody is to read a node whose inbox is not there yet.
        var node = Node.Start("N" + i, "akka.remote.flush-wait-on-shutdown = 500ms", _ports[i]);
        _inboxes[i] = node.Listen("inbox");
        Volatile.Write(ref _nodes[i], node);
    }

    /// <summary>The connections end without a goodbye, as they do when a process is killed.</summary>
    private static async Task Crash(Node node)
    {
        ((Akka.Remote.Remoting)((RemoteActorRefProvider)node.System.Provider).Transport).CutAllConnections();
        await node.DisposeAsync();
    }

    private async Task Chatter(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            ForEachPair((from, to) => Inbox(from, to).Tell("chatter", ActorRefs.NoSender));
            await Task.Delay(2, CancellationToken.None);
        }
    }

    private async Task EveryPairMeets(string text)
    {
        await Node.Eventually(() =>
        {
            ForEachPair((from, to) => Inbox(from, to).Tell($"{text} from {from}", ActorRefs.NoSender));
            return Missing(text).Count == 0;
        }, () => string.Join(", ", Missing(text)));
    }

    private List<string> Missing(string text)
    {
        var missing = new List<string>();
        ForEachPair((from, to) =>
        {
            if (!_inboxes[to].Got.Contains($"{text} from {from}")) missing.Add($"{text}: {from} -> {to}");
        });
        return missing;
    }

    private ICanTell Inbox(int from, int to) => _nodes[from].System.ActorSelection($"akka.tcp://N{to}@127.0.0.1:{_ports[to]}/user/inbox");

    private static void ForEachPair(Action<int, int> action)
    {
        for (var from = 0; from < Systems; from++)
            for (var to = 0; to < Systems; to++)
                if (from != to) action(from, to);
    }
}
