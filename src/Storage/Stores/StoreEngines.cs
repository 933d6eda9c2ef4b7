using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Journal;

namespace TiKvActors.Storage.Stores;

/// <summary>
/// The two engines in a store's directory, <see cref="Data"/> and <see cref="Journal"/>, opened and closed together. All members may be
/// used by any thread; most read or write the disk, so not by an actor on a shared dispatcher.
/// </summary>
public sealed class StoreEngines : IDisposable
{
    /// <summary>Of the directories that this program writes. It knows all lower ones.</summary>
    public const uint FormatVersion = 1;

    private readonly StoreDirectory _directory;
    private readonly Lock _identityGate = new();
    private StoreIdentity _identity;
    private bool _disposed;

    private StoreEngines(StoreDirectory directory, StoreIdentity identity, StoreEnginesOptions options)
    {
        _directory = directory;
        _identity = identity;
        Settings = options.Settings;
        FailPoints = options.FailPoints;
        var cache = options.BlockCache ?? new SharedBlockCache(options.Settings.BlockCacheBytes);
        Data = DiskErrors.Translated(directory.Data, () => new DataEngine(directory.Data, directory.Staging, cache, options));
        try
        {
            Journal = DiskErrors.Translated(directory.Raft, () => new JournalEngine(directory.Raft, cache, options));
        }
        catch
        {
            Data.Close(Settings.CloseTimeout);
            throw;
        }
    }

    public string Directory => _directory.Root;

    /// <summary>
    /// Ends of logs that could not be read when the engines were opened, in words: what a power failure leaves, or a bad disk. Nothing that
    /// was promised is lost.
    /// </summary>
    public IReadOnlyList<string> LogDamages => new[]
    {
        Journal.LogDamage is { } torn ? $"{torn.File} ended in a write that was never acknowledged (offset {torn.Offset} "
            + $"of {torn.FileBytes}: {torn.What}): it was cut off" : null,
        Data.LogDamage is { } damage
            ? $"{damage.File} cannot be read from offset {damage.Offset} of {damage.FileBytes} on ({damage.What}): the Raft logs repeat it"
            : null,
    }.OfType<string>().ToArray();

    public StorageSettings Settings { get; }

    public FailPoints FailPoints { get; }

    public DataEngine Data { get; }

    public JournalEngine Journal { get; }

    /// <summary>Whose directory this is; null until <see cref="SetIdent"/>. A copy.</summary>
    public StoreIdent? Ident
    {
        get
        {
            lock (_identityGate) return _identity.Ident?.Clone();
        }
    }

    /// <summary>Whether there has ever been a store in a directory, damaged or not.</summary>
    public static bool Exist(string path) => StoreDirectory.HasIdentity(path);

    /// <summary>Whose directory it is, without opening it; null if it is nobody's yet, or missing.</summary>
    /// <exception cref="CorruptionException"/>
    public static StoreIdent? PeekIdent(string path) => StoreDirectory.ReadIdentity(path)?.Ident;

    /// <summary>Which member of the meta group a directory is, without opening it; null if it is none, or missing.</summary>
    /// <exception cref="CorruptionException"/>
    public static MetaMembership? PeekMetaMembership(string path) => StoreDirectory.ReadMeta(path);

    /// <exception cref="DirectoryInUseException"/>
    /// <exception cref="NewerFormatException"/>
    /// <exception cref="IdentityMismatchException"/>
    /// <exception cref="CorruptionException"/>
    /// <exception cref="StorageException">The disk fails, or is full.</exception>
    public static StoreEngines Open(string path, StoreEnginesOptions? options = null) =>
        DiskErrors.Translated(path, () => OpenLocked(StoreDirectory.Lock(path), options ?? new StoreEnginesOptions()));

