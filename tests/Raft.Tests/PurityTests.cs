using System.Reflection;

namespace TiKvActors.Raft.Tests;

/// <summary>
/// Time and chance are parameters of the core; threads, disks and actors are not its business. The sources are read as data.
/// </summary>
public class PurityTests
{
    private static string Sources => Path.Combine(
        typeof(PurityTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!,
        "src", "Raft");

    [Theory]
    [InlineData("DateTime")]
    [InlineData("Stopwatch")]
    [InlineData("TimeProvider")]
    [InlineData("Environment.")]
    [InlineData("Random.Shared")]
    [InlineData("new Random(")]
    [InlineData("Guid.")]
    [InlineData("System.Threading")]
    [InlineData("Task")]
    [InlineData("async ")]
    [InlineData("lock (")]
    [InlineData("System.IO")]
    [InlineData("Akka")]
    [InlineData("Console.")]
    public void The_core_knows_nothing_of(string word)
    {
        var files = Directory.GetFiles(Sources, "*.cs");
        Assert.NotEmpty(files);
        foreach (var file in files)
            Assert.DoesNotContain(word, File.ReadAllText(file));
    }

    [Fact]
    public void The_core_references_only_the_protocol() =>
        Assert.DoesNotContain(
            typeof(RaftNode).Assembly.GetReferencedAssemblies(),
            a => a.Name!.StartsWith("Akka", StringComparison.Ordinal)
                || a.Name.StartsWith("TiKvActors.", StringComparison.Ordinal) && a.Name != "TiKvActors.Protocol");
}
