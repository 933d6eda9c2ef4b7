using Microsoft.Extensions.Hosting;
using TiKvActors.Actors.Nodes;
using TiKvActors.Client;

namespace TiKvActors.Hosting;

/// <summary>
/// The node of an application (<see cref="TikvServices.AddTiKvActors(Microsoft.Extensions.DependencyInjection.IServiceCollection, TikvNodeOptions)"/>).
/// The application ends if the node does, for example because its cluster was left by an administrator's wish. Thread-safe once started.
/// </summary>
public sealed class TikvService : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(100);

    private readonly TikvNodeOptions _options;
    private readonly IHostApplicationLifetime _lifetime;
    private TikvHost? _host;

    internal TikvService(TikvNodeOptions options, IHostApplicationLifetime lifetime) => (_options, _lifetime) = (options, lifetime);

    /// <exception cref="InvalidOperationException">The application has not started it yet.</exception>
    public TikvHost Host => _host ?? throw new InvalidOperationException("the node has not been started yet");

    /// <returns>When the engines are open; see <see cref="ReadyAsync"/>.</returns>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _host = await TikvHost.StartAsync(_options.ToConfig()).ConfigureAwait(false);
        _ = EndWithNodeAsync(_host);
    }

    /// <summary>Hands over what is led here, leaves the cluster, and ends the node.</summary>
    public Task StopAsync(CancellationToken cancellationToken) =>
        _host is { } host ? Task.WhenAny(host.StopAsync()).WaitAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Waits until the node is a member that is Up, its store is open, and PD answers it.</summary>
    public async Task ReadyAsync(CancellationToken cancellation = default)
    {
        while (!(await NodeReadiness.OfAsync(Host).ConfigureAwait(false)).IsReady)
            await Task.Delay(_pollInterval, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// A client for raw keys with an actor system of its own: it outlives the node's, should that have to start again. The caller disposes it.
    /// </summary>
    /// <inheritdoc cref="RawClient.ConnectAsync(string, RawClientOptions?, CancellationToken)"/>
    public Task<RawClient> ConnectRawAsync(RawClientOptions? options = null, CancellationToken cancellation = default) =>
        RawClient.ConnectAsync(string.Join(',', Tikv.Get(Host.System).Endpoints), options, cancellation);

    public ValueTask DisposeAsync() => _host?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task EndWithNodeAsync(TikvHost host)
    {
        await Task.WhenAny(host.Ended).ConfigureAwait(false);
        _lifetime.StopApplication();
    }
}
