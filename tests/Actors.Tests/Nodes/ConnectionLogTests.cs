using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Tests.Cluster;

namespace TiKvActors.Actors.Tests.Nodes;

public sealed class ConnectionLogTests : IAsyncLifetime
{
    private static readonly Address _here = Address.Parse("akka.tcp://tikv@127.0.0.1:1");
    private static readonly Address _there = Address.Parse("akka.tcp://tikv@127.0.0.1:2");

    private readonly ActorSystem _system = ActorSystem.Create("connections", "akka { stdout-loglevel = OFF, loggers = [] }");
    private readonly NodeLog _log = new();

    public Task InitializeAsync()
    {
        _log.Follow(_system);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => _system.Terminate();

    [Fact]
    public async Task WhoCannotBeReachedIsNamedOnceUntilReachedAgain()
    {
        var connections = _system.ActorOf(ConnectionLog.Props());
        await IsSubscribedAsync(connections);
        for (var i = 0; i < 3; i++)
            Publish(Error(_there, "Connection refused"));
        Publish(Error(Address.Parse("akka.tcp://tikv@127.0.0.1:3"), "No route to host"));
        // What somebody else began to say is his affair.
        Publish(new AssociationErrorEvent(new InvalidOperationException("reset"), _here, _here, inbound: true, LogLevel.WarningLevel));
        Publish(new AssociatedEvent(_here, _there, inbound: false));
        Publish(Error(_there, "Connection reset"));
        await IsSubscribedAsync(connections);
        await Eventually.TrueAsync(() => _log.Lines.Count == 3, () => string.Join('\n', _log.Lines));
        Assert.Equal(
            [
                "TKA306 127.0.0.1:2 cannot be reached: Connection refused", "TKA306 127.0.0.1:3 cannot be reached: No route to host",
                "TKA306 127.0.0.1:2 cannot be reached: Connection reset",
            ],
            _log.Lines.Select(line => line[..line.IndexOf(" [", StringComparison.Ordinal)]));
    }

    private static AssociationErrorEvent Error(Address to, string why) =>
        new(new InvalidOperationException(why), _here, to, inbound: false, LogLevel.WarningLevel);

    private void Publish(RemotingLifecycleEvent e) => _system.EventStream.Publish(e);

    /// <summary>It has begun, and has done what it was told before.</summary>
    private static async Task IsSubscribedAsync(IActorRef connections) =>
        await connections.Ask<ActorIdentity>(new Identify(null), TimeSpan.FromSeconds(20));
}
