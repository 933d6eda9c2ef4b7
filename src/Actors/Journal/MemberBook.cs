using Akka.Event;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// Whom the meta group has, as far as this node knows: the configured list until a newer table comes, by an answer of a member or from a
/// member's own rows. Kept in the file <c>members</c> of the data directory, if there is one, so that a node whose list is old finds the
/// group when it starts again. Only a hint, so it is replaced as a whole and not synced. Thread-safe.
/// </summary>
internal sealed class MemberBook
{
    /// <param name="Members">Not empty.</param>
    public sealed record Page(MetaMemberBook Book, IReadOnlyList<MetaMember> Members);

    private readonly Lock _gate = new();
    private readonly string? _file;
    private readonly ILoggingAdapter _log;
    private volatile Page _current;
    private Task _written = Task.CompletedTask;

    /// <summary>Reads the file.</summary>
    /// <param name="listed">Not empty.</param>
    /// <param name="directory">Empty: there is none.</param>
    public MemberBook(IReadOnlyList<MetaMember> listed, string directory, ILoggingAdapter log)
    {
        _file = directory.Length == 0 ? null : Path.Combine(directory, "members");
        _log = log;
        _current = new Page(new MetaMemberBook(), listed);
        if (Read() is { } book)
            _current = PageOf(book) ?? _current;
    }

    public Page Current => _current;

    /// <returns>Whether it is news.</returns>
    public bool Learn(MetaMemberBook book)
    {
        lock (_gate)
        {
            if (book.Revision <= _current.Book.Revision || PageOf(book) is not { } page)
                return false;
            _current = page;
            // One after the other, so that the newest stays.
            _written = _written.ContinueWith(_ => Write(book), TaskScheduler.Default);
            return true;
        }
    }

    /// <returns>Null if it names nobody.</returns>
    private static Page? PageOf(MetaMemberBook book) =>
        book.Table is { } table && MemberTable.Present(table) is { Count: > 0 } members ? new Page(book, members) : null;

    private MetaMemberBook? Read()
    {
        try
        {
            return _file is null || !File.Exists(_file) ? null : MetaMemberBook.Parser.Parse(File.ReadAllBytes(_file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // Not synced, so a crash of the machine may leave anything.
            _log.MembersFileLost(_file!, e);
            return null;
        }
    }

    private void Write(MetaMemberBook book)
    {
        // The directory is not made here: who opens it wants to know whether it is new.
        if (_file is null || !Directory.Exists(Path.GetDirectoryName(_file)))
            return;
        try
        {
            File.WriteAllBytes(_file + ".tmp", book.ToByteArray());
            File.Move(_file + ".tmp", _file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.MembersFileLost(_file, e);
        }
    }
}
