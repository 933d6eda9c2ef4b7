using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TiKvActors.Storage.Stores;

/// <summary>Small files that are there whole or not at all after a crash.</summary>
internal static partial class DurableFile
{
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(bytes);
            Sync(file);
        }
        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Shortens a file, durably.</summary>
    public static void Cut(string path, long length)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None);
        file.SetLength(length);
        Sync(file);
    }

    /// <summary>
    /// A directory, with those above it, whose name is durable; one that is there already may have been made by a process that died here.
    /// </summary>
    public static void CreateDirectory(string path)
    {
        var parent = Path.GetDirectoryName(path);
        if (parent is not null && !Directory.Exists(parent)) CreateDirectory(parent);
        Directory.CreateDirectory(path);
        if (parent is not null) SyncDirectory(parent);
    }

    /// <summary>Makes the names in a directory durable. Windows does that by itself.</summary>
    public static void SyncDirectory(string path)
    {
        const int readOnly = 0;
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, readOnly);
        if (descriptor < 0) throw new IOException($"cannot open directory {path}: error {Marshal.GetLastPInvokeError()}");
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (FSync(descriptor) != 0) throw new IOException($"cannot sync directory {path}: error {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>FileStream.Flush(flushToDisk: true) says nothing when the disk fails.</summary>
    private static void Sync(FileStream file)
    {
        file.Flush(flushToDisk: OperatingSystem.IsWindows());
        if (!OperatingSystem.IsWindows() && FSync((int)file.SafeFileHandle.DangerousGetHandle()) != 0)
            throw new IOException($"cannot sync {file.Name}: error {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);
}
