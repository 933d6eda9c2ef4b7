namespace Akka.Configuration.Hocon;

/// <summary>Dotted paths, in which a quoted part keeps its dots: <c>akka.actor.deployment."/user/a.b".router</c>.</summary>
internal static class Paths
{
    /// <returns>null where the path leads nowhere.</returns>
    public static HoconValue Find(HoconValue from, string path)
    {
        var rest = path.AsSpan();
        var value = from;
        while (true)
        {
            var part = TakePart(ref rest, out var last);
            value = value.GetObject()?.GetKey(part);
            if (last || value == null) return value;
        }
    }

    private static ReadOnlySpan<char> TakePart(ref ReadOnlySpan<char> rest, out bool last)
    {
        if (rest.Length > 0 && rest[0] == '"')
        {
            var close = rest[1..].IndexOf('"');
            if (close >= 0)
            {
                var quoted = rest.Slice(1, close);
                var after = rest[(close + 2)..];
                last = after.Length == 0;
                rest = last ? after : after[1..];
                return quoted;
            }
        }
        var dot = rest.IndexOf('.');
        last = dot < 0;
        var part = last ? rest : rest[..dot];
        rest = last ? default : rest[(dot + 1)..];
        return part;
    }
}
