namespace Akka.Configuration.Hocon;

/// <summary>Finds the values that substitutions stand for, and refuses those that would never end.</summary>
internal static class Substitutions
{
    /// <summary>Reading a value follows its substitutions recursively, so their chains must not end the stack.</summary>
    private const int MaxDepth = 4 * Parser.MaxNesting;

    public static void Resolve(HoconValue root, List<HoconSubstitution> substitutions)
    {
        if (substitutions.Count == 0) return;
        foreach (var substitution in substitutions)
            substitution.ResolvedValue = Paths.Find(root, substitution.Path)
                ?? throw new FormatException("Unresolved substitution: ${" + substitution.Path + "}");
        new EndlessCheck().Visit(root, "the configuration", 0);
    }

    private sealed class EndlessCheck
    {
        private readonly HashSet<HoconValue> _open = new(ReferenceEqualityComparer.Instance);
        private readonly HashSet<HoconValue> _done = new(ReferenceEqualityComparer.Instance);

        public void Visit(HoconValue value, string through, int depth)
        {
            if (_done.Contains(value)) return;
            if (!_open.Add(value)) throw new FormatException($"Substitution {through} leads back to itself");
            if (depth > MaxDepth) throw new FormatException($"Substitution {through} is one of a chain longer than {MaxDepth}");
            foreach (var element in value.Values)
            {
                switch (element)
                {
                    case HoconObject inner:
                        foreach (var item in inner.Items.Values) Visit(item, through, depth + 1);
                        break;
                    case HoconArray list:
                        foreach (var item in list) Visit(item, through, depth + 1);
                        break;
                    case HoconSubstitution { ResolvedValue: { } target } substitution:
                        Visit(target, "${" + substitution.Path + "}", depth + 1);
                        break;
                }
            }
            _open.Remove(value);
            _done.Add(value);
        }
    }
}
