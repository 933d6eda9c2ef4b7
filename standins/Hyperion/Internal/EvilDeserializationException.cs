using System.Security;

namespace Hyperion.Internal;

/// <summary>A type that is known to be dangerous was about to be written or read.</summary>
public class EvilDeserializationException(string message, string typeString) : SecurityException(message)
{
    public string BadTypeString { get; } = typeString;
}

/// <summary>A type that the <see cref="ITypeFilter"/> does not allow was about to be written or read.</summary>
public class UserEvilDeserializationException(string message, string typeString) : EvilDeserializationException(message, typeString);
