using System.Runtime.InteropServices;

namespace RocksDbSharp;

/// <summary>
/// Settings of a database or of a column family; both are one native type, which is why both have all setters. An object may be used for
/// several databases, RocksDB copies it on opening.
/// </summary>
public abstract unsafe class Options<T> : OptionsHandle where T : Options<T>
{
    protected Options()
    {
    }

    private T Self => (T)this;

    public T SetBlockBasedTableFactory(BlockBasedTableOptions table_options)
    {
        NativeMethods.rocksdb_options_set_block_based_table_factory(Handle, table_options.Handle);
        GC.KeepAlive(table_options);
        return Self;
    }

    public T IncreaseParallelism(int totalThreads)
    {
        NativeMethods.rocksdb_options_increase_parallelism(Handle, totalThreads);
        return Self;
    }

    public T SetCompressionPerLevel(Compression[] levelValues, ulong numLevels)
    {
        if (numLevels > (ulong)levelValues.Length)
            throw new ArgumentOutOfRangeException(nameof(numLevels), numLevels, $"only {levelValues.Length} values are given");
        fixed (Compression* levels = levelValues) NativeMethods.rocksdb_options_set_compression_per_level(
            Handle, (int*)levels, (nuint)numLevels);
        return Self;
    }

    public T SetWalDir(string value)
    {
        NativeMethods.rocksdb_options_set_wal_dir(Handle, value);
        return Self;
    }

    public T SetDbLogDir(string value)
    {
        NativeMethods.rocksdb_options_set_db_log_dir(Handle, value);
        return Self;
    }

    public T EnableStatistics()
    {
        NativeMethods.rocksdb_options_enable_statistics(Handle);
        return Self;
    }

    /// <summary>The counters of the databases opened with this object, or null without <see cref="EnableStatistics"/>.</summary>
    public string GetStatisticsString()
    {
        var text = NativeMethods.rocksdb_options_statistics_get_string(Handle);
        if (text == IntPtr.Zero) return null;
        var statistics = Marshal.PtrToStringUTF8(text);
        NativeMethods.rocksdb_free(text);
        return statistics;
    }

    public T SkipStatsUpdateOnOpen(bool val = false)
    {
        NativeMethods.rocksdb_options_set_skip_stats_update_on_db_open(Handle, val ? (byte)1 : (byte)0);
        return Self;
    }

    public T SetCreateIfMissing(bool value = true)
    {
        NativeMethods.rocksdb_options_set_create_if_missing(Handle, value ? (byte)1 : (byte)0);
        return Self;
    }

    public T SetCreateMissingColumnFamilies(bool value = true)
    {
        NativeMethods.rocksdb_options_set_create_missing_column_families(Handle, value ? (byte)1 : (byte)0);
        return Self;
    }

    public T SetErrorIfExists(bool value = true)
    {
        NativeMethods.rocksdb_options_set_error_if_exists(Handle, value ? (byte)1 : (byte)0);
        return Self;
    }

    public T SetParanoidChecks(bool value = true)
    {
        NativeMethods.rocksdb_options_set_paranoid_checks(Handle, value ? (byte)1 : (byte)0);
        return Self;
    }

    public T SetWriteBufferSize(ulong value)
    {
        NativeMethods.rocksdb_options_set_write_buffer_size(Handle, (nuint)value);
        return Self;
    }

    public T SetMaxWriteBufferNumber(int value)
    {
        NativeMethods.rocksdb_options_set_max_write_buffer_number(Handle, value);
        return Self;
    }

    public T SetMinWriteBufferNumberToMerge(int value)
    {
        NativeMethods.rocksdb_options_set_min_write_buffer_number_to_merge(Handle, value);
        return Self;
    }

    public T SetMaxBackgroundCompactions(int value)
    {
        NativeMethods.rocksdb_options_set_max_background_compactions(Handle, value);
        return Self;
    }

    public T SetMaxBackgroundFlushes(int value)
    {
        NativeMethods.rocksdb_options_set_max_background_flushes(Handle, value);
        return Self;
    }

    public T SetMaxOpenFiles(int value)
    {
        NativeMethods.rocksdb_options_set_max_open_files(Handle, value);
        return Self;
    }

    public T SetMaxTotalWalSize(ulong n)
    {
        NativeMethods.rocksdb_options_set_max_total_wal_size(Handle, n);
        return Self;
    }

