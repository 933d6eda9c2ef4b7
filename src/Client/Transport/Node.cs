using Akka.Actor;

namespace TiKvActors.Client.Transport;

/// <param name="NothingCarried">Of what was sent since the breakage before this one, nothing arrived.</param>
internal sealed record Breakage(string Reason, bool NothingCarried);

/// <summary>One node's actors as the client sees them. Any thread.</summary>
internal sealed class Node(string hostPort, Address nodeAddress, IActorRef kv, IActorRef pd, IActorRef store)
{
    private readonly Lock _lock = new();
    private CancellationTokenSource _connection = new();
    private Breakage _lastBreakage = new("", false);

    public string HostPort { get; } = hostPort;

    public Address NodeAddress { get; } = nodeAddress;

    public IActorRef Kv { get; } = kv;

    public IActorRef Pd { get; } = pd;

    public IActorRef Store { get; } = store;

    /// <summary>Set once, before the node is shared.</summary>
    public IActorRef Connection { get; set; } = ActorRefs.Nobody;

    /// <summary>Cancelled when the connection breaks; from then on another one.</summary>
    public CancellationToken ConnectionToken
    {
        get { lock (_lock) return _connection.Token; }
    }

    public Breakage LastBreakage
    {
        get { lock (_lock) return _lastBreakage; }
    }

    public void Broken(Breakage breakage)
    {
        CancellationTokenSource broken;
        lock (_lock)
        {
            _lastBreakage = breakage;
            broken = _connection;
            _connection = new CancellationTokenSource();
        }
        broken.Cancel();
        broken.Dispose();
    }
}
