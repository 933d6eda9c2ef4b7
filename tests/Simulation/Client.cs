using TiKvActors.Raft;

namespace TiKvActors.Simulation;

internal enum AnswerKind
{
    Done,

    /// <summary>It has not happened and never will.</summary>
    Failed,
}

/// <param name="Position">Where in the log it took effect.</param>
/// <param name="Value">Read: what was found. Compare-and-swap: 1 if it swapped.</param>
internal readonly record struct Answer(AnswerKind Kind, ulong Position, long Value)
{
    public ulong LeaderHint { get; init; }
}

internal sealed record Operation(long Id, OperationKind Kind, int Register, long Expected, long Value, ReadMode ReadMode)
{
    /// <summary>Where the answer goes; the first argument is when it leaves the node.</summary>
    public required Action<TimeSpan, Answer> Answer { get; init; }

    public override string ToString() => $"operation {Id} ({Kind} of register {Register}, value {Value}, {ReadMode})";
}

/// <summary>
/// One operation after the other, each on the node that it believes to lead; an operation without an answer is given up as unknown.
/// </summary>
internal sealed class Client(Cluster cluster)
{
    private readonly World _world = cluster.World;
    private ulong _target;

    /// <summary>The operation under way; an answer to any other comes too late.</summary>
    private long _current;

    public int Completed { get; private set; }

    public void Start() => _world.After(_world.Between(TimeSpan.Zero, cluster.Settings.ElectionTimeout), Next);

    private void Next()
    {
        if (cluster.ClientsAreDone) return;
        var node = cluster.Node(_target) is { IsUp: true } known && !_world.Chance(0.05) ? known : _world.Pick(cluster.Nodes);
        _target = node.Id;
        var operation = Draw(cluster.Checker.CompletedPosition);
        _current = operation.Id;
        if (_world.IsTracing) _world.Trace($"client asks {node.Id}: {operation}");
        _world.After(cluster.Network.Latency(), () => node.Handle(operation));
        _world.After(_world.Between(cluster.Settings.ElectionTimeout, cluster.Settings.ElectionTimeout * 3), () => GiveUp(operation.Id));
    }

    private Operation Draw(ulong floor)
    {
        var profile = cluster.Profile;
        var kind = _world.Chance(profile.ReadShare) ? OperationKind.Read
            : _world.Chance(0.3) ? OperationKind.CompareAndSwap : OperationKind.Write;
        var id = cluster.NextOperationId();
        Operation? operation = null;
        operation = new Operation(
            id, kind, _world.Random.Next(StateMachine.RegisterCount), cluster.RecentValue(), id,
            _world.Chance(profile.LeaseReadShare) ? ReadMode.Lease : ReadMode.Quorum)
        {
            Answer = (departsIn, answer) => _world.After(departsIn + cluster.Network.Latency(), () => Receive(operation!, floor, answer)),
        };
        return operation;
    }

    private void Receive(Operation operation, ulong floor, Answer answer)
    {
        // An answer that comes after the client has given up is still an answer, and must still be right.
        if (answer.Kind == AnswerKind.Done) cluster.Checker.ObserveCompletion(operation, floor, answer.Position, answer.Value);
        if (_world.IsTracing) _world.Trace($"client: {operation} -> {answer}");
        if (_current != operation.Id) return;
        _current = 0;
        if (answer.Kind == AnswerKind.Done)
        {
            Completed++;
            _world.Coverage.Count("operations completed");
            Think(cluster.ThinkTime);
            return;
        }
        _target = answer.LeaderHint;
        Think(_target == 0 ? 1 : 0.2);
    }

    private void GiveUp(long operationId)
    {
        if (_current != operationId) return;
        _current = 0;
        _target = 0;
        _world.Coverage.Count("operations unknown");
        Think(cluster.ThinkTime);
    }

    private void Think(double electionTimeouts) =>
        _world.After(_world.Between(TimeSpan.Zero, cluster.Settings.ElectionTimeout * electionTimeouts), Next);
}