    public T SetDbWriteBufferSize(ulong size)
    {
        NativeMethods.rocksdb_options_set_db_write_buffer_size(Handle, (nuint)size);
        return Self;
    }

    public T SetTargetFileSizeBase(ulong value)
    {
        NativeMethods.rocksdb_options_set_target_file_size_base(Handle, value);
        return Self;
    }

    public T SetMaxBytesForLevelBase(ulong value)
    {
        NativeMethods.rocksdb_options_set_max_bytes_for_level_base(Handle, value);
        return Self;
    }

    public T SetMaxBytesForLevelMultiplier(double value)
    {
        NativeMethods.rocksdb_options_set_max_bytes_for_level_multiplier(Handle, value);
        return Self;
    }

    public T SetLevel0FileNumCompactionTrigger(int value)
    {
        NativeMethods.rocksdb_options_set_level0_file_num_compaction_trigger(Handle, value);
        return Self;
    }

    public T SetLevel0SlowdownWritesTrigger(int value)
    {
        NativeMethods.rocksdb_options_set_level0_slowdown_writes_trigger(Handle, value);
        return Self;
    }

    public T SetLevel0StopWritesTrigger(int value)
    {
        NativeMethods.rocksdb_options_set_level0_stop_writes_trigger(Handle, value);
        return Self;
    }

    public T SetCompression(Compression value)
    {
        NativeMethods.rocksdb_options_set_compression(Handle, (int)value);
        return Self;
    }

    public T SetCompactionStyle(Compaction value)
    {
        NativeMethods.rocksdb_options_set_compaction_style(Handle, (int)value);
        return Self;
    }

    public T SetLevelCompactionDynamicLevelBytes(bool value)
    {
        NativeMethods.rocksdb_options_set_level_compaction_dynamic_level_bytes(Handle, value ? (byte)1 : (byte)0);
        return Self;
    }

    public T SetNumLevels(int value)
    {
        NativeMethods.rocksdb_options_set_num_levels(Handle, value);
        return Self;
    }

    public T SetDisableAutoCompactions(int value)
    {
        NativeMethods.rocksdb_options_set_disable_auto_compactions(Handle, value);
        return Self;
    }

    public T SetSoftPendingCompactionBytesLimit(ulong value)
    {
        NativeMethods.rocksdb_options_set_soft_pending_compaction_bytes_limit(Handle, (nuint)value);
        return Self;
    }

    public T SetHardPendingCompactionBytesLimit(ulong value)
    {
        NativeMethods.rocksdb_options_set_hard_pending_compaction_bytes_limit(Handle, (nuint)value);
        return Self;
    }

    public T SetMemtablePrefixBloomSizeRatio(double ratio)
    {
        NativeMethods.rocksdb_options_set_memtable_prefix_bloom_size_ratio(Handle, ratio);
        return Self;
    }

    public T SetBytesPerSync(ulong value)
    {
        NativeMethods.rocksdb_options_set_bytes_per_sync(Handle, value);
        return Self;
    }

    public T SetKeepLogFileNum(ulong value)
    {
        NativeMethods.rocksdb_options_set_keep_log_file_num(Handle, (nuint)value);
        return Self;
    }

    public T SetMaxLogFileSize(ulong value)
    {
        NativeMethods.rocksdb_options_set_max_log_file_size(Handle, (nuint)value);
        return Self;
    }

    public T SetMaxManifestFileSize(ulong value)
    {
        NativeMethods.rocksdb_options_set_max_manifest_file_size(Handle, (nuint)value);
        return Self;
    }

    public T SetInfoLogLevel(InfoLogLevel value)
    {
        NativeMethods.rocksdb_options_set_info_log_level(Handle, (int)value);
        return Self;
    }

    public T SetWalRecoveryMode(Recovery mode)
    {
        NativeMethods.rocksdb_options_set_wal_recovery_mode(Handle, (int)mode);
        return Self;
    }

    public T SetRecycleLogFileNum(ulong value)
    {
        NativeMethods.rocksdb_options_set_recycle_log_file_num(Handle, (nuint)value);
        return Self;
    }

    public T SetUseDirectReads(bool value)
    {
        NativeMethods.rocksdb_options_set_use_direct_reads(Handle, value ? (byte)1 : (byte)0);
        return Self;
    }

    public T SetStatsDumpPeriodSec(uint value)
    {
        NativeMethods.rocksdb_options_set_stats_dump_period_sec(Handle, value);
        return Self;
    }
}
