namespace Hyperion.ValueSerializers;

/// <summary>Objects of the type cannot be written or read.</summary>
public class UnsupportedTypeException : Exception
{
    public Type Type;

    public UnsupportedTypeException(Type t, string msg)
        : base(msg) => Type = t;
}
