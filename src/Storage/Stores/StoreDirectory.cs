using System.Globalization;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Storage.Stores;

/// <summary>
/// A store's directory on disk:
/// <code>
/// LOCK       held open and locked by the process that uses the directory
/// pid        the id of that process, or of the last one that did; only to name it in an error
/// meta       MetaMembership, on members of the meta group
/// members    MetaMemberBook, on nodes that have learnt of changes of the meta group (Actors)
/// identity   StoreIdentity: format version, and, once known, cluster id, store id, API mode. Written before anything else
/// data/      the data engine
/// raft/      the journal
/// staging/   rows of snapshots that are being received
/// </code>
/// </summary>
internal sealed class StoreDirectory : IDisposable
{
    private const string IdentityName = "identity";
    private const string MetaName = "meta";

    private readonly FileStream _lock;

    private StoreDirectory(string path, FileStream held)
    {
        Root = path;
        _lock = held;
    }

    public string Root { get; }

    public string Data => Path.Combine(Root, "data");

    public string Raft => Path.Combine(Root, "raft");

    public string Staging => Path.Combine(Root, "staging");

    private string IdentityFile => Path.Combine(Root, IdentityName);

    /// <summary>Needs no lock.</summary>
    public static bool HasIdentity(string root) => File.Exists(Path.Combine(root, IdentityName));

    /// <summary>Makes the directory when it is missing, and locks it.</summary>
    /// <exception cref="DirectoryInUseException"/>
    public static StoreDirectory Lock(string path)
    {
        path = Path.GetFullPath(path);
        if (!File.Exists(Path.Combine(path, IdentityName))) DurableFile.CreateDirectory(path);
        var file = Path.Combine(path, "LOCK");
        FileStream held;
        try
        {
            held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException))
        {
            throw new DirectoryInUseException(path, Holder(path), e);
        }
        try
        {
            File.WriteAllText(PidFile(path), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new StoreDirectory(path, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Null if the directory holds none: it is new.</summary>
    /// <exception cref="CorruptionException"/>
    public StoreIdentity? ReadIdentity() => ReadIdentity(Root);

    /// <summary>Needs no lock: the file is only ever replaced as a whole.</summary>
    /// <exception cref="CorruptionException"/>
    public static StoreIdentity? ReadIdentity(string root)
    {
        var file = Path.Combine(root, IdentityName);
        if (!File.Exists(file)) return null;
        var bytes = File.ReadAllBytes(file);
        try
        {
            var identity = StoreIdentity.Parser.Parse(bytes);
            return identity.FormatVersion > 0 ? identity : throw new CorruptionException(file, "no format version");
        }
        catch (InvalidDataException e)
        {
            throw new CorruptionException(file, e.Message);
        }
    }

    /// <summary>Null if the directory is no member's of the meta group.</summary>
    /// <exception cref="CorruptionException"/>
    public MetaMembership? ReadMeta() => ReadMeta(Root);

    /// <inheritdoc cref="ReadIdentity(string)"/>
    public static MetaMembership? ReadMeta(string root)
    {
        var file = Path.Combine(root, MetaName);
        if (!File.Exists(file)) return null;
        try
        {
            return MetaMembership.Parser.Parse(File.ReadAllBytes(file));
        }
        catch (InvalidDataException e)
        {
            throw new CorruptionException(file, e.Message);
        }
    }

    /// <summary>Replaces the file as a whole; durable on return.</summary>
    public void WriteMeta(MetaMembership membership) => DurableFile.Write(Path.Combine(Root, MetaName), membership.ToByteArray());

    /// <summary>Replaces the file as a whole; durable on return.</summary>
    public void WriteIdentity(StoreIdentity identity) => DurableFile.Write(IdentityFile, identity.ToByteArray());

    public void Dispose() => _lock.Dispose();

    private static string PidFile(string root) => Path.Combine(root, "pid");

    private static string Holder(string root)
    {
        try
        {
            return int.TryParse(File.ReadAllText(PidFile(root)), NumberStyles.None, CultureInfo.InvariantCulture, out var process)
                ? $" by process {process}" : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
