using TiKvActors.Protocol.Keys;

namespace TiKvActors.Storage;

/// <summary>A store's directory cannot be used as asked. The message says why and what to do.</summary>
public class StorageException : Exception
{
    public StorageException(string message) : base(message)
    {
    }

    public StorageException(string message, Exception cause) : base(message, cause)
    {
    }
}

/// <summary>Another process, or another store of this one, has the directory open.</summary>
public sealed class DirectoryInUseException(string directory, string holder, Exception cause) : StorageException(
    $"data directory {directory} is in use{holder}: stop that one first, or use another directory", cause);

/// <summary>A newer program wrote the directory.</summary>
public sealed class NewerFormatException(string directory, uint found, uint known) : StorageException(
    $"data directory {directory} has format version {found}, this program knows versions up to {known}: use the program that wrote it, "
        + "or a newer one");

/// <summary>The directory belongs to another store, cluster or API mode than it is opened for.</summary>
public sealed class IdentityMismatchException(string directory, string what, string found, string expected) : StorageException(
    $"data directory {directory} belongs to {what} {found}, but is opened for {what} {expected}: use that {what}'s directory, "
        + "or an empty one");

/// <summary>What was read from disk cannot be what was written.</summary>
public sealed class CorruptionException : StorageException
{
    internal const string Remedy = "This store must not go on: replace it by a new one, which gets the data from the other stores.";

    public CorruptionException(string file, string what, Exception cause) : base($"corruption in {file}: {what}", cause)
    {
    }

    public CorruptionException(string file, string what) : base($"corruption in {file}: {what}")
    {
    }

    public CorruptionException(string file, ReadOnlySpan<byte> key, string what)
        : base($"corruption in {file}, key {KeyText.Brief(key)}: {what}")
    {
    }

    public CorruptionException(string file, ReadOnlySpan<byte> key, string what, Exception cause)
        : base($"corruption in {file}, key {KeyText.Brief(key)}: {what}", cause)
    {
    }
}

/// <summary>
/// A write to the journal failed or did not come back in time: whether what was under way is on disk is unknown, and nothing more is
/// accepted until the store has closed and reopened its engines.
/// </summary>
public sealed class JournalFailedException(string message, Exception? cause) : Exception(message, cause);

/// <summary>
/// A write to the data engine failed or did not come back in time. RocksDB takes no more after a failed one; what is on disk is unknown,
/// and the Raft logs repeat it once the store has closed and reopened its engines.
/// </summary>
public sealed class DataEngineFailedException(string message, Exception? cause) : Exception(message, cause);
