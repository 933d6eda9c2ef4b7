using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Storage.Snapshots;

/// <inheritdoc cref="StagedSnapshot"/>
public interface IStagedSnapshot : IDisposable
{
    /// <inheritdoc cref="StagedSnapshot.IsComplete"/>
    bool IsComplete { get; }

    /// <inheritdoc cref="StagedSnapshot.NextChunk"/>
    ulong NextChunk { get; }

    /// <inheritdoc cref="StagedSnapshot.Add"/>
    void Add(SnapshotChunk chunk);

    /// <summary>
    /// Takes all rows into the data engine, family by family, over older ones. They stay staged, so that the same can be done again after a
    /// crash.
    /// </summary>
    void Ingest();

    /// <inheritdoc cref="StagedSnapshot.Delete"/>
    void Delete();
}

/// <inheritdoc cref="RegionSnapshotReader"/>
public interface IRegionSnapshotReader : IDisposable
{
    /// <inheritdoc cref="RegionSnapshotReader.State"/>
    RegionLocalState State { get; }

    /// <inheritdoc cref="RegionSnapshotReader.ApplyState"/>
    RaftApplyState ApplyState { get; }

    /// <inheritdoc cref="RegionSnapshotReader.ReadChunk"/>
    SnapshotChunk ReadChunk(ulong index);
}
