namespace RocksDbSharp;

public enum Compression
{
    No = 0,
    Snappy = 1,
    Zlib = 2,
    Bz2 = 3,
    Lz4 = 4,
    Lz4hc = 5,
    Xpress = 6,
    Zstd = 7,
}

public enum Compaction
{
    Level = 0,
    Universal = 1,
    Fifo = 2,
}

public enum Recovery
{
    TolerateCorruptedTailRecords = 0,
    AbsoluteConsistency = 1,
    PointInTime = 2,
    SkipAnyCorruptedRecords = 3,
}

public enum InfoLogLevel
{
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
    Fatal = 4,
    Header = 5,
}

public enum BlockBasedTableIndexType
{
    Binary = 0,
    Hash = 1,
    TwoLevelIndex = 2,
}
