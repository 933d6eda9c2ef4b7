using System.Text;

namespace RocksDbSharp;

public interface ISpanDeserializer<T>
{
    T Deserialize(ReadOnlySpan<byte> buffer);
}

/// <summary>
/// A walk over the keys of one family as they were when it was made. For one thread at a time. An iterator that stops because of a read
/// error throws it from <see cref="Valid"/> (the real package's answers false there).
/// </summary>
public unsafe class Iterator : IDisposable
{
    private readonly RocksDb _db;

    // RocksDB keeps a pointer to the bounds inside it.
    private readonly ReadOptions _readOptions;
    private IntPtr _handle;

    internal Iterator(RocksDb db, IntPtr handle, ReadOptions readOptions)
    {
        _db = db;
        _handle = handle;
        _readOptions = readOptions;
        db.Adopt(this);
    }

    public IntPtr Handle => _handle;

    private IntPtr Live => _handle != IntPtr.Zero ? _handle : throw new ObjectDisposedException(nameof(Iterator));

    /// <summary>Gives the native iterator away; whoever takes it destroys it.</summary>
    public IntPtr Detach()
    {
        _db.Disown(this);
        var handle = _handle;
        _handle = IntPtr.Zero;
        return handle;
    }

    public void Dispose()
    {
        _db.Disown(this);
        var handle = Interlocked.Exchange(ref _handle, IntPtr.Zero);
        if (handle != IntPtr.Zero) NativeMethods.rocksdb_iter_destroy(handle);
        GC.KeepAlive(_readOptions);
    }

    public bool Valid()
    {
        if (NativeMethods.rocksdb_iter_valid(Live) != 0) return true;
        NativeMethods.rocksdb_iter_get_error(_handle, out var error);
        RocksDbException.ThrowOn(error);
        return false;
    }

    public Iterator SeekToFirst()
    {
        NativeMethods.rocksdb_iter_seek_to_first(Live);
        return this;
    }

    public Iterator SeekToLast()
    {
        NativeMethods.rocksdb_iter_seek_to_last(Live);
        return this;
    }

    public Iterator Seek(byte* key, ulong klen)
    {
        NativeMethods.rocksdb_iter_seek(Live, key, (nuint)klen);
        return this;
    }

    public Iterator Seek(ReadOnlySpan<byte> key)
    {
        fixed (byte* bytes = key) return Seek(bytes, (ulong)key.Length);
    }

    public Iterator Seek(byte[] key) => Seek(key.AsSpan());

    public Iterator Seek(byte[] key, ulong klen) => Seek(key.AsSpan(0, checked((int)klen)));

    public Iterator Seek(string key) => Seek(Encoding.UTF8.GetBytes(key).AsSpan());

    public Iterator SeekForPrev(byte* key, ulong klen)
    {
        NativeMethods.rocksdb_iter_seek_for_prev(Live, key, (nuint)klen);
        return this;
    }

    public Iterator SeekForPrev(ReadOnlySpan<byte> key)
    {
        fixed (byte* bytes = key) return SeekForPrev(bytes, (ulong)key.Length);
    }

    public Iterator SeekForPrev(byte[] key) => SeekForPrev(key.AsSpan());

    public Iterator SeekForPrev(byte[] key, ulong klen) => SeekForPrev(key.AsSpan(0, checked((int)klen)));

    public Iterator SeekForPrev(string key) => SeekForPrev(Encoding.UTF8.GetBytes(key).AsSpan());

    public Iterator Next()
    {
        RequireValid();
        NativeMethods.rocksdb_iter_next(_handle);
        return this;
    }

    public Iterator Prev()
    {
        RequireValid();
        NativeMethods.rocksdb_iter_prev(_handle);
        return this;
    }

    /// <summary>The key in RocksDB's memory: valid until the iterator moves.</summary>
    public ReadOnlySpan<byte> GetKeySpan()
    {
        RequireValid();
        return new ReadOnlySpan<byte>(NativeMethods.rocksdb_iter_key(_handle, out var length), checked((int)length));
    }

    /// <summary>The value in RocksDB's memory: valid until the iterator moves.</summary>
    public ReadOnlySpan<byte> GetValueSpan()
    {
        RequireValid();
        return new ReadOnlySpan<byte>(NativeMethods.rocksdb_iter_value(_handle, out var length), checked((int)length));
    }

    public byte[] Key() => GetKeySpan().ToArray();

    public byte[] Value() => GetValueSpan().ToArray();

    public T Key<T>(ISpanDeserializer<T> deserializer) => deserializer.Deserialize(GetKeySpan());

    public T Value<T>(ISpanDeserializer<T> deserializer) => deserializer.Deserialize(GetValueSpan());

    public string StringKey() => Encoding.UTF8.GetString(GetKeySpan());

    public string StringValue() => Encoding.UTF8.GetString(GetValueSpan());

    // The native library reads through a null pointer otherwise.
    private void RequireValid()
    {
        if (NativeMethods.rocksdb_iter_valid(Live) == 0) throw new InvalidOperationException("The iterator is at no key.");
    }
}
