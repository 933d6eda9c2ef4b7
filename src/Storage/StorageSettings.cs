using Akka.Configuration;

namespace TiKvActors.Storage;

/// <summary>What reference.conf holds under <c>tikv.storage</c>, read once. Units and consequences stand there.</summary>
public sealed record StorageSettings
{
    public required long BlockCacheBytes { get; init; }

    public required EngineSettings Data { get; init; }

    public required EngineSettings Raft { get; init; }

    public required TimeSpan JournalWriteTimeout { get; init; }

    public required TimeSpan DataWriteTimeout { get; init; }

    public required int ReplayChunkEvents { get; init; }

    public required int SnapshotChunkBytes { get; init; }

    public required TimeSpan CloseTimeout { get; init; }

    /// <summary>reference.conf alone.</summary>
    public static StorageSettings Default { get; } = From(StorageHocon.Reference());

    /// <param name="config">A system's configuration; what it does not set comes from reference.conf.</param>
    /// <exception cref="ArgumentException">A value is out of its range; the message names the key and the value.</exception>
    public static StorageSettings From(Config config)
    {
        var storage = config.WithFallback(StorageHocon.Reference()).GetConfig("tikv.storage");
        return new StorageSettings
        {
            BlockCacheBytes = Bytes(storage, "block-cache-size", 1 << 20),
            Data = Engine(storage.GetConfig("data"), "data"),
            Raft = Engine(storage.GetConfig("raft"), "raft"),
            JournalWriteTimeout = Positive(storage, "journal.write-timeout"),
            DataWriteTimeout = Positive(storage, "data.write-timeout"),
            ReplayChunkEvents = Count(storage, "journal.replay-chunk-events"),
            SnapshotChunkBytes = checked((int)Bytes(storage, "snapshot-chunk-size", 1 << 10)),
            CloseTimeout = Positive(storage, "close-timeout"),
        };
    }

    private static EngineSettings Engine(Config engine, string name) => new()
    {
        WriteBufferBytes = Bytes(engine, "write-buffer-size", 64 << 10),
        MaxWriteBuffers = Count(engine, "max-write-buffers"),
        MaxWalBytes = Bytes(engine, "max-wal-size", 1 << 20),
        MaxBackgroundCompactions = Count(engine, "max-background-compactions"),
        MaxBackgroundFlushes = Count(engine, "max-background-flushes"),
        MaxOpenFiles = FileCount(engine, name),
        BloomBitsPerKey = Count(engine, "bloom-bits-per-key"),
    };

    private static long Bytes(Config config, string key, long least) =>
        config.GetByteSize(key) is { } bytes && bytes >= least
            ? bytes : throw Invalid(key, config.GetString(key), $"at least {least} bytes");

    private static int FileCount(Config engine, string name)
    {
        var files = engine.GetInt("max-open-files");
        return files is -1 or > 0 ? files : throw Invalid($"{name}.max-open-files", files, "-1 or positive");
    }

    private static int Count(Config config, string key)
    {
        var count = config.GetInt(key);
        return count > 0 ? count : throw Invalid(key, count, "positive");
    }

    private static TimeSpan Positive(Config config, string key)
    {
        var time = config.GetTimeSpan(key);
        return time > TimeSpan.Zero ? time : throw Invalid(key, time, "positive");
    }

    private static ArgumentException Invalid(string key, object value, string allowed) =>
        new($"tikv.storage: {key} = {value} is not allowed, it must be {allowed}");
}

/// <summary>How one RocksDB instance is tuned.</summary>
public sealed record EngineSettings
{
    public required long WriteBufferBytes { get; init; }

    public required int MaxWriteBuffers { get; init; }

    public required long MaxWalBytes { get; init; }

    public required int MaxBackgroundCompactions { get; init; }

    public required int MaxBackgroundFlushes { get; init; }

    public required int MaxOpenFiles { get; init; }

    public required int BloomBitsPerKey { get; init; }
}
