using System.Globalization;
using Akka.Util;

namespace Akka.Actor;

/// <summary>
/// An actor's place in the hierarchy. Two paths are equal if address and names are; the uid, which tells incarnations
/// under one name apart, does not count.
/// </summary>
public abstract class ActorPath : IEquatable<ActorPath>, IComparable<ActorPath>, ISurrogated
{
    /// <summary>Besides letters, digits and %-escapes.</summary>
    public const string ValidSymbols = "\"-_.*$+:@&=,!~';()";

    private static readonly System.Buffers.SearchValues<char> _nameSymbols = System.Buffers.SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + ValidSymbols);

    private readonly int _hash;
    private string _withoutAddress;
    private string _text;

    protected ActorPath(Address address, string name)
    {
        Address = address;
        Name = name;
        _hash = HashCode.Combine(address, name);
    }

    protected ActorPath(ActorPath parentPath, string name, long uid)
    {
        Address = parentPath.Address;
        Parent = parentPath;
        Name = name;
        Uid = uid;
        Depth = parentPath.Depth + 1;
        _hash = HashCode.Combine(parentPath._hash, name);
    }

    public Address Address { get; }

    public string Name { get; }

    /// <summary>Null for a root path.</summary>
    public ActorPath Parent { get; }

    /// <summary>0 if the path is not one of a certain incarnation.</summary>
    public long Uid { get; }

    public int Depth { get; }

    public ActorPath Root
    {
        get
        {
            var path = this;
            while (path.Parent != null) path = path.Parent;
            return path;
        }
    }

    /// <summary>The names from the root down; a root has none.</summary>
    public IReadOnlyList<string> Elements
    {
        get
        {
            var elements = new string[Depth];
            var path = this;
            for (var i = Depth - 1; i >= 0; i--, path = path.Parent) elements[i] = path.Name;
            return elements;
        }
    }

    /// <summary>The elements, the last one followed by # and the uid.</summary>
    internal IReadOnlyList<string> ElementsWithUid
    {
        get
        {
            var elements = (string[])Elements;
            if (elements.Length > 0) elements[^1] += UidSuffix;
            return elements;
        }
    }

    private string UidSuffix => Uid == ActorCell.UndefinedUid ? "" : "#" + Uid.ToString(CultureInfo.InvariantCulture);

    public ActorPath Child(string childName) => this / childName;

    /// <param name="depth">Of the ancestor, counted from the root; if negative, the steps up from here.</param>
    public ActorPath ParentOf(int depth)
    {
        var wanted = depth >= 0 ? depth : Math.Max(Depth + depth, 0);
        var path = this;
        while (path.Depth > wanted) path = path.Parent;
        return path;
    }

    public ActorPath WithUid(long uid) => uid == Uid || Parent == null ? this : new ChildActorPath(Parent, Name, uid);

    public static ActorPath operator /(ActorPath path, string name)
    {
        var (childName, uid) = SplitUid(name);
        return string.IsNullOrEmpty(childName) ? path : new ChildActorPath(path, childName, uid);
    }

    public static ActorPath operator /(ActorPath path, IEnumerable<string> name)
    {
        foreach (var element in name)
            if (!string.IsNullOrEmpty(element)) path /= element;
        return path;
    }

    internal static (string Name, long Uid) SplitUid(string name)
    {
        var i = name.LastIndexOf('#');
        return i < 0
            ? (name, ActorCell.UndefinedUid)
            : (name[..i], long.Parse(name.AsSpan(i + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    /// <summary>
    /// Whether the text may be an actor's name: not empty, no leading $, only ASCII letters, digits, the symbols and %-escapes.
    /// </summary>
    public static bool IsValidPathElement(string s) => !string.IsNullOrEmpty(s) && s[0] != '$' && HasOnlyNameCharacters(s);

    private static bool HasOnlyNameCharacters(ReadOnlySpan<char> s)
    {
        while (true)
        {
            var i = s.IndexOfAnyExcept(_nameSymbols);
            if (i < 0) return true;
            if (s[i] != '%' || i + 2 >= s.Length || !char.IsAsciiHexDigit(s[i + 1]) || !char.IsAsciiHexDigit(s[i + 2])) return false;
            s = s[(i + 3)..];
        }
    }

    public static ActorPath Parse(string path) =>
        TryParse(path, out var parsed) ? parsed : throw new UriFormatException($"not an actor path like akka://system/user/name: '{path}'");

    public static bool TryParse(string path, out ActorPath actorPath)
    {
        actorPath = null;
        return path != null && Address.TryParse(path.AsSpan(), out var address, out var rest)
            && TryParse(new RootActorPath(address), rest, out actorPath);
    }

    public static bool TryParse(ActorPath basePath, string absoluteUri, out ActorPath actorPath) =>
        TryParse(basePath, absoluteUri.AsSpan(), out actorPath);

    /// <summary>Appends the elements of a text like /user/a/b#17 to a path.</summary>
    public static bool TryParse(ActorPath basePath, ReadOnlySpan<char> absoluteUri, out ActorPath actorPath)
    {
        actorPath = basePath;
        long uid = ActorCell.UndefinedUid;
        var hash = absoluteUri.LastIndexOf('#');
        if (hash >= 0)
        {
            if (!long.TryParse(absoluteUri[(hash + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out uid))
                return false;
            absoluteUri = absoluteUri[..hash];
            if (absoluteUri.Contains('#')) return false;
        }
        foreach (var range in absoluteUri.Split('/'))
        {
            var element = absoluteUri[range];
            if (!element.IsEmpty) actorPath = new ChildActorPath(actorPath, element.ToString(), ActorCell.UndefinedUid);
        }
        actorPath = actorPath.WithUid(uid);
        return true;
    }

    public static bool TryParseAddress(string path, out Address address) => Address.TryParse(path.AsSpan(), out address, out _);

    public static bool TryParseAddress(string path, out Address address, out ReadOnlySpan<char> absoluteUri) =>
        Address.TryParse(path.AsSpan(), out address, out absoluteUri);

    /// <summary>Splits at the slash that ends the address without looking into either part.</summary>
    public static bool TryParseParts(ReadOnlySpan<char> path, out ReadOnlySpan<char> address, out ReadOnlySpan<char> absoluteUri)
    {
        address = default;
        absoluteUri = default;
        var scheme = path.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) return false;
        var slash = path[(scheme + 3)..].IndexOf('/');
        var end = slash < 0 ? path.Length : scheme + 3 + slash;
        address = path[..end];
        absoluteUri = slash < 0 ? "/" : path[end..];
        return true;
    }

    public static string FormatPathElements(IEnumerable<string> pathElements) => "/" + string.Join("/", pathElements);

    public string ToStringWithoutAddress() => _withoutAddress ??= WithoutAddress();

    /// <summary>Not by recursion: a text from elsewhere may have as many elements as a frame has bytes.</summary>
    private string WithoutAddress()
    {
        if (Parent == null) return "/" + Name;
        if (Parent._withoutAddress is { Length: > 1 } parent) return parent + "/" + Name;
        var rootName = Root.Name;
        return (rootName.Length == 0 ? "" : "/" + rootName) + "/" + string.Join('/', Elements);
    }

    public override string ToString() => _text ??= Address + ToStringWithoutAddress();

    public string ToStringWithAddress() => ToString();

    /// <summary>With the given address, unless the path names a host itself.</summary>
    public string ToStringWithAddress(Address address) =>
        Address.Host != null && Address.Port != null ? ToString() : address + ToStringWithoutAddress();

    public string ToStringWithUid() => ToString() + UidSuffix;

    public string ToSerializationFormat() => ToStringWithUid();

    public string ToSerializationFormatWithAddress(Address address) => ToStringWithAddress(address) + UidSuffix;

    public bool Equals(ActorPath other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || Depth != other.Depth || _hash != other._hash || !Address.Equals(other.Address)) return false;
        for (ActorPath a = this, b = other; a != null && !ReferenceEquals(a, b); a = a.Parent, b = b.Parent)
            if (a.Name != b.Name) return false;
        return true;
    }

    public override bool Equals(object obj) => Equals(obj as ActorPath);

    public override int GetHashCode() => _hash;

    public static bool operator ==(ActorPath left, ActorPath right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(ActorPath left, ActorPath right) => !(left == right);

    /// <summary>Shallower paths first, then by address and names.</summary>
    public int CompareTo(ActorPath other)
    {
        if (other is null) return 1;
        if (Depth != other.Depth) return Depth.CompareTo(other.Depth);
        var result = Address.CompareTo(other.Address);
        if (result == 0) result = string.CompareOrdinal(Root.Name, other.Root.Name);
        var (names, others) = (Elements, other.Elements);
        for (var i = 0; i < names.Count && result == 0; i++) result = string.CompareOrdinal(names[i], others[i]);
        return result;
    }

    public ISurrogate ToSurrogate(ActorSystem system) => new Surrogate(ToSerializationFormat());

    public sealed class Surrogate : ISurrogate, IEquatable<Surrogate>, IEquatable<ActorPath>
    {
        public Surrogate(string path) => Path = path;

        public string Path { get; }

        public ISurrogated FromSurrogate(ActorSystem system) => TryParse(Path, out var path) ? path : null;

        public bool Equals(Surrogate other) => other is not null && Path == other.Path;

        public bool Equals(ActorPath other) => other is not null && Path == other.ToSerializationFormat();

        public override bool Equals(object obj) => obj is Surrogate other ? Equals(other) : Equals(obj as ActorPath);

        public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);
    }
}

/// <summary>The root of a system's hierarchy.</summary>
public sealed class RootActorPath : ActorPath
{
    public RootActorPath(Address address, string name = "") : base(address, name)
    {
    }
}

public sealed class ChildActorPath : ActorPath
{
    public ChildActorPath(ActorPath parentPath, string name, long uid) : base(parentPath, name, uid)
    {
    }
}

public static class RelativeActorPath
{
    /// <summary>The elements of a path without address, relative or absolute; null if it is not one.</summary>
    public static IEnumerable<string> Unapply(string addr)
    {
        if (addr.Contains("://", StringComparison.Ordinal)) return null;
        var hash = addr.LastIndexOf('#');
        var uid = hash < 0 ? "" : addr[hash..];
        var elements = (hash < 0 ? addr : addr[..hash]).Split('/');
        elements[^1] += uid;
        return elements;
    }
}
