using System.Collections.Concurrent;
using Hyperion.ValueSerializers;

namespace Hyperion.SerializerFactories;

/// <summary>
/// Makes the serializers of types that Hyperion does not know, or not well enough; asked before anything else but primitive types.
/// Called from many threads.
/// </summary>
public abstract class ValueSerializerFactory
{
    public abstract bool CanSerialize(Serializer serializer, Type type);

    public abstract bool CanDeserialize(Serializer serializer, Type type);

    /// <summary>Usually an <see cref="ObjectSerializer"/> with a reader and a writer of the factory's own.</summary>
    public abstract ValueSerializer BuildSerializer(Serializer serializer, Type type, ConcurrentDictionary<Type,
        ValueSerializer> typeMapping);
}
