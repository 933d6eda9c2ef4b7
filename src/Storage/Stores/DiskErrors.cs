using RocksDbSharp;

namespace TiKvActors.Storage.Stores;

/// <summary>What went wrong below an engine.</summary>
public static class DiskErrors
{
    /// <summary>What to do about an error that is no damage.</summary>
    public const string Remedy = "Check the disk (space, health, permissions), then start the store again.";

    /// <summary>
    /// Files that hold something else than what was written, or cannot be read or written. Everything else is a bug, or a matter of time.
    /// </summary>
    public static bool Is(Exception e) => e is RocksDbException or CorruptionException;

    /// <summary>A file holds something else than what was written, or is gone: trying again does not help.</summary>
    /// <param name="e">Or what caused it.</param>
    public static bool IsDamage(Exception? e) =>
        e is not null && (e is CorruptionException || (e is RocksDbException && IsDamage(e.Message)) || IsDamage(e.InnerException));

    /// <summary>Opens something of a store; errors of the disk say what they mean for the store.</summary>
    /// <param name="place">The directory, in case that the error's message names no file.</param>
    /// <exception cref="CorruptionException">A file is damaged or missing.</exception>
    /// <exception cref="StorageException">Another error of the disk.</exception>
    internal static T Translated<T>(string place, Func<T> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (Translate(place, e) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <returns>Null if it is no error of the disk, or says so already.</returns>
    private static StorageException? Translate(string place, Exception e) => e switch
    {
        RocksDbException when IsDamage(e) => new CorruptionException(place, $"{e.Message}. {CorruptionException.Remedy}", e),
        RocksDbException or IOException or UnauthorizedAccessException =>
            new StorageException($"{place} cannot be opened: {e.Message}. {Remedy}", e),
        _ => null,
    };

    // A file that another one names, and which is not there, is reported as an error of the disk.
    private static bool IsDamage(string message) =>
        message.StartsWith("Corruption", StringComparison.Ordinal)
        || message.Contains("No such file or directory", StringComparison.Ordinal);
}
