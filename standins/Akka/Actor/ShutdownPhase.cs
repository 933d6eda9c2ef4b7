using Akka.Configuration;

namespace Akka.Actor;

/// <summary>A phase of <see cref="CoordinatedShutdown"/> as akka.coordinated-shutdown.phases says it.</summary>
/// <param name="Recover">whether the next phases run in spite of failed or late tasks.</param>
internal sealed record ShutdownPhase(string Name, IReadOnlyList<string> DependsOn, TimeSpan Timeout, bool Recover, bool Enabled)
{
    public static Dictionary<string, ShutdownPhase> AllOf(Config settings)
    {
        var defaultTimeout = settings.GetTimeSpan("default-phase-timeout", null, false);
        var phases = new Dictionary<string, ShutdownPhase>();
        foreach (var (name, value) in settings.GetConfig("phases").AsEnumerable())
        {
            var phase = value.ToConfig();
            phases.Add(name, new ShutdownPhase(
                name,
                [.. phase.GetStringList("depends-on", [])],
                phase.GetTimeSpan("timeout", defaultTimeout, false),
                phase.GetBoolean("recover", true),
                phase.GetBoolean("enabled", true)));
        }
        return phases;
    }

    /// <summary>Each phase after those that it depends on.</summary>
    /// <exception cref="ArgumentException">phases depend on each other in a circle.</exception>
    public static List<string> InOrder(Dictionary<string, ShutdownPhase> phases)
    {
        var order = new List<string>();
        var open = new HashSet<string>();
        foreach (var name in phases.Keys) Visit(name);
        return order;

        void Visit(string name)
        {
            if (order.Contains(name)) return;
            if (!open.Add(name))
                throw new ArgumentException($"Cycle detected in the graph of phases: [{name}] depends, through others, on itself");
            if (phases.TryGetValue(name, out var phase))
                foreach (var earlier in phase.DependsOn) Visit(earlier);
            order.Add(name);
        }
    }
}
