using Google.Protobuf;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Journal;

internal static class MetaRecords
{
    /// <returns>Null if there is no such row.</returns>
    /// <exception cref="CorruptionException">The row is not what belongs under its key.</exception>
    public static T? Parse<T>(byte[] key, byte[]? row, MessageParser<T> parser) where T : class, IMessage<T>, new()
    {
        if (row is null)
            return null;
        try
        {
            return parser.Parse(row);
        }
        catch (InvalidDataException e)
        {
            throw new CorruptionException("the meta group's rows", key, $"{row.Length} bytes are no {typeof(T).Name}", e);
        }
    }
}
