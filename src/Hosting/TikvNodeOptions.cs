using System.Globalization;
using System.Text;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;

namespace TiKvActors.Hosting;

/// <summary>What tells one node from others of its roles; the rest is in its role's file (hocon/) and the reference configurations.</summary>
public sealed record TikvNodeOptions
{
    private const int MostReplicas = 3;

    /// <summary>Of <see cref="TikvRoles"/>: pd and store together, or one of them, or client.</summary>
    public IReadOnlyCollection<string> Roles { get; init; } = [TikvRoles.Pd, TikvRoles.Store];

    /// <summary>Required but for clients; made when it is missing.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>The name or address under which other nodes and clients reach this node, and on which it listens.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0: any free one, for clients only.</summary>
    public int Port { get; init; } = 2551;

    /// <summary>By which others reach it, if something stands between.</summary>
    public int? PublicPort { get; init; }

    /// <summary>
    /// The PD nodes as <c>id@host:port</c>, the same on all nodes (<c>tikv.meta.members</c>). Empty: those of <see cref="Config"/>; without
    /// any, a node that may run PD is the only one, with id 1.
    /// </summary>
    public IReadOnlyList<string> Members { get; init; } = [];

    /// <summary>v2, v1 or v1ttl. Null: as the cluster was founded, and v2 for a new one.</summary>
    public string? ApiMode { get; init; }

    /// <summary>Replicas of a new cluster's first region. Null: one on each PD node, at most three.</summary>
    public int? InitialStores { get; init; }

    /// <summary>Settings that win over the role's file; what is said above wins over them. Null: none.</summary>
    public Config? Config { get; init; }

    /// <summary>The complete configuration of the node's actor system.</summary>
    /// <exception cref="ArgumentException">There is no such combination of roles.</exception>
    public Config ToConfig()
    {
        var role = ConfigurationFactory.FromResource($"TiKvActors.Hosting.{TikvRoles.FileOf(Roles)}", typeof(TikvNodeOptions).Assembly);
        var given = Config is null ? role : Config.WithFallback(role);
        return ConfigurationFactory.ParseString(Own(given)).WithFallback(given).WithFallback(TikvSettings.Reference());
    }

    private string Own(Config given)
    {
        var text = new StringBuilder();
        void Set(string key, string value) => text.Append(key).Append(" = ").Append(value).Append('\n');

        Set("akka.remote.dot-netty.tcp.hostname", Quote(Host));
        Set("akka.remote.dot-netty.tcp.port", Number(Port));
        if (PublicPort is { } publicPort)
            Set("akka.remote.dot-netty.tcp.public-port", Number(publicPort));
        // The host ends the system by itself, and the process after it.
        Set("akka.coordinated-shutdown { exit-clr", "off, run-by-clr-shutdown-hook = off }");
        var members = MembersOf(given);
        if (members.Count > 0)
            Set("tikv.meta.members", $"[{string.Join(", ", members.Select(Quote))}]");
        if (DataDirectory is not null)
            Set("tikv.data-directory", Quote(DataDirectory));
        // In a cluster every node knows where PD is.
        if (DataDirectory is not null)
            Set("tikv.pd.endpoint", Quote(Address));
        if (ApiMode is not null)
            Set("tikv.pd.api-version", ApiMode);
        if (InitialStores is { } stores)
            Set("tikv.pd.initial-stores", Number(stores));
        else if (!given.HasPath("tikv.pd.initial-stores"))
            Set("tikv.pd.initial-stores", Number(Math.Clamp(members.Count, 1, MostReplicas)));
        return text.ToString();
    }

    private string Address => $"{Host}:{Number(PublicPort ?? Port)}";

    private IReadOnlyList<string> MembersOf(Config given)
    {
        if (Members.Count > 0)
            return Members;
        if (given.HasPath("tikv.meta.members") && given.GetStringList("tikv.meta.members") is { Count: > 0 } configured)
            return [.. configured];
        return Roles.Contains(TikvRoles.Pd) ? [$"1@{Address}"] : [];
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
