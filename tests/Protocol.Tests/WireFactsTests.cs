using System.Globalization;
using Google.Protobuf.Reflection;

namespace TiKvActors.Protocol.Tests;

/// <summary>
/// The .proto files against the recorded facts about kvproto: same names, numbers, types, labels, oneofs, reserved numbers.
/// </summary>
public class WireFactsTests
{
    private const int FirstOwnField = 20000;

    internal static IReadOnlyList<FileDescriptor> Files { get; } =
    [
        .. typeof(RaftAdvanced).Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(t => t.GetProperty("Descriptor")?.GetValue(null)).OfType<FileDescriptor>()
            .OrderBy(f => f.Name, StringComparer.Ordinal),
    ];

    internal static IEnumerable<MessageDescriptor> Messages => Files.SelectMany(f => f.MessageTypes).SelectMany(WithNested);

    internal static IEnumerable<FieldDescriptor> OwnFieldsOfKvproto =>
        Messages.Where(IsKvproto).SelectMany(m => m.Fields.InDeclarationOrder()).Where(f => f.FieldNumber >= FirstOwnField);

    [WireFactsFact]
    public void Messages_and_fields_are_kvprotos()
    {
        var facts = Csv("fields.csv").Where(r => r[2] != "")
            .ToDictionary(r => (Message: r[1], Number: int.Parse(r[2], CultureInfo.InvariantCulture)));
        var known = Csv("fields.csv").Select(r => r[1]).ToHashSet();
        var wrong = new List<string>();
        var compared = 0;
        foreach (var message in Messages.Where(IsKvproto))
        {
            if (!known.Contains(message.FullName))
                wrong.Add($"{message.FullName}: kvproto has no such message");
            foreach (var field in message.Fields.InDeclarationOrder().Where(f => f.FieldNumber < FirstOwnField))
            {
                var ours = $"{field.Name} {TypeName(field)} {(field.IsRepeated ? "repeated" : "optional")} {field.ContainingOneof?.Name}";
                var theirs = facts.TryGetValue((message.FullName, field.FieldNumber), out var r)
                    ? $"{r[3]} {r[4]} {r[5]} {r[6]}"
                    : "nothing";
                if (ours != theirs)
                    wrong.Add($"{message.FullName} {field.FieldNumber}: {ours}; kvproto has {theirs}");
                if (field.IsRepeated && !field.IsPacked
                    && field.FieldType is not (FieldType.Message or FieldType.Bytes or FieldType.String))
                    wrong.Add($"{field.FullName}: not packed");
                compared++;
            }
        }
        Assert.Empty(wrong);
        Assert.True(compared > 300, $"only {compared} fields compared");
    }

    [WireFactsFact]
    public void Own_fields_and_packages_do_not_collide_with_kvproto()
    {
        var packages = Csv("fields.csv").Select(r => r[1].Split('.')[0]).ToHashSet();
        Assert.DoesNotContain("tikvactors", packages);
        Assert.True(Csv("fields.csv").Where(r => r[2] != "").Max(r => int.Parse(r[2], CultureInfo.InvariantCulture)) < FirstOwnField);
    }

    [WireFactsFact]
    public void Enums_are_kvprotos_and_complete()
    {
        var facts = Csv("enums.csv").ToLookup(r => r[1], r => $"{r[2]} = {r[3]}");
        foreach (var type in Files.Where(f => f.Package != "tikvactors")
            .SelectMany(f => f.EnumTypes.Concat(f.MessageTypes.SelectMany(WithNested).SelectMany(m => m.EnumTypes))))
            Assert.Equal(facts[type.FullName].Order(), type.Values.Select(v => $"{v.Name} = {v.Number}").Order());
    }

    [WireFactsFact]
    public void Numbers_that_kvproto_reserves_are_reserved()
    {
        var ours = Messages.ToDictionary(m => m.FullName);
        foreach (var row in Csv("reserved.csv").Where(r => ours.ContainsKey(r[1])))
        {
            var message = ours[row[1]].ToProto();
            if (row[2] == "")
            {
                Assert.Contains(row[4], message.ReservedName);
                continue;
            }
            var (from, to) = (int.Parse(row[2], CultureInfo.InvariantCulture), int.Parse(row[3], CultureInfo.InvariantCulture));
            Assert.Contains(message.ReservedRange, r => r.Start == from && r.End == to + 1);
        }
    }

    private static bool IsKvproto(MessageDescriptor message) => message.File.Package != "tikvactors";

    private static IEnumerable<MessageDescriptor> WithNested(MessageDescriptor message) =>
        message.NestedTypes.SelectMany(WithNested).Prepend(message);

    private static string TypeName(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => field.MessageType.FullName,
        FieldType.Enum => field.EnumType.FullName,
        var type => type.ToString().ToLowerInvariant(),
    };

    private static IEnumerable<string[]> Csv(string file) =>
        File.ReadLines(Path.Combine(Checkout.WireFacts!, file)).Skip(1).Select(line => line.Split(','));

    private sealed class WireFactsFactAttribute : FactAttribute
    {
        public WireFactsFactAttribute()
        {
            if (Checkout.WireFacts is null) Skip = "the facts about TiKV's wire (../shared/wire) are not beside this checkout";
        }
    }
}
