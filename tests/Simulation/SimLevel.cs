using TiKvActors.Simulation.Stores;

namespace TiKvActors.Simulation;

/// <summary>What is simulated: groups of the consensus core, or whole stores. A seed means something else on each.</summary>
internal sealed record SimLevel(
    string Name, int DefaultSteps, IReadOnlyList<string> Profiles, IReadOnlyList<string> Probes,
    Func<int, string?, int, TextWriter?, SimResult> Run)
{
    public static readonly IReadOnlyList<SimLevel> All =
    [
        new("raft", Simulation.DefaultSteps, [.. SimProfile.All.Select(p => p.Name)], RaftProbes.All, Simulation.Run),
        new("stores", StoreSimulation.DefaultSteps, [.. StoreProfile.All.Select(p => p.Name)], StoreProbes.All, StoreSimulation.Run),
    ];

    public static SimLevel Of(string name) => All.First(l => l.Name == name);
}
