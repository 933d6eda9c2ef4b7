using Google.Protobuf;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Storage.Snapshots;

/// <summary>Rows of one family, in key order. Keys are region keys.</summary>
/// <param name="Index">From 0.</param>
/// <param name="Last">Nothing follows. The last chunk may be empty.</param>
public sealed record SnapshotChunk(ulong Index, ColumnFamily Family, IReadOnlyList<KeyValue> Rows, bool Last);

/// <summary>
/// The sending side of a region's snapshot: state, applied index and rows as of one moment, read in bounded chunks as the receiver pulls
/// them. Holds a RocksDB snapshot, so it must be disposed, also when a receiver goes silent. For one thread at a time; reads the disk.
/// </summary>
public sealed class RegionSnapshotReader : IRegionSnapshotReader
{
    private readonly IDataSnapshot _snapshot;
    private readonly IReadOnlyList<ColumnFamily> _families;
    private readonly int _chunkBytes;
    private SnapshotChunk? _latest;
    private int _family;
    private byte[]? _after;

    /// <exception cref="InvalidOperationException">The region has no state here, or is not Normal.</exception>
    public RegionSnapshotReader(DataEngine engine, ulong regionId)
        : this(engine.NewSnapshot(), engine.NameOf(ColumnFamily.Raft), engine.SnapshotChunkBytes, regionId)
    {
    }

    /// <param name="snapshot">Disposed with the reader, and if it cannot be made.</param>
    /// <param name="file">Names the place of the regions' states in exceptions.</param>
    /// <exception cref="InvalidOperationException">The region has no state here, or is not Normal.</exception>
    public RegionSnapshotReader(IDataSnapshot snapshot, string file, int chunkBytes, ulong regionId)
    {
        _families = ColumnFamilies.Of(regionId);
        _chunkBytes = chunkBytes;
        _snapshot = snapshot;
        try
        {
            State = _snapshot.ReadRegionState(regionId) is { State: PeerState.Normal } state
                ? state
                : throw new InvalidOperationException($"region {regionId} has no peer in state Normal here, so there is no snapshot of it");
            ApplyState = _snapshot.ReadApplyState(regionId)
                ?? throw new CorruptionException(file, Keys.ApplyState(regionId), "a region in state Normal has no apply state");
        }
        catch
        {
            _snapshot.Dispose();
            throw;
        }
    }

    /// <summary>Range, epoch and members as of <see cref="ApplyState"/>.</summary>
    public RegionLocalState State { get; }

    /// <summary>The index that the rows stand for.</summary>
    public RaftApplyState ApplyState { get; }

    /// <summary>The next chunk, or the latest once more (the receiver did not get it).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Any other: chunks are read once, in order.</exception>
    public SnapshotChunk ReadChunk(ulong index)
    {
        if (_latest is not null && index == _latest.Index) return _latest;
        var next = _latest is null ? 0 : _latest.Index + 1;
        if (index != next || _latest is { Last: true })
            throw new ArgumentOutOfRangeException(
                nameof(index), index, $"chunk {next} is next{(_latest is { Last: true } ? ", and there is none" : "")}");
        return _latest = Read(next);
    }

    public void Dispose() => _snapshot.Dispose();

    private SnapshotChunk Read(ulong index)
    {
        var region = State.Region;
        while (true)
        {
            var family = _families[_family];
            var rows = new List<KeyValue>();
            long bytes = 0;
            using (var cursor = _snapshot.OpenCursor(family, region.StartKey.Span, region.EndKey.Span, fillCache: false))
            {
                Position(cursor);
                for (; cursor.Valid && bytes < _chunkBytes; cursor.Next())
                {
                    rows.Add(new KeyValue { Key = ByteString.CopyFrom(cursor.Key), Value = ByteString.CopyFrom(cursor.Value) });
                    bytes += cursor.Key.Length + cursor.Value.Length;
                }
                var familyDone = !cursor.Valid;
                _after = familyDone ? null : rows[^1].Key.ToByteArray();
                if (familyDone) _family++;
            }
            var last = _family == _families.Count;
            if (rows.Count > 0 || last) return new SnapshotChunk(index, family, rows, last);
        }
    }

    private void Position(IRangeCursor cursor)
    {
        if (_after is null)
        {
            cursor.SeekToFirst();
            return;
        }
        cursor.Seek(_after);
        if (cursor.Valid && cursor.Key.SequenceEqual(_after)) cursor.Next();
    }
}
