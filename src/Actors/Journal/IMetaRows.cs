namespace TiKvActors.Actors.Journal;

/// <summary>
/// What the meta group's state machine reads and changes: keys are those of <see cref="Storage.MetaRegion"/>. Reads see every change
/// made before, whether it is written yet or not.
/// </summary>
internal interface IMetaRows
{
    /// <returns>Null if there is no such key.</returns>
    byte[]? Get(byte[] key);

    void Put(byte[] key, byte[] value);

    void Delete(byte[] key);

    /// <summary>[start, end)</summary>
    void DeleteRange(byte[] start, byte[] end);
}

/// <summary>The state machine's rows at one moment.</summary>
internal interface IMetaView
{
    /// <returns>Null if there is no such key.</returns>
    byte[]? Get(byte[] key);

    /// <summary>Of the keys in [start, end), ascending. Read as they are enumerated.</summary>
    IEnumerable<byte[]> Values(byte[] start, byte[] end);
}
