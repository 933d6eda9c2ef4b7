using Hyperion.Internal;

namespace Hyperion.Shapes;

/// <summary>How the values of a type are written behind its name, and made again.</summary>
internal abstract class Shape
{
    /// <summary>Null where values are not written field by field.</summary>
    public virtual FieldLayout Layout => null;

    public abstract void Write(Stream stream, object value, SerializerSession session);

    public abstract object Read(Stream stream, DeserializerSession session);
}
