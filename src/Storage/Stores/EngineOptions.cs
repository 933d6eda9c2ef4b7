using RocksDbSharp;

namespace TiKvActors.Storage.Stores;

/// <summary>RocksDB options of the two engines. What they write must stay readable for librocksdb 7.8 and 8.10 alike.</summary>
internal static class EngineOptions
{
    private const int TableFormatVersion = 5;
    private const int BlockBytes = 16 << 10;

    public static DbOptions Database(EngineSettings settings) => new DbOptions()
        .SetCreateIfMissing()
        .SetCreateMissingColumnFamilies()
        .SetMaxBackgroundCompactions(settings.MaxBackgroundCompactions)
        .SetMaxBackgroundFlushes(settings.MaxBackgroundFlushes)
        .SetMaxOpenFiles(settings.MaxOpenFiles)
        .SetMaxTotalWalSize((ulong)settings.MaxWalBytes)
        .SetBytesPerSync(1 << 20)
        .SetKeepLogFileNum(4)
        .SetMaxLogFileSize(8 << 20)
        // What goes wrong is in our log. A RocksDB that was built with assertions ends the process when it logs again after a log line
        // found the disk full.
        .SetInfoLogLevel(InfoLogLevel.Fatal)
        .SkipStatsUpdateOnOpen(true);

    /// <exception cref="RocksDbException">The disk, or damage that RocksDB sees.</exception>
    /// <exception cref="CorruptionException">Damage that it does not see.</exception>
    public static RocksDb Open(DbOptions options, string path, RocksDbSharp.ColumnFamilies families)
    {
        WriteAheadLog.CheckManifest(path);
        return RocksDb.Open(options, path, families);
    }

    public static ColumnFamilyOptions Family(EngineSettings settings, SharedBlockCache cache)
    {
        var table = new BlockBasedTableOptions()
            .SetBlockCache(cache.Cache)
            .SetFilterPolicy(BloomFilterPolicy.Create(settings.BloomBitsPerKey, false))
            .SetBlockSize(BlockBytes)
            .SetFormatVersion(TableFormatVersion);
        // The upper two levels are rewritten soon, so they are not worth compressing.
        Compression[] levels =
            [Compression.No, Compression.No, Compression.Lz4, Compression.Lz4, Compression.Lz4, Compression.Lz4, Compression.Zstd];
        return new ColumnFamilyOptions()
            .SetBlockBasedTableFactory(table)
            .SetWriteBufferSize((ulong)settings.WriteBufferBytes)
            .SetMaxWriteBufferNumber(settings.MaxWriteBuffers)
            .SetLevelCompactionDynamicLevelBytes(true)
            .SetCompressionPerLevel(levels, (ulong)levels.Length);
    }

    /// <summary>Of table files that are written outside of an engine and then ingested.</summary>
    public static ColumnFamilyOptions StagedTable() => new ColumnFamilyOptions()
        .SetBlockBasedTableFactory(new BlockBasedTableOptions().SetBlockSize(BlockBytes).SetFormatVersion(TableFormatVersion))
        .SetCompression(Compression.Lz4);
}
