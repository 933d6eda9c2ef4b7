using RocksDbSharp;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Storage.Snapshots;

/// <summary>
/// Rows of a snapshot on the receiving side, before anything of the region is touched: table files in staging/, one a family, and a file
/// 'complete' once all are durable. Its name says what it is of, so that a restart finds it again. For one thread at a time; writes the
/// disk.
/// </summary>
public sealed class StagedSnapshot : IStagedSnapshot
{
    private const byte RecordVersion = 1;

    private readonly Dictionary<ColumnFamily, SstFileWriter> _writers = [];
    private readonly DataEngine _engine;
    private readonly ulong _regionId;
    private readonly string _folder;
    private ulong _nextChunk;

    private StagedSnapshot(DataEngine engine, ulong regionId, string folder, bool complete)
    {
        _engine = engine;
        _regionId = regionId;
        _folder = folder;
        IsComplete = complete;
    }

    /// <summary>Everything is here and durable.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The chunk to ask for.</summary>
    public ulong NextChunk => _nextChunk;

    /// <summary>Begins anew; what an earlier attempt at any snapshot of this region left behind is deleted.</summary>
    public static StagedSnapshot Begin(DataEngine engine, ulong regionId, ulong index, ulong term)
    {
        foreach (var old in Folders(engine, regionId)) Directory.Delete(old, true);
        var folder = FolderOf(engine, regionId, index, term);
        DurableFile.CreateDirectory(engine.StagingFolder);
        Directory.CreateDirectory(folder);
        engine.FailPoints.Hit(FailPoints.StagingBegun);
        return new StagedSnapshot(engine, regionId, folder, complete: false);
    }

    /// <summary>One that was completed before, by this run or an earlier one; null if there is none.</summary>
    public static StagedSnapshot? Find(DataEngine engine, ulong regionId, ulong index, ulong term)
    {
        var folder = FolderOf(engine, regionId, index, term);
        return File.Exists(CompleteFile(folder)) ? new StagedSnapshot(engine, regionId, folder, complete: true) : null;
    }

    /// <summary>Deletes what is staged for regions other than the given ones: after a restart nothing else refers to it.</summary>
    public static void DeleteAllBut(DataEngine engine, IReadOnlySet<ulong> regionIds)
    {
        if (!Directory.Exists(engine.StagingFolder)) return;
        foreach (var folder in Directory.GetDirectories(engine.StagingFolder))
            if (!ulong.TryParse(Path.GetFileName(folder).Split('-')[0], out var regionId) || !regionIds.Contains(regionId))
                Directory.Delete(folder, true);
    }

    /// <summary>A chunk that was added before is ignored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A chunk is missing before it.</exception>
    /// <exception cref="RocksDbException">Disk error, or keys out of order.</exception>
    public void Add(SnapshotChunk chunk)
    {
        if (chunk.Index < _nextChunk) return;
        if (chunk.Index > _nextChunk || IsComplete)
            throw new ArgumentOutOfRangeException(
                nameof(chunk), chunk.Index, $"chunk {_nextChunk} is next{(IsComplete ? ", and all are here" : "")}");
        if (chunk.Rows.Count > 0)
        {
            var writer = WriterOf(chunk.Family);
            foreach (var row in chunk.Rows) writer.Put(Keys.Data(chunk.Family, row.Key.Span), row.Value.ToByteArray());
        }
        _nextChunk++;
        _engine.FailPoints.Hit(FailPoints.ChunkStaged);
        if (!chunk.Last) return;
        Complete();
        _engine.FailPoints.Hit(FailPoints.SnapshotStaged);
    }

    /// <summary>Closes the files; what is on disk stays. See <see cref="Delete"/>.</summary>
    public void Dispose()
    {
        foreach (var writer in _writers.Values) writer.Dispose();
        _writers.Clear();
    }

    /// <summary>Deletes the rows: they are installed, or no longer wanted.</summary>
    public void Delete()
    {
        Dispose();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, true);
    }

    /// <inheritdoc/>
    public void Ingest()
    {
        foreach (var family in ColumnFamilies.Of(_regionId))
        {
            var file = TableFile(family);
            if (!File.Exists(file)) continue;
            _engine.Ingest(family, file);
            _engine.FailPoints.Hit(FailPoints.FamilyIngested);
        }
    }

    private static string FolderOf(DataEngine engine, ulong regionId, ulong index, ulong term) =>
        Path.Combine(engine.StagingFolder, $"{regionId}-{term}-{index}");

    private static string[] Folders(DataEngine engine, ulong regionId) =>
        Directory.Exists(engine.StagingFolder) ? Directory.GetDirectories(engine.StagingFolder, $"{regionId}-*") : [];

    private static string CompleteFile(string folder) => Path.Combine(folder, "complete");

    private string TableFile(ColumnFamily family) => Path.Combine(_folder, ColumnFamilies.NameOf(family) + ".sst");

    private SstFileWriter WriterOf(ColumnFamily family)
    {
        if (_writers.TryGetValue(family, out var writer)) return writer;
        writer = new SstFileWriter(null, EngineOptions.StagedTable());
        _writers.Add(family, writer);
        writer.Open(TableFile(family));
        return writer;
    }

    private void Complete()
    {
        foreach (var writer in _writers.Values) writer.Finish();
        Dispose();
        DurableFile.SyncDirectory(_folder);
        DurableFile.Write(CompleteFile(_folder), [RecordVersion]);
        DurableFile.SyncDirectory(Path.GetDirectoryName(_folder)!);
        IsComplete = true;
    }
}
