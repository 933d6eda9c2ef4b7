using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Storage.Stores;

/// <summary>What a directory must be to be opened; null for whatever it is. A new directory is nobody's yet and fits any.</summary>
public sealed record ExpectedIdentity(ulong? ClusterId = null, ulong? StoreId = null, APIVersion? ApiVersion = null);

/// <summary>How to open a store's engines.</summary>
public sealed record StoreEnginesOptions
{
    public StorageSettings Settings { get; init; } = StorageSettings.Default;

    /// <summary>The process's; null makes one for this store alone.</summary>
    public SharedBlockCache? BlockCache { get; init; }

    public ExpectedIdentity Expected { get; init; } = new();

    public FailPoints FailPoints { get; init; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
