using System.Globalization;

namespace TiKvActors.Host.Check;

/// <summary>Which of some processes dialled a connection on loopback, as Linux tells it in /proc.</summary>
internal static class SocketOwners
{
    private const string Table = "/proc/net/tcp";
    private const int LocalAddress = 1, RemoteAddress = 2, Inode = 9;

    /// <summary>Null: it can be told. Otherwise why not.</summary>
    public static string? Problem =>
        File.Exists(Table) ? null : $"partitions are left out: without {Table} (Linux) a relay cannot tell who connects";

    /// <param name="port">At the dialling end.</param>
    /// <param name="to">The port that was dialled.</param>
    /// <returns>Null: none of them, or it has gone.</returns>
    public static int? Find(int port, int to, IEnumerable<int> processes)
    {
        if (InodeOf(port, to) is not { } inode) return null;
        var socket = $"socket:[{inode}]";
        foreach (var process in processes)
            if (Holds(process, socket)) return process;
        return null;
    }

    private static string? InodeOf(int port, int dialled)
    {
        var (local, remote) = (Suffix(port), Suffix(dialled));
        foreach (var line in File.ReadLines(Table))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length <= Inode) continue;
            var (from, to) = (words[LocalAddress], words[RemoteAddress]);
            if (from.EndsWith(local, StringComparison.Ordinal) && to.EndsWith(remote, StringComparison.Ordinal)) return words[Inode];
        }

        return null;
    }

    private static string Suffix(int port) => string.Create(CultureInfo.InvariantCulture, $":{port:X4}");

    private static bool Holds(int process, string socket)
    {
        try
        {
            foreach (var file in Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd")))
                if (File.ResolveLinkTarget(file, returnFinalTarget: false)?.Name == socket) return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile, or closed that file.
        }

        return false;
    }
}
