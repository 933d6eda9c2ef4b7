using Akka.Configuration;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Client;

/// <summary>What an application may set when it connects; everything else is in reference.conf under <c>tikv.client</c>.</summary>
public sealed record RawClientOptions
{
    /// <summary>Total for one call, tries and pauses together; null = <c>call-timeout</c>.</summary>
    public TimeSpan? CallTimeout { get; init; }

    /// <summary>Null = <c>connect-timeout</c>.</summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary>Under API V2, whose keys.</summary>
    public KeyspaceId Keyspace { get; init; } = KeyspaceId.Default;

    /// <summary>HOCON that goes before the embedded reference.conf.</summary>
    public Config? Config { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Spreads the pauses between tries.</summary>
    public Random Random { get; init; } = Random.Shared;
}
