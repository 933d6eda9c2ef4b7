using System.Text.RegularExpressions;
using Google.Protobuf;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Protocol.Tests;

public partial class ManifestsTests
{
    private static readonly string WirePage = File.ReadAllText(Path.Combine(Checkout.Root, "docs/wire.md"));

    [Fact]
    public void The_documents_table_is_the_codes()
    {
        var documented = ManifestRow().Matches(WirePage).Select(m => $"{m.Groups[1]} {m.Groups[2]}");
        Assert.Equal(documented, Manifests.All.Select(row => $"{row.Manifest} {row.Message.FullName}"));
    }

    [Fact]
    public void The_document_lists_every_own_field()
    {
        var documented = OwnFieldRow().Matches(WirePage).Select(m => $"{m.Groups[1]} {m.Groups[2]}");
        Assert.Equal(documented.Order(), WireFactsTests.OwnFieldsOfKvproto.Select(f => $"{f.FullName} {f.FieldNumber}").Order());
    }

    [Fact]
    public void Every_message_that_looks_like_a_request_or_response_has_a_manifest()
    {
        var listed = Manifests.All.Select(row => row.Message).ToHashSet();
        var missing = WireFactsTests.Files.Where(f => f.Package is "kvrpcpb" or "pdpb" or "keyspacepb" or "tikvactors")
            .SelectMany(f => f.MessageTypes)
            .Where(m => m.Name.EndsWith("Request", StringComparison.Ordinal) || m.Name.EndsWith("Response", StringComparison.Ordinal))
            .Where(m => !listed.Contains(m)).Select(m => m.FullName);
        Assert.Empty(missing);
    }

    [Fact]
    public void Manifests_and_messages_are_used_once()
    {
        Assert.Equal(Manifests.All.Count, Manifests.All.Select(row => row.Manifest).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(Manifests.All.Count, Manifests.All.Select(row => row.Message).Distinct().Count());
    }

    [Fact]
    public void Every_message_round_trips_with_all_its_fields()
    {
        var random = new Random(20260801);
        foreach (var (manifest, type) in Manifests.All)
            for (var i = 0; i < 10; i++)
            {
                var message = Filled.Message(type, random);
                var copy = Manifests.MessageOf(Manifests.Of(message)).Parse(message.ToByteArray());
                Assert.Equal(message, copy);
                Assert.Equal(manifest, Manifests.Of(copy));
            }
    }

    [Fact]
    public void Fields_of_newer_programs_survive_a_round_trip()
    {
        var newer = new byte[] { 0x08, 0x07, 0xF8, 0xE1, 0x30, 0x2A };  // id 7, then field 99999 = 42
        var store = Store.Parser.ParseFrom(newer);
        Assert.Equal(7ul, store.Id);
        Assert.Equal(newer, store.ToByteArray());
    }

    [Fact]
    public void A_message_without_manifest_is_refused_by_name()
    {
        Assert.Contains("TiKvActors.Protocol.Metapb.Store", Assert.Throws<ArgumentException>(() => Manifests.Of(new Store())).Message);
        Assert.Contains("\"nope\"", Assert.Throws<ArgumentException>(() => Manifests.MessageOf("nope")).Message);
    }

    [GeneratedRegex(@"^\| `(\w+)` \| `([\w.]+)` \|$", RegexOptions.Multiline)]
    private static partial Regex ManifestRow();

    [GeneratedRegex(@"^\| `([\w.]+)` \| (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex OwnFieldRow();
}
