using TiKvActors.Client.Calls;
using TiKvActors.Client.Regions;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Client.Cluster;

/// <summary>What every kind of client is made of, once PD has told the cluster's identity.</summary>
internal sealed class ClusterConnection : IAsyncDisposable
{
    private ClusterConnection(ITransport transport, ClientEnvironment environment, RawKeySpace keys, PdClient pd)
    {
        (Transport, Environment, Keys, Pd) = (transport, environment, keys, pd);
        Router = new RegionRouter(keys, pd, transport, environment);
        Timestamps = new TimestampClient(pd, environment);
    }

    public ITransport Transport { get; }

    public ClientEnvironment Environment { get; }

    public RawKeySpace Keys { get; }

    public PdClient Pd { get; }

    public RegionRouter Router { get; }

    public TimestampClient Timestamps { get; }

    /// <exception cref="ConnectionFailedException">No endpoint answered in time.</exception>
    public static async Task<ClusterConnection> OpenAsync(
        IReadOnlyList<Endpoint> endpoints, Func<ClientSettings, ITransport> start, RawClientOptions options, CancellationToken cancellation)
    {
        var settings = ClientSettings.Read(options.Config);
        settings = settings with
        {
            CallTimeout = options.CallTimeout ?? settings.CallTimeout,
            ConnectTimeout = options.ConnectTimeout ?? settings.ConnectTimeout
        };
        var environment = new ClientEnvironment(options.TimeProvider, options.Random, settings);
        var transport = start(settings);
        try
        {
            var pd = new PdClient(endpoints, transport, environment);
            var call = new Call(new Operation("connecting"), CallKind.Read, settings.ConnectTimeout, environment, cancellation);
            var identity = await pd.ConnectAsync(call).ConfigureAwait(false);
            return new ClusterConnection(transport, environment, new RawKeySpace(identity.ApiVersion, options.Keyspace), pd);
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Call Start(Operation operation, CallKind kind, CancellationToken cancellation) =>
        new(operation, kind, Environment.Settings.CallTimeout, Environment, cancellation);

    public ValueTask DisposeAsync() => Transport.DisposeAsync();
}
