using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;

namespace TiKvActors.Actors.Tests.Nodes;

public sealed partial class TikvSettingsTests
{
    private static TikvSettings Parse(string hocon) => TikvSettings.From(
        ConfigurationFactory.ParseString("tikv.data-directory = /tmp/x\n" + hocon).WithFallback(TikvSettings.Reference()));

    [Fact]
    public void TheReferenceAloneNeedsOnlyADirectory()
    {
        var settings = Parse("");
        Assert.Null(settings.ApiVersion);
        Assert.False(settings.PdEnabled);
        Assert.Equal(TimeSpan.FromSeconds(1), settings.Peer.Raft.ElectionTimeout);
        Assert.Equal((8 << 20) + (64 << 10), settings.Peer.MaxEntryBytes);
        var e = Assert.Throws<ArgumentException>(() => TikvSettings.From(TikvSettings.Reference()));
        Assert.Contains("tikv.data-directory", e.Message);
    }

    [Theory]
    [InlineData("tikv.pd.api-version = v9", "v9")]
    [InlineData("tikv.pd.initial-stores = 0", "initial-stores")]
    [InlineData("tikv.raft.election-timeout-ticks = -1", "election-timeout-ticks")]
    [InlineData("tikv.region.max-entry-size = 0", "max-entry-size")]
    [InlineData("tikv.store.tick-interval = 0s", "tick-interval")]
    [InlineData("tikv.store.labels = [\"zone\"]", "store.labels")]
    [InlineData("tikv.store.labels = [\"zone=a\", \"zone=b\"]", "store.labels")]
    [InlineData("tikv.pd.store-disconnect-time = 0s", "store-disconnect-time")]
    [InlineData("tikv.meta.members = [\"127.0.0.1:2551\"]", "meta.members")]
    [InlineData("tikv.meta.members = [\"1@a:1\", \"1@b:1\"]", "meta.members")]
    public void AValueOutOfRangeIsRefusedByName(string hocon, string named) =>
        Assert.Contains(named, Assert.Throws<ArgumentException>(() => Parse(hocon)).Message);

    [Fact]
    public void LabelsAreKeysAndValues() => Assert.Equal(
        [("zone", "z-1"), ("host", "10.0.0.1")],
        Parse("tikv.store.labels = [\"zone=z-1\", \"host=10.0.0.1\"]").Store.Labels.Select(l => (l.Key, l.Value)));

    /// <summary>
    /// A key that the code reads and reference.conf lacks would silently be 0; one that nobody reads would have no effect.
    /// </summary>
    [Fact]
    public void TheCodeReadsExactlyTheKeysOfTheReference()
    {
        var source = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../src/Actors/Nodes/TikvSettings.cs"));
        var read = Read().Matches(source)
            .Select(m => (m.Groups["section"].Value == "config" ? "" : m.Groups["section"].Value + ".") + m.Groups["key"].Value)
            .ToHashSet();
        Assert.True(read.Count > 30);

        var config = TikvSettings.Reference().GetConfig("tikv");
        Assert.All(read, key => Assert.True(config.HasPath(key), $"tikv.{key} is not in reference.conf"));
        var own = ConfigurationFactory.FromResource("TiKvActors.Actors.reference.conf", typeof(TikvSettings).Assembly).GetConfig("tikv")
            .AsEnumerable()
            .SelectMany(section => Leaves(section.Key, section.Value))
            .Where(key => !key.StartsWith("dispatchers."));
        Assert.All(own, key => Assert.True(read.Contains(key), $"nobody reads tikv.{key}"));
    }

    private static IEnumerable<string> Leaves(string key, Akka.Configuration.Hocon.HoconValue value) =>
        value.IsObject() ? value.GetObject().Items.SelectMany(i => Leaves($"{key}.{i.Key}", i.Value)) : [key];

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(
        """(?:Count|Bytes|Positive|NotNegative|Ticks|GetBoolean|GetString|GetDouble)\((?<section>\w+), "(?<key>[a-z.-]+)"|"""
            + """(?<section>pd|raft|config)\.Get(?:Boolean|StringList|String|Double)\("(?<key>[a-z.-]+)"\)""")]
    private static partial Regex Read();
}
