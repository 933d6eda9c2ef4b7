namespace TiKvActors.Hosting;

/// <summary>What members of the cluster are for (<c>akka.cluster.roles</c>).</summary>
public static class TikvRoles
{
    /// <summary>May run PD; a voice in who belongs to a divided cluster.</summary>
    public const string Pd = "pd";

    /// <summary>Has a store.</summary>
    public const string Store = "store";

    /// <summary>Only uses the cluster.</summary>
    public const string Client = "client";

    /// <summary>The file of hocon/ for a combination of roles.</summary>
    /// <exception cref="ArgumentException">There is no such combination.</exception>
    internal static string FileOf(IReadOnlyCollection<string> roles) => string.Join(',', roles.Order(StringComparer.Ordinal)) switch
    {
        "pd,store" => "node.conf",
        Pd => "pd.conf",
        Store => "store.conf",
        Client => "client.conf",
        var other => throw new ArgumentException($"no node has the roles \"{other}\": it is pd,store (the default), pd, store or client"),
    };
}
