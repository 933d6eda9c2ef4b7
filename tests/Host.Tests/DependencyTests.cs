using System.Reflection;

namespace TiKvActors.Host.Tests;

/// <summary>Dependencies point one way: docs/architecture.md, "The rooms".</summary>
public class DependencyTests
{
    [Theory]
    [InlineData("TiKvActors.Protocol", "Akka", "Google.Protobuf")]
    [InlineData("TiKvActors.Raft", "TiKvActors.Protocol", "Google.Protobuf")]
    [InlineData("TiKvActors.Storage", "TiKvActors.Protocol", "Google.Protobuf", "Akka", "Akka.Persistence", "RocksDbSharp")]
    [InlineData(
        "TiKvActors.Actors",
        "TiKvActors.Protocol", "TiKvActors.Raft", "TiKvActors.Storage", "Google.Protobuf", "Akka", "Akka.Cluster",
        "Akka.Cluster.Sharding", "Akka.Cluster.Tools", "Akka.Persistence", "Akka.Remote")]
    [InlineData("TiKvActors.Client", "TiKvActors.Protocol", "Google.Protobuf", "Akka", "Akka.Remote")]
    [InlineData(
        "TiKvActors.Hosting",
        "TiKvActors.Protocol", "TiKvActors.Storage", "TiKvActors.Actors", "TiKvActors.Client", "Google.Protobuf", "Akka", "Akka.Cluster",
        "Microsoft.Extensions.Hosting.Abstractions", "Microsoft.Extensions.DependencyInjection.Abstractions")]
    public void A_room_uses_only_what_it_may(string room, params string[] allowed)
    {
        var used = Assembly.Load(room).GetReferencedAssemblies().Select(a => a.Name!)
            .Where(name => !name.StartsWith("System", StringComparison.Ordinal)
                && name is not ("netstandard" or "Microsoft.Win32.Primitives"));
        Assert.Empty(used.Except(allowed));
    }
}
