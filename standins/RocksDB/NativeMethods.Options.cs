using System.Runtime.InteropServices;

namespace RocksDbSharp;

/// <summary>Making, filling and destroying option objects.</summary>
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Library)] public static partial IntPtr rocksdb_options_create();
    [LibraryImport(Library)] public static partial void rocksdb_options_destroy(IntPtr options);
    [LibraryImport(Library)] public static partial void rocksdb_options_increase_parallelism(IntPtr options, int threads);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_compression_per_level(IntPtr options, int* levels, nuint count);
    [LibraryImport(Library)] public static partial void rocksdb_options_enable_statistics(IntPtr options);
    [LibraryImport(Library)] public static partial IntPtr rocksdb_options_statistics_get_string(IntPtr options);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void rocksdb_options_set_wal_dir(IntPtr options, string folder);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void rocksdb_options_set_db_log_dir(IntPtr options, string folder);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_create_if_missing(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_create_missing_column_families(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_error_if_exists(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_paranoid_checks(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_block_based_table_factory(IntPtr options, IntPtr value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_write_buffer_size(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_write_buffer_number(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_min_write_buffer_number_to_merge(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_background_compactions(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_background_flushes(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_open_files(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_total_wal_size(IntPtr options, ulong value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_db_write_buffer_size(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_target_file_size_base(IntPtr options, ulong value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_bytes_for_level_base(IntPtr options, ulong value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_bytes_for_level_multiplier(IntPtr options, double value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_level0_file_num_compaction_trigger(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_level0_slowdown_writes_trigger(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_level0_stop_writes_trigger(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_compression(IntPtr options, int value);
    [LibraryImport(Library)]
    public static partial void rocksdb_options_set_level_compaction_dynamic_level_bytes(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_num_levels(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_bytes_per_sync(IntPtr options, ulong value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_keep_log_file_num(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_log_file_size(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_info_log_level(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_wal_recovery_mode(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_recycle_log_file_num(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_use_direct_reads(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_max_manifest_file_size(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_stats_dump_period_sec(IntPtr options, uint value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_memtable_prefix_bloom_size_ratio(IntPtr options, double value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_disable_auto_compactions(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_skip_stats_update_on_db_open(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_options_set_compaction_style(IntPtr options, int value);
    [LibraryImport(Library)]
    public static partial void rocksdb_options_set_soft_pending_compaction_bytes_limit(IntPtr options, nuint value);
    [LibraryImport(Library)]
    public static partial void rocksdb_options_set_hard_pending_compaction_bytes_limit(IntPtr options, nuint value);

    [LibraryImport(Library)] public static partial IntPtr rocksdb_block_based_options_create();
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_destroy(IntPtr options);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_filter_policy(IntPtr options, IntPtr policy);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_block_cache(IntPtr options, IntPtr cache);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_block_size(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_block_size_deviation(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_block_restart_interval(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_no_block_cache(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_whole_key_filtering(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_format_version(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_block_based_options_set_index_type(IntPtr options, int value);
    [LibraryImport(Library)]
    public static partial void rocksdb_block_based_options_set_cache_index_and_filter_blocks(IntPtr options, byte value);
    [LibraryImport(Library)]
    public static partial void rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(IntPtr options, byte value);

    [LibraryImport(Library)] public static partial IntPtr rocksdb_filterpolicy_create_bloom(double bitsPerKey);
    [LibraryImport(Library)] public static partial IntPtr rocksdb_filterpolicy_create_bloom_full(double bitsPerKey);
    [LibraryImport(Library)] public static partial void rocksdb_filterpolicy_destroy(IntPtr policy);

    [LibraryImport(Library)] public static partial IntPtr rocksdb_cache_create_lru(nuint capacity);
    [LibraryImport(Library)] public static partial void rocksdb_cache_destroy(IntPtr cache);
    [LibraryImport(Library)] public static partial void rocksdb_cache_set_capacity(IntPtr cache, nuint capacity);
    [LibraryImport(Library)] public static partial nuint rocksdb_cache_get_usage(IntPtr cache);
    [LibraryImport(Library)] public static partial nuint rocksdb_cache_get_pinned_usage(IntPtr cache);

    [LibraryImport(Library)] public static partial IntPtr rocksdb_readoptions_create();
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_destroy(IntPtr options);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_snapshot(IntPtr options, IntPtr snapshot);
    [LibraryImport(Library)]
    public static partial void rocksdb_readoptions_set_iterate_upper_bound(IntPtr options, byte* key, nuint length);
    [LibraryImport(Library)]
    public static partial void rocksdb_readoptions_set_iterate_lower_bound(IntPtr options, byte* key, nuint length);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_verify_checksums(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_fill_cache(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_read_tier(IntPtr options, int value);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_tailing(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_readahead_size(IntPtr options, nuint value);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_pin_data(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_total_order_seek(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_readoptions_set_prefix_same_as_start(IntPtr options, byte value);
    [LibraryImport(Library)]
    public static partial void rocksdb_readoptions_set_background_purge_on_iterator_cleanup(IntPtr options, byte value);

    [LibraryImport(Library)] public static partial IntPtr rocksdb_writeoptions_create();
    [LibraryImport(Library)] public static partial void rocksdb_writeoptions_destroy(IntPtr options);
    [LibraryImport(Library)] public static partial void rocksdb_writeoptions_set_sync(IntPtr options, byte value);
    [LibraryImport(Library)] public static partial void rocksdb_writeoptions_disable_WAL(IntPtr options, int disable);

    [LibraryImport(Library)] public static partial IntPtr rocksdb_flushoptions_create();
    [LibraryImport(Library)] public static partial void rocksdb_flushoptions_destroy(IntPtr options);
    [LibraryImport(Library)] public static partial void rocksdb_flushoptions_set_wait(IntPtr options, byte value);
}
