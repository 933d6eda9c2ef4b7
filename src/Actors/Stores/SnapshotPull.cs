using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// One announced snapshot on its way into staging/, chunk after chunk. The pace is this side's: the next chunk is asked for when the last
/// is on disk. Not thread-safe; writes the disk.
/// </summary>
internal sealed class SnapshotPull : IDisposable
{
    private const int MaxSilences = 3;

    private readonly ulong _clusterId;
    private readonly ulong _storeId;
    private readonly RaftMessage _announcement;
    private readonly SnapshotKey _key;
    private readonly IStagedSnapshot _staged;
    private int _silences;

    public SnapshotPull(IDataEngine engine, ulong clusterId, ulong storeId, RaftMessage announcement)
    {
        (_clusterId, _storeId, _announcement) = (clusterId, storeId, announcement);
        var metadata = announcement.Message.Snapshot.Metadata;
        _key = new SnapshotKey
        {
            RegionId = announcement.RegionId,
            ToPeer = announcement.ToPeer,
            Index = metadata.Index,
            Term = metadata.Term
        };
        _staged = engine.BeginStaged(_key.RegionId, _key.Index, _key.Term);
    }

    public ulong RegionId => _key.RegionId;

    public ulong FromStoreId => _announcement.FromPeer.StoreId;

    public bool IsComplete => _staged.IsComplete;

    /// <summary>What an interrupted pull has staged is deleted.</summary>
    public void Dispose()
    {
        if (!_staged.IsComplete)
            _staged.Delete();
        _staged.Dispose();
    }

    public bool IsFor(SnapshotChunkResponse response) => response.Key.Equals(_key);

    /// <summary>What to ask the other store for.</summary>
    public SnapshotChunkRequest NextRequest() =>
        new() { Header = NodePaths.Header(_clusterId, _storeId, FromStoreId), Key = _key, Chunk = _staged.NextChunk };

    /// <summary>Nothing has come for a while.</summary>
    /// <returns>Why the pull is given up; null: ask again.</returns>
    public string? Silence() => ++_silences >= MaxSilences ? $"store {FromStoreId} does not answer" : null;

    /// <param name="isNew">False for an answer that came twice (a repeated request crossed it): ask for nothing.</param>
    /// <returns>
    /// Why the pull is given up; null: ask for the next, unless it is complete. Nothing of the region is touched yet; the leader offers
    /// again.
    /// </returns>
    public string? Add(SnapshotChunkResponse response, out bool isNew)
    {
        isNew = false;
        _silences = 0;
        if (response.Error.Length > 0)
            return response.Error;
        var families = ColumnFamilies.Of(RegionId).Where(f => ColumnFamilies.NameOf(f) == response.Cf).ToList();
        if (families.Count == 0)
            return $"chunk {response.Chunk} is of column family {response.Cf}, in which region {RegionId} has no rows";
        if (response.Chunk != _staged.NextChunk)
            return null;
        isNew = true;
        try
        {
            _staged.Add(new SnapshotChunk(response.Chunk, families[0], response.Rows, response.Last));
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }
}
