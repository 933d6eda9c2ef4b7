using System.Runtime.InteropServices;

namespace RocksDbSharp;

public class RocksDbSharpException : Exception
{
    public RocksDbSharpException(string message) : base(message)
    {
    }
}

/// <summary>An error that RocksDB reported, with its own text ("IO error: …", "Corruption: …").</summary>
public class RocksDbException : RocksDbSharpException
{
    /// <param name="errptr">A text that RocksDB allocated; it is freed here.</param>
    public RocksDbException(IntPtr errptr) : base(Take(errptr))
    {
    }

    internal static void ThrowOn(IntPtr error)
    {
        if (error != IntPtr.Zero) throw new RocksDbException(error);
    }

    private static string Take(IntPtr error)
    {
        var text = Marshal.PtrToStringUTF8(error);
        NativeMethods.rocksdb_free(error);
        return text;
    }
}
