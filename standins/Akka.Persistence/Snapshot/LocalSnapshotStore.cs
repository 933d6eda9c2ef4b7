using System.Globalization;
using System.Text;
using Akka.Event;

namespace Akka.Persistence.Snapshot;

/// <summary>
/// One file a snapshot, <c>snapshot-{persistence id, escaped}-{sequence number}-{ticks}</c>, in the folder of
/// <c>akka.persistence.snapshot-store.local.dir</c>. A file holds a format byte, the serializer's id, its manifest and the bytes.
/// </summary>
public class LocalSnapshotStore : SnapshotStore
{
    private const byte FormatVersion = 1;
    private const string TemporaryExtension = ".tmp";

    private readonly string _folder;
    private readonly int _maxLoadAttempts;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Akka.Serialization.Serialization _serialization = Context.System.Serialization;

    public LocalSnapshotStore()
    {
        var config = Context.System.Settings.Config.GetConfig("akka.persistence.snapshot-store.local");
        _folder = Path.GetFullPath(config.GetString("dir"));
        _maxLoadAttempts = config.GetInt("max-load-attempts", 3);
    }

    protected override void PreStart()
    {
        Directory.CreateDirectory(_folder);
        base.PreStart();
    }

    protected override Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Task.Run(() => Load(persistenceId, criteria));

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot) => Task.Run(() => Save(metadata, snapshot));

    protected override Task DeleteAsync(SnapshotMetadata metadata) => Task.Run(() =>
    {
        foreach (var (file, found) in Files(metadata.PersistenceId))
            if (found.SequenceNr == metadata.SequenceNr
                && (metadata.Timestamp == DateTime.MinValue || found.Timestamp == metadata.Timestamp))
                File.Delete(file);
    });

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) => Task.Run(() =>
    {
        foreach (var (file, _) in Matching(persistenceId, criteria)) File.Delete(file);
    });

    protected virtual void Save(SnapshotMetadata metadata, object snapshot)
    {
        var path = Path.Combine(_folder, Prefix(metadata.PersistenceId)
            + string.Create(CultureInfo.InvariantCulture, $"{metadata.SequenceNr}-{metadata.Timestamp.Ticks}"));
        var serializer = _serialization.FindSerializerFor(snapshot);
        using (var file = new BinaryWriter(File.Create(path + TemporaryExtension), Encoding.UTF8))
        {
            file.Write(FormatVersion);
            file.Write(serializer.Identifier);
            file.Write(Akka.Serialization.Serialization.ManifestFor(serializer, snapshot));
            file.Write(serializer.ToBinary(snapshot));
        }
        // Under its name a snapshot is complete or not there.
        File.Move(path + TemporaryExtension, path, overwrite: true);
    }

    private SelectedSnapshot Load(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        Exception failure = null;
        foreach (var (file, metadata) in Matching(persistenceId, criteria).OrderByDescending(s => s.Metadata, SnapshotMetadata.Comparer)
            .Take(_maxLoadAttempts))
        {
            try
            {
                return new SelectedSnapshot(metadata, Read(file));
            }
            catch (Exception e)
            {
                _log.Error(e, "Snapshot file {0} cannot be read; the one before it is tried", file);
                failure = e;
            }
        }
        return failure == null ? null : throw new IOException(
            $"None of the newest {_maxLoadAttempts} snapshots of '{persistenceId}' in {_folder} can be read.", failure);
    }

    private object Read(string path)
    {
        using var file = new BinaryReader(File.OpenRead(path), Encoding.UTF8);
        var version = file.ReadByte();
        if (version != FormatVersion)
            throw new InvalidDataException($"Snapshot file {path} has format {version}, known is {FormatVersion}.");
        var serializerId = file.ReadInt32();
        var manifest = file.ReadString();
        var bytes = file.ReadBytes((int)(file.BaseStream.Length - file.BaseStream.Position));
        return _serialization.Deserialize(bytes, serializerId, manifest);
    }

    private IEnumerable<(string File, SnapshotMetadata Metadata)> Matching(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Files(persistenceId).Where(s => criteria.IsMatch(s.Metadata.SequenceNr, s.Metadata.Timestamp));

    private List<(string File, SnapshotMetadata Metadata)> Files(string persistenceId)
    {
        var found = new List<(string, SnapshotMetadata)>();
        var prefix = Prefix(persistenceId);
        foreach (var file in Directory.EnumerateFiles(_folder))
        {
            var name = Path.GetFileName(file);
            // The rest after the prefix of another id that begins alike is no pair of numbers.
            if (name.StartsWith(prefix, StringComparison.Ordinal)
                && TryParseNumbers(name.AsSpan(prefix.Length), out var sequenceNr, out var ticks))
                found.Add((file, new SnapshotMetadata(persistenceId, sequenceNr, new DateTime(ticks, DateTimeKind.Utc))));
        }
        return found;
    }

    private static bool TryParseNumbers(ReadOnlySpan<char> rest, out long sequenceNr, out long ticks)
    {
        ticks = 0;
        var dash = rest.IndexOf('-');
        return long.TryParse(dash < 0 ? rest : rest[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out sequenceNr)
            && dash >= 0 &&
            long.TryParse(rest[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ticks);
    }

    private static string Prefix(string persistenceId) => $"snapshot-{Uri.EscapeDataString(persistenceId)}-";
}
