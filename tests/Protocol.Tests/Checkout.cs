namespace TiKvActors.Protocol.Tests;

/// <summary>Files of the checkout that tests compare the code with.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    /// <summary>Facts about TiKV's wire, which lie beside the checkout; null if they do not.</summary>
    public static string? WireFacts { get; } = Directory.Exists(Path.Combine(Root, "../shared/wire"))
        ? Path.Combine(Root, "../shared/wire")
        : null;

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "TiKvActors.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"no TiKvActors.sln above {AppContext.BaseDirectory}");
        return folder.FullName;
    }
}
