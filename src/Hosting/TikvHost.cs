using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using TiKvActors.Actors.Membership;
using TiKvActors.Actors.Nodes;
using TiKvActors.Storage;

namespace TiKvActors.Hosting;

/// <summary>
/// A node in this process: an actor system, which is started again on the same directory and address when its cluster asks for that. A
/// member that only uses the cluster (role <c>client</c>) has no store. Thread-safe.
/// </summary>
public sealed class TikvHost : IAsyncDisposable
{
    /// <summary>Of our own hosts' actor systems; all nodes of a cluster have one name.</summary>
    public const string SystemName = "tikv";

    private readonly Config _config;
    private readonly Setup[] _setups;
    private readonly string _systemName;
    private readonly CancellationTokenSource _stop = new();
    private volatile ActorSystem _system;
    private bool _handsOver = true;

    private TikvHost(ActorSystem system, string systemName, Config config, Setup[] setups)
    {
        (_system, _systemName, _config, _setups) = (system, systemName, config, setups);
    }

    /// <summary>The present one.</summary>
    public ActorSystem System => _system;

    /// <summary>
    /// Completes when the node has ended: without a failure after <see cref="StopAsync"/>, or because its actor system was ended from within.
    /// </summary>
    /// <exception cref="StorageException">The store's files are damaged, or it was removed from its cluster: it stays closed.</exception>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Told why, before the actor system is started again. Any thread.</summary>
    public event Action<RestartReason>? Restarting;

    /// <summary>Starts the node's actor system.</summary>
    /// <param name="config">Of <see cref="TikvNodeOptions.ToConfig"/>, or an application's own with the reference below it.</param>
    /// <returns>When the engines are open; others may not be there yet, and the node no member.</returns>
    /// <exception cref="StorageException">The data directory cannot be used.</exception>
    /// <exception cref="ArgumentException">A setting is missing or out of its range.</exception>
    public static async Task<TikvHost> StartAsync(Config config, string systemName = SystemName, params Setup[] setups)
    {
        var host = new TikvHost(Create(systemName, config, setups), systemName, config, setups);
        try
        {
            var tikv = Tikv.Get(host._system);
            if (tikv.KeepsData)
                await tikv.Started.ConfigureAwait(false);
        }
        catch
        {
            await host._system.Terminate().ConfigureAwait(false);
            throw;
        }

        host.Ended = host.RunAsync();
        return host;
    }

    /// <summary>In order: what is led here is led elsewhere first, and the cluster is left.</summary>
    /// <param name="handsOver">False when the whole cluster stops: nothing is handed over.</param>
    public Task StopAsync(bool handsOver = true)
    {
        _handsOver = handsOver;
        _stop.Cancel();
        return Ended;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(Ended).ConfigureAwait(false);
    }

    private static ActorSystem Create(string name, Config config, Setup[] setups) =>
        ActorSystem.Create(name, ActorSystemSetup.Create([BootstrapSetup.Create().WithConfig(config), .. setups]));

    private async Task RunAsync()
    {
        while (await EndOfSystemAsync(_system).ConfigureAwait(false) is { } reason)
        {
            Restarting?.Invoke(reason);
            await _system.Terminate().ConfigureAwait(false);
            if (_stop.IsCancellationRequested)
                return;
            _system = Create(_systemName, _config, _setups);
            _ = Tikv.Get(_system);
        }
    }

    /// <returns>Why it has to be started again; null: it has ended for good.</returns>
    private async Task<RestartReason?> EndOfSystemAsync(ActorSystem system)
    {
        var tikv = Tikv.Get(system);
        var restart = tikv.Membership?.RestartNeeded ?? Never<RestartReason>();
        var stop = Task.Delay(Timeout.Infinite, _stop.Token);
        var first = await Task.WhenAny(stop, tikv.Damaged, tikv.Removed, restart, system.WhenTerminated).ConfigureAwait(false);
        if (restart.IsCompletedSuccessfully && first != stop)
            return await restart.ConfigureAwait(false);
        tikv.HandsOver = _handsOver;
        await system.Terminate().ConfigureAwait(false);
        return first is Task<string> verdict ? throw new StorageException(await verdict.ConfigureAwait(false)) : null;
    }

    private static Task<T> Never<T>() => new TaskCompletionSource<T>().Task;
}
