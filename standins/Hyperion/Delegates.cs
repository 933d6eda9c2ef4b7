using Hyperion.ValueSerializers;

namespace Hyperion;

/// <summary>
/// Reads a value whose manifest is read already. Calls <see cref="DeserializerSession.TrackDeserializedObject"/> before anything inside
/// that may refer back to it.
/// </summary>
public delegate object ObjectReader(Stream stream, DeserializerSession session);

/// <summary>Writes a value behind the manifest of its <see cref="ObjectSerializer"/>.</summary>
public delegate void ObjectWriter(Stream stream, object obj, SerializerSession session);
