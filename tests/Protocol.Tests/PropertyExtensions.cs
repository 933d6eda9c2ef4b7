using FsCheck;

namespace TiKvActors.Protocol.Tests;

internal static class PropertyExtensions
{
    /// <summary>Tries a few hundred random inputs; a failure prints the seed that repeats it.</summary>
    public static void Check(this Property property) => FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), property);
}
