using System.Text.Json;
using System.Text.RegularExpressions;

namespace TiKvActors.Conformance;

/// <summary>One run of a program in node/, whose cases each print their outcome.</summary>
internal sealed partial class NodeRun
{
    private readonly Dictionary<string, string?> _outcomes = [];
    private string _output = "";

    /// <summary>The names of a program's cases.</summary>
    public static TheoryData<string> CasesOf(string program) =>
        [.. CaseName().Matches(File.ReadAllText(Path.Combine(NodePackages.Directory, program))).Select(m => m.Groups[1].Value)];

    public static async Task<NodeRun> OfAsync(string program, object settings)
    {
        var (exitCode, output, errors) = await NodePackages.RunAsync("node", program, JsonSerializer.Serialize(settings));
        var run = new NodeRun { _output = output + errors };
        foreach (var line in output.Split('\n').Where(l => l.StartsWith('{')))
        {
            using var outcome = JsonDocument.Parse(line);
            run._outcomes.Add(outcome.RootElement.GetProperty("name").GetString()!, outcome.RootElement.GetProperty("failure").GetString());
        }

        Assert.True(exitCode == 0, $"{program} did not end by itself: exit status {exitCode}: {run._output}");
        return run;
    }

    public void AssertPassed(string name)
    {
        Assert.True(_outcomes.TryGetValue(name, out var failure), $"not run: {_output}");
        Assert.True(failure is null, failure);
    }

    [GeneratedRegex("^test\\('([^']+)'", RegexOptions.Multiline)]
    private static partial Regex CaseName();
}
