namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>
/// The first of some nodes that comes to a fail point dies there: its directory is copied as it is, and everything of the node that passes
/// any fail point from then on fails. So nothing more is written, sent, read or answered, and <see cref="RestartAsync"/> goes on with the
/// copy.
/// </summary>
internal sealed class Crash
{
    private readonly TaskCompletionSource<TestNode> _happened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly string _point;
    private readonly IReadOnlyList<TestNode> _nodes;
    private volatile TestNode? _dead;

    private Crash(string point, IReadOnlyList<TestNode> nodes)
    {
        _point = point;
        _nodes = nodes;
        foreach (var node in nodes)
        {
            node.Started = () => node.Tikv.FailPoints.SetAny(name => Hit(node, name));
            if (node.IsRunning)
                node.Started();
        }
    }

    public bool HasHappened => _happened.Task.IsCompleted;

    /// <summary>Also at later starts of these nodes.</summary>
    public static Crash At(string point, params IReadOnlyList<TestNode> nodes) => new(point, nodes);

    public Task HappensAsync() => Eventually.TrueAsync(() => HasHappened, $"a node has come to {_point}");

    /// <summary>The dead node starts from what its disk held at the crash.</summary>
    /// <param name="nextCrash">Where it dies again.</param>
    public async Task<Crash?> RestartAsync(string? nextCrash = null)
    {
        var node = await _happened.Task;
        await node.BecomeImageAsync();
        Disarm();
        var next = nextCrash is null ? null : At(nextCrash, node);
        node.Start();
        return next;
    }

    public void Disarm()
    {
        foreach (var node in _nodes)
        {
            node.Started = null;
            if (node.IsRunning)
                node.Tikv.FailPoints.SetAny(_ => { });
        }
    }

    private void Hit(TestNode node, string name)
    {
        if (_dead is { } dead ? dead != node : name != _point)
            return;
        // Who comes while the image is taken waits.
        lock (_gate)
        {
            if (_dead is null)
                Die(node);
            if (_dead != node)
                return;
        }

        throw new CrashedException($"node {node.Number} is dead since {_point}");
    }

    private void Die(TestNode node)
    {
        _dead = node;
        try
        {
            node.TakeImage();
            _happened.SetResult(node);
        }
        catch (Exception e)
        {
            _happened.SetException(e);
        }
    }

    private sealed class CrashedException(string message) : Exception(message);
}
