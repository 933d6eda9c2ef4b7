using System.Reflection;

namespace TiKvActors.Host.Tests;

/// <summary>What the README shows is what is compiled and run here.</summary>
public class ReadmeTests(CommandLineTests.Cluster cluster) : IClassFixture<CommandLineTests.Cluster>
{
    private static readonly string _root =
        typeof(ReadmeTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    [Fact]
    public void The_example_is_the_one_that_is_compiled()
    {
        var source = File.ReadAllLines(Path.Combine(_root, "tests", "Host.Tests", "ReadmeExample.cs"));
        var begin = Array.FindIndex(source, l => l.Trim() == "// begin");
        var end = Array.FindIndex(source, l => l.Trim() == "// end");
        var compiled = source[(begin + 1)..end]
            .Select(l => l[Math.Min(8, l.Length)..].Replace("(endpoint)", "(\"127.0.0.1:2551\")").Replace("console.", "Console."));
        var readme = File.ReadAllText(Path.Combine(_root, "README.md"));
        var shown = readme.Split("```csharp\n")[1].Split("```")[0];
        Assert.Equal(
            string.Concat(new[] { "using System.Text;\n", "using TiKvActors.Client;\n", "\n" }.Concat(compiled.Select(l => l + "\n"))),
            shown);
    }

    [Fact]
    public async Task The_example_runs()
    {
        var console = new StringWriter { NewLine = "\n" };
        await ReadmeExample.RunAsync(cluster.Endpoint, console);
        Assert.Equal("user:1 = Ada\nuser:2 = Grace\nTrue\n", console.ToString());
    }
}