    private static StoreEngines OpenLocked(StoreDirectory directory, StoreEnginesOptions options)
    {
        StoreEngines? engines = null;
        try
        {
            var identity = ReadOrCreateIdentity(directory);
            Check(directory.Root, identity.Ident, options.Expected);
            engines = new StoreEngines(directory, identity, options);
            // What is promised from now on must not be in directories that a power failure takes away.
            DurableFile.SyncDirectory(directory.Root);
            engines.CheckCopies();
            return engines;
        }
        catch
        {
            engines?.CloseEngines();
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Makes the directory a certain store's, durably. The same again changes nothing.</summary>
    /// <exception cref="IdentityMismatchException">It is another's already.</exception>
    public void SetIdent(StoreIdent ident)
    {
        if (ident.ClusterId == 0 || ident.StoreId == 0)
            throw new ArgumentException($"cluster id {ident.ClusterId} and store id {ident.StoreId} must not be 0", nameof(ident));
        lock (_identityGate)
        {
            if (_identity.Ident is not null)
            {
                Check(Directory, _identity.Ident, new ExpectedIdentity(ident.ClusterId, ident.StoreId, ident.ApiVersion));
                return;
            }
            // The copies come first: a file that names a store promises engines that agree with it.
            var identity = new StoreIdentity { FormatVersion = FormatVersion, Ident = ident.Clone() };
            Data.WriteIdentity(identity);
            Journal.WriteIdentity(identity);
            _directory.WriteIdentity(identity);
            _identity = identity;
        }
    }

    /// <summary>This directory as a member of the meta group; null if it is none. Reads the disk.</summary>
    /// <exception cref="CorruptionException"/>
    public MetaMembership? MetaMembership => _directory.ReadMeta();

    /// <summary>Durable on return.</summary>
    public void SetMetaMembership(MetaMembership membership) => _directory.WriteMeta(membership);

    /// <summary>For what becomes known only after opening, such as PD's cluster id.</summary>
    /// <exception cref="IdentityMismatchException"/>
    public void CheckIdent(ExpectedIdentity expected) => Check(Directory, Ident, expected);

    /// <summary>Waits for readers and for writes under way, then closes. May be called again when it failed.</summary>
    /// <exception cref="StorageException">Somebody still uses an engine; the directory stays locked.</exception>
    public void Dispose()
    {
        if (_disposed) return;
        CloseEngines();
        _disposed = true;
        _directory.Dispose();
    }

    private static StoreIdentity ReadOrCreateIdentity(StoreDirectory directory)
    {
        string[] engines = [directory.Data, directory.Raft];
        var identity = directory.ReadIdentity();
        if (identity is null)
        {
            if (engines.FirstOrDefault(System.IO.Directory.Exists) is { } orphan)
                throw new CorruptionException(directory.Root, $"there is {orphan}, but no file 'identity' beside it: was it deleted?");
            identity = new StoreIdentity { FormatVersion = FormatVersion };
            directory.WriteIdentity(identity);
        }
        if (identity.FormatVersion > FormatVersion) throw new NewerFormatException(directory.Root, identity.FormatVersion, FormatVersion);
        // RocksDB would make a new database in their place, and delete the files that it does not know.
        var missing = engines.Select(e => Path.Combine(e, "CURRENT")).FirstOrDefault(f => !File.Exists(f));
        if (identity.Ident is { } ident && missing is not null)
            throw new CorruptionException(
                directory.Root, $"store {ident.StoreId} lives here, but {missing} is missing. {CorruptionException.Remedy}");
        return identity;
    }

    private static void Check(string directory, StoreIdent? found, ExpectedIdentity expected)
    {
        if (found is null) return;
        if (expected.ClusterId is { } cluster && cluster != found.ClusterId)
            throw new IdentityMismatchException(directory, "cluster", $"{found.ClusterId}", $"{cluster}");
        if (expected.StoreId is { } store && store != found.StoreId)
            throw new IdentityMismatchException(directory, "store", $"{found.StoreId}", $"{store}");
        if (expected.ApiVersion is { } api && api != found.ApiVersion)
            throw new IdentityMismatchException(directory, "API mode", NameOf(found.ApiVersion), NameOf(api));
    }

    private static string NameOf(APIVersion version) => version.ToString().ToLowerInvariant();

    // Whoever copied one engine from elsewhere finds out here rather than by forgotten votes.
    private void CheckCopies()
    {
        if (_identity.Ident is not { } ident) return;
        foreach (var (engine, copy) in new[] { (_directory.Data, Data.ReadIdentity()), (_directory.Raft, Journal.ReadIdentity()) })
        {
            if (copy?.Ident is not { } found)
                throw new CorruptionException(engine, $"it does not name store {ident.StoreId}, whose directory it is in");
            if (!found.Equals(ident)) throw new IdentityMismatchException(engine, "store", Describe(found), Describe(ident));
        }
    }

    private static string Describe(StoreIdent ident) => $"{ident.StoreId} of cluster {ident.ClusterId} ({NameOf(ident.ApiVersion)})";

    private void CloseEngines()
    {
        Journal.Close(Settings.CloseTimeout);
        Data.Close(Settings.CloseTimeout);
    }
}
