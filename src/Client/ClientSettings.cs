using Akka.Configuration;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Client;

/// <summary>The keys of <c>tikv.client</c>, read once; reference.conf says what each does.</summary>
internal sealed record ClientSettings
{
    private const string ReferenceResource = "TiKvActors.Client.reference.conf";

    public required TimeSpan ConnectTimeout { get; init; }

    public required TimeSpan CallTimeout { get; init; }

    public required TimeSpan AttemptTimeout { get; init; }

    public required TimeSpan SlowAttemptTimeout { get; init; }

    public required TimeSpan PdAttemptTimeout { get; init; }

    public required TimeSpan MembersAttemptTimeout { get; init; }

    public required int MaxInFlightBatches { get; init; }

    public required int MaxBatchRequests { get; init; }

    public required int MaxBatchBytes { get; init; }

    public required int MaxParallelShares { get; init; }

    public required int MaxPendingRequests { get; init; }

    public required int ScanPage { get; init; }

    public required uint MaxResponseBytes { get; init; }

    public required int RegionsPerLoad { get; init; }

    public required string NodeSystemName { get; init; }

    /// <summary>The embedded defaults of the client and of the protocol.</summary>
    public static Config Reference { get; } =
        ConfigurationFactory.FromResource(ReferenceResource, typeof(ClientSettings).Assembly)
            .WithFallback(ConfigurationFactory.ParseString(ProtocolHocon.Reference));

    /// <param name="overrides">May be null.</param>
    public static ClientSettings Read(Config? overrides)
    {
        var all = overrides is null ? Reference : overrides.WithFallback(Reference);
        var client = all.GetConfig("tikv.client");
        return new ClientSettings
        {
            ConnectTimeout = client.GetTimeSpan("connect-timeout"),
            CallTimeout = client.GetTimeSpan("call-timeout"),
            AttemptTimeout = client.GetTimeSpan("attempt-timeout"),
            SlowAttemptTimeout = client.GetTimeSpan("slow-attempt-timeout"),
            PdAttemptTimeout = client.GetTimeSpan("pd-attempt-timeout"),
            MembersAttemptTimeout = client.GetTimeSpan("members-attempt-timeout"),
            MaxInFlightBatches = client.GetInt("max-in-flight-batches"),
            MaxBatchRequests = client.GetInt("max-batch-requests"),
            MaxBatchBytes = (int)client.GetByteSize("max-batch-size")!.Value,
            MaxParallelShares = client.GetInt("max-parallel-shares"),
            MaxPendingRequests = client.GetInt("max-pending-requests"),
            ScanPage = client.GetInt("scan-page"),
            MaxResponseBytes = (uint)client.GetByteSize("max-response-size")!.Value,
            RegionsPerLoad = client.GetInt("regions-per-load"),
            NodeSystemName = client.GetString("node-system-name"),
        };
    }
}
