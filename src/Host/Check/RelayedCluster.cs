using TiKvActors.Host.Playground;

namespace TiKvActors.Host.Check;

/// <summary>A cluster of processes that reach each other, and are reached by clients, through relays of this process.</summary>
internal sealed class RelayedCluster : IAsyncDisposable
{
    private readonly IReadOnlyList<StoreRelay> _relays;
    private readonly Func<IReadOnlyDictionary<int, Party>> _clients;

    /// <param name="clients">Client processes by their ids. Any thread.</param>
    public RelayedCluster(string root, int stores, Func<IReadOnlyDictionary<int, Party>> clients, Action<string> messages)
    {
        var options = ProcessCluster.Options(root, stores);
        _clients = clients;
        _relays = [.. Enumerable.Range(1, stores).Select(
            store => new StoreRelay(Network, store, PlaygroundAddress.PortOf(store, options.PortOffset), OwnerOf))];
        Processes = new ProcessCluster(options with { PublicPorts = [.. _relays.Select(r => r.Port)] }, messages);
    }

    public ProcessCluster Processes { get; }

    public Network Network { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await Processes.DisposeAsync();
        foreach (var relay in _relays) await relay.DisposeAsync();
    }

    private Party? OwnerOf(int from, int to)
    {
        if (SocketOwners.Problem is not null) return null;
        var parties = new Dictionary<int, Party>(_clients());
        foreach (var node in Processes.Nodes)
            if (node is { IsRunning: true, ProcessId: { } process }) parties[process] = Party.Store(node.Number);
        return SocketOwners.Find(from, to, parties.Keys) is { } owner ? parties[owner] : null;
    }
}
