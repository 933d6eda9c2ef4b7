using System.Reflection;
using System.Text;

namespace TiKvActors.Raft.Tests;

/// <summary>
/// Golden files: each block of testdata/*.txt is a command, a line <c>----</c>, and what it prints. <c>TKV_REWRITE=1</c> writes what is
/// printed now into the files; read the difference before committing it.
/// </summary>
public class ScenarioTests
{
    private static string Folder => Path.Combine(
        typeof(ScenarioTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!,
        "tests", "Raft.Tests", "testdata");

    public static TheoryData<string> Files() =>
        [.. Directory.GetFiles(Folder, "*.txt").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Files))]
    public void Prints_what_the_golden_file_says(string file)
    {
        var path = Path.Combine(Folder, file);
        var recorded = File.ReadAllText(path);
        var printed = Run(recorded);
        if (Environment.GetEnvironmentVariable("TKV_REWRITE") == "1") File.WriteAllText(path, printed);
        else Assert.Equal(recorded, printed);
    }

    private static string Run(string text)
    {
        var scenario = new Scenario();
        var output = new StringBuilder();
        using var lines = new StringReader(text);
        var inExpected = false;
        while (lines.ReadLine() is { } line)
        {
            if (inExpected && line.Length > 0) continue;
            inExpected = line == "----";
            if (inExpected || line.Length == 0 || line[0] == '#')
            {
                if (!inExpected) output.Append(line).Append('\n');
                continue;
            }
            var printed = scenario.Execute(line);
            output.Append(line).Append("\n----\n").Append(printed.Length == 0 ? "ok\n" : printed);
        }
        return output.ToString();
    }
}
