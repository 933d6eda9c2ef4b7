using System.Reflection;
using System.Text.RegularExpressions;

namespace TiKvActors.StandIns.Tests;

/// <summary>A stand-in shows nothing that the real package does not have: a use of it would not build with AkkaSource=nuget.</summary>
public partial class PublicApiTests
{
    private static string Folder =>
        typeof(PublicApiTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == "AkkaApi")?.Value;

    [ApiListTheory]
    [InlineData("Akka")]
    [InlineData("Akka.Remote")]
    [InlineData("Akka.Cluster")]
    [InlineData("Akka.Cluster.Sharding")]
    [InlineData("Akka.Cluster.Tools")]
    [InlineData("Akka.Persistence")]
    [InlineData("Akka.Serialization.Hyperion")]
    [InlineData("Akka.TestKit")]
    [InlineData("Akka.TestKit.Xunit2")]
    [InlineData("Hyperion")]
    [InlineData("RocksDbSharp")]
    public void Has_nothing_public_beyond_the_real_package(string assembly)
    {
        var types = PublicApi.Types(Assembly.Load(assembly)).ToList();
        var list = new ApiList(File.ReadLines(Path.Combine(Folder, assembly + ".txt")));
        Assert.NotEmpty(types);
        var additions = types.SelectMany(list.Additions).ToList();
        Assert.True(additions.Count == 0, $"{additions.Count} additions:\n{string.Join("\n", additions)}");
    }

    /// <summary>The lines of one list, without what does not change a caller.</summary>
    private sealed partial class ApiList
    {
        private readonly Dictionary<string, string[]> _types = new();
        private readonly HashSet<string> _members = new();

        public ApiList(IEnumerable<string> lines)
        {
            foreach (var line in lines.Select(Relevant))
            {
                if (line.Contains(" :: ")) _members.Add(line);
                else AddType(line);
            }
        }

        public IEnumerable<string> Additions(Type type)
        {
            var declaration = Relevant(PublicApi.Declaration(type));
            if (!_types.TryGetValue(declaration, out var inherited))
            {
                yield return declaration;
                yield break;
            }
            var (baseType, interfaces) = (PublicApi.BaseOf(type), PublicApi.InterfacesOf(type).ToList());
            var realBase = inherited.FirstOrDefault() is { } first && !InterfaceName().IsMatch(first) ? first : null;
            if (baseType != realBase) yield return $"{declaration} : {baseType ?? "object"} instead of {realBase ?? "object"}";
            foreach (var added in interfaces.Except(inherited)) yield return $"{declaration} : {added}";
            foreach (var member in PublicApi.Members(type).Select(Relevant).Where(m => !_members.Contains(m))) yield return member;
        }

        private void AddType(string line)
        {
            // Delegates and enumerations are written in one piece.
            if (line.Contains("delegate ") || line.Contains(" enum : "))
            {
                _types[line] = [];
                return;
            }
            var constraints = Constraints().Match(line).Value;
            var declaration = constraints.Length == 0 ? line : line[..^constraints.Length];
            var colon = declaration.IndexOf(" : ", StringComparison.Ordinal);
            if (colon < 0) _types[line] = [];
            else _types[declaration[..colon] + constraints] = SplitOutsideBrackets(declaration[(colon + 3)..]);
        }

        private static string Relevant(string line)
        {
            var plain = Modifiers().Replace(line, "");
            return plain.Contains(" :: ") || plain.Contains("delegate ") ? DefaultValues().Replace(plain, " = default") : plain;
        }

        private static string[] SplitOutsideBrackets(string list)
        {
            var parts = new List<string>();
            var (start, depth) = (0, 0);
            for (var i = 0; i < list.Length; i++)
            {
                depth += list[i] switch { '<' => 1, '>' => -1, _ => 0 };
                if (list[i] != ',' || depth > 0) continue;
                parts.Add(list[start..i].Trim());
                start = i + 1;
            }
            parts.Add(list[start..].Trim());
            return parts.ToArray();
        }

        [GeneratedRegex(@"\[Obsolete\] |\b(sealed override|override|virtual) ")]
        private static partial Regex Modifiers();

        [GeneratedRegex(@" = (""[^""]*""|'.'|[^,()\]]+)(?=[,)\]])")]
        private static partial Regex DefaultValues();

        [GeneratedRegex(@"( where \w+ : [^:]+)+$")]
        private static partial Regex Constraints();

        [GeneratedRegex(@"^([\w.]+\.)?I[A-Z]\w*(<.*>)?$")]
        private static partial Regex InterfaceName();
    }

    private sealed class ApiListTheoryAttribute : TheoryAttribute
    {
        public ApiListTheoryAttribute()
        {
            if (Folder == null || !Directory.Exists(Folder))
                Skip = "the lists of the real packages' API (../shared/akka-api) are not beside this checkout";
#if AKKA_NUGET
            Skip = "built with the real packages";
#endif
        }
    }
}
