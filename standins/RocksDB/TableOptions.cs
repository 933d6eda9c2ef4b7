namespace RocksDbSharp;

/// <summary>Settings of the block-based table format. RocksDB copies them into the options that they are set on.</summary>
public class BlockBasedTableOptions
{
    public BlockBasedTableOptions() => Handle = NativeMethods.rocksdb_block_based_options_create();

    ~BlockBasedTableOptions() => NativeMethods.rocksdb_block_based_options_destroy(Handle);

    public IntPtr Handle { get; protected set; }

    public BlockBasedTableOptions SetBlockSize(ulong blockSize)
    {
        NativeMethods.rocksdb_block_based_options_set_block_size(Handle, (nuint)blockSize);
        return this;
    }

    public BlockBasedTableOptions SetBlockSizeDeviation(int blockSizeDeviation)
    {
        NativeMethods.rocksdb_block_based_options_set_block_size_deviation(Handle, blockSizeDeviation);
        return this;
    }

    public BlockBasedTableOptions SetBlockRestartInterval(int blockRestartInterval)
    {
        NativeMethods.rocksdb_block_based_options_set_block_restart_interval(Handle, blockRestartInterval);
        return this;
    }

    public BlockBasedTableOptions SetFilterPolicy(BloomFilterPolicy filterPolicy)
    {
        NativeMethods.rocksdb_block_based_options_set_filter_policy(Handle, filterPolicy.HandOver());
        return this;
    }

    public BlockBasedTableOptions SetNoBlockCache(bool noBlockCache)
    {
        NativeMethods.rocksdb_block_based_options_set_no_block_cache(Handle, noBlockCache ? (byte)1 : (byte)0);
        return this;
    }

    public BlockBasedTableOptions SetBlockCache(Cache blockCache)
    {
        NativeMethods.rocksdb_block_based_options_set_block_cache(Handle, blockCache.Handle);
        GC.KeepAlive(blockCache);
        return this;
    }

    public BlockBasedTableOptions SetWholeKeyFiltering(bool wholeKeyFiltering)
    {
        NativeMethods.rocksdb_block_based_options_set_whole_key_filtering(Handle, wholeKeyFiltering ? (byte)1 : (byte)0);
        return this;
    }

    public BlockBasedTableOptions SetFormatVersion(int formatVersion)
    {
        NativeMethods.rocksdb_block_based_options_set_format_version(Handle, formatVersion);
        return this;
    }

    public BlockBasedTableOptions SetIndexType(BlockBasedTableIndexType indexType)
    {
        NativeMethods.rocksdb_block_based_options_set_index_type(Handle, (int)indexType);
        return this;
    }

    public BlockBasedTableOptions SetCacheIndexAndFilterBlocks(bool cacheIndexAndFilterBlocks)
    {
        NativeMethods.rocksdb_block_based_options_set_cache_index_and_filter_blocks(Handle, cacheIndexAndFilterBlocks ? (byte)1 : (byte)0);
        return this;
    }

    public BlockBasedTableOptions SetPinL0FilterAndIndexBlocksInCache(bool pinL0FilterAndIndexBlocksInCache)
    {
        NativeMethods.rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(
            Handle, pinL0FilterAndIndexBlocksInCache ? (byte)1 : (byte)0);
        return this;
    }
}

/// <summary>
/// A filter for one <see cref="BlockBasedTableOptions"/>: RocksDB takes ownership of it there, so a second use (a double free in the native
/// library) is refused.
/// </summary>
public class BloomFilterPolicy
{
    private bool _handedOver;

    private BloomFilterPolicy(IntPtr handle) => Handle = handle;

    ~BloomFilterPolicy()
    {
        if (!_handedOver) NativeMethods.rocksdb_filterpolicy_destroy(Handle);
    }

    public IntPtr Handle { get; protected set; }

    public static BloomFilterPolicy Create(int bits_per_key = 10, bool use_block_based_builder = true) => new(use_block_based_builder
        ? NativeMethods.rocksdb_filterpolicy_create_bloom(bits_per_key)
        : NativeMethods.rocksdb_filterpolicy_create_bloom_full(bits_per_key));

    internal IntPtr HandOver()
    {
        if (_handedOver)
            throw new InvalidOperationException("This filter policy already belongs to other table options; create one for each.");
        _handedOver = true;
        return Handle;
    }
}

/// <summary>A block cache; a reference-counted native object, so databases that use it may outlive this wrapper.</summary>
public class Cache
{
    private Cache(IntPtr handle) => Handle = handle;

    ~Cache() => NativeMethods.rocksdb_cache_destroy(Handle);

    public IntPtr Handle { get; protected set; }

    public static Cache CreateLru(ulong capacity) => new(NativeMethods.rocksdb_cache_create_lru((nuint)capacity));

    public Cache SetCapacity(ulong capacity)
    {
        NativeMethods.rocksdb_cache_set_capacity(Handle, (nuint)capacity);
        return this;
    }

    public ulong GetUsage() => NativeMethods.rocksdb_cache_get_usage(Handle);

    public ulong GetPinnedUsage() => NativeMethods.rocksdb_cache_get_pinned_usage(Handle);
}
