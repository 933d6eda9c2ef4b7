using System.Reflection;

namespace TiKvActors.StandIns.Tests;

/// <summary>Every recorded scenario prints on the stand-ins what it printed on the real packages.</summary>
public class BehaviourTests
{
    private const string Absent = "the recorded scenarios (../shared/akka-behaviour) are not beside this checkout";

    private static readonly Assembly _assembly = typeof(BehaviourTests).Assembly;

    private static string Folder =>
        _assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == "AkkaBehaviour")?.Value;

    public static TheoryData<string> Scenarios()
    {
        var names = new TheoryData<string>();
        foreach (var type in _assembly.GetTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
            if (type.Namespace?.StartsWith("AkkaBehaviour.", StringComparison.Ordinal) == true && type.GetMethod("Run") != null)
                names.Add(type.FullName);
        if (names.Count == 0) names.Add(Absent);
        return names;
    }

    [ScenarioTheory, MemberData(nameof(Scenarios))]
    public async Task Behaves_like_the_real_library(string scenario)
    {
        var type = _assembly.GetType(scenario);
        var output = new StringWriter { NewLine = "\n" };
        await (Task)type.GetMethod("Run").Invoke(null, [output]);
        Assert.Equal(File.ReadAllText(Path.Combine(Folder, "expected", type.Name + ".txt")), output.ToString());
    }

    private sealed class ScenarioTheoryAttribute : TheoryAttribute
    {
        public ScenarioTheoryAttribute()
        {
            if (Folder == null) Skip = Absent;
        }
    }
}
