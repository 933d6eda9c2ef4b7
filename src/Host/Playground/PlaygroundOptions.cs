namespace TiKvActors.Host.Playground;

/// <summary>What <c>tkv playground</c> was asked for.</summary>
public sealed record PlaygroundOptions
{
    public required int Stores { get; init; }

    /// <summary>How many of the stores' nodes may run PD, the first ones: the members of the meta group.</summary>
    public required int Pds { get; init; }

    /// <summary>Where nothing else is said.</summary>
    public static int PdsOf(int stores) => Math.Min(stores, 3);

    /// <summary>Null: a temporary one, removed at the end.</summary>
    public required string? DataDirectory { get; init; }

    /// <summary>Null: what the data directory says, else v2.</summary>
    public required string? ApiMode { get; init; }

    public required int PortOffset { get; init; }

    /// <summary>
    /// By store: the ports by which others reach it, if something stands between. Empty: those that it listens on.
    /// </summary>
    public IReadOnlyList<int> PublicPorts { get; init; } = [];

    /// <summary>HOCON that every store takes before the reference configuration; null for none.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>Each node answers HTTP as a server does, unless its settings say otherwise.</summary>
    public bool HasManagement { get; init; } = true;

    /// <summary>TiKV's own clients are served, whatever the settings say.</summary>
    public bool Grpc { get; init; }

    /// <summary>Each store in a process of its own.</summary>
    public bool Processes { get; init; }
}
