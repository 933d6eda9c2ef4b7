namespace Hyperion.Internal;

/// <summary>The byte before every value. Below 32: primitive values, see <see cref="Primitives"/>.</summary>
internal static class Manifests
{
    /// <summary>What <see cref="Surrogate"/> made of the value follows.</summary>
    public const byte Surrogate = 249;

    /// <summary>The number of a known type; with its fields.</summary>
    public const byte KnownVersion = 250;

    /// <summary>The name of a type, and its fields.</summary>
    public const byte NameVersion = 251;

    /// <summary>The number of a known type.</summary>
    public const byte Known = 252;

    /// <summary>The number of an object that came before.</summary>
    public const byte Reference = 253;

    /// <summary>The number of a type that came before.</summary>
    public const byte Index = 254;

    /// <summary>The name of a type.</summary>
    public const byte Name = 255;
}
