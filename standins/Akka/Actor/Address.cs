using System.Globalization;
using Akka.Util;

namespace Akka.Actor;

/// <summary>Where an actor system is reached: protocol, system and, for remote ones, host and port.</summary>
public sealed class Address : IEquatable<Address>, IComparable<Address>, IComparable, ISurrogated, ICloneable
{
    /// <summary>The address of no system in particular; <see cref="ActorRefs.Nobody"/> lives there.</summary>
    public static readonly Address AllSystems = new("akka", "all-systems");

    public static readonly IComparer<Address> Comparer = Comparer<Address>.Create(Compare);

    private readonly string _text;

    public Address(string protocol, string system, string host = null, int? port = null)
    {
        Protocol = protocol;
        System = system;
        Host = host?.ToLowerInvariant();
        Port = port;
        _text = Protocol + "://" + HostPort();
    }

    public string Protocol { get; }

    public string System { get; }

    public string Host { get; }

    public int? Port { get; }

    public bool HasLocalScope => string.IsNullOrEmpty(Host);

    public bool HasGlobalScope => !HasLocalScope;

    public string HostPort()
    {
        if (Host == null) return System;
        return Port is { } port ? System + "@" + Host + ":" + port.ToString(CultureInfo.InvariantCulture) : System + "@" + Host;
    }

    public Address WithProtocol(string protocol) => new(protocol, System, Host, Port);

    public Address WithSystem(string system) => new(Protocol, system, Host, Port);

    public Address WithHost(string host = null) => new(Protocol, System, host, Port);

    public Address WithPort(int? port = null) => new(Protocol, System, Host, port);

    public override string ToString() => _text;

    public bool Equals(Address other) => ReferenceEquals(this, other) || (other is not null && Port == other.Port && _text == other._text);

    public override bool Equals(object obj) => Equals(obj as Address);

    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    public static bool operator ==(Address left, Address right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(Address left, Address right) => !(left == right);

    public int CompareTo(Address other) => Compare(this, other);

    int IComparable.CompareTo(object obj) => obj switch
    {
        null => 1,
        Address other => CompareTo(other),
        _ => throw new ArgumentException($"cannot compare an address with a {obj.GetType()}", nameof(obj))
    };

    public object Clone() => new Address(Protocol, System, Host, Port);

    public static Address Parse(string address) =>
        TryParse(address, out var parsed)
            ? parsed : throw new UriFormatException($"not an address like akka.tcp://system@host:port: '{address}'");

    public static bool TryParse(string path, out Address address) => TryParse(path.AsSpan(), out address, out _);

    public static bool TryParse(string path, out Address address, out string absolutUri)
    {
        var parsed = TryParse(path.AsSpan(), out address, out var rest);
        absolutUri = parsed ? rest.ToString() : null;
        return parsed;
    }

    public static bool TryParse(ReadOnlySpan<char> span, out Address address) => TryParse(span, out address, out _);

    /// <summary>
    /// Splits a text like akka.tcp://system@host:port/user/a into its address and the path, which is "/" if there is none.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> span, out Address address, out ReadOnlySpan<char> absolutUri)
    {
        address = null;
        absolutUri = default;
        var scheme = span.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 4 || !span.StartsWith("akka", StringComparison.OrdinalIgnoreCase)) return false;
        var protocol = span[..scheme];
        var authority = span[(scheme + 3)..];
        var slash = authority.IndexOf('/');
        var path = slash < 0 ? "/" : authority[slash..];
        if (slash >= 0) authority = authority[..slash];
        if (authority.IsEmpty) return false;
        var at = authority.IndexOf('@');
        if (at < 0)
        {
            // Without a host a colon has no meaning here.
            if (authority.Contains(':')) return false;
            address = new Address(protocol.ToString(), authority.ToString());
        }
        else
        {
            var hostAndPort = authority[(at + 1)..];
            if (!TrySplitPort(hostAndPort, out var host, out var port)) return false;
            address = new Address(protocol.ToString(), authority[..at].ToString(), host.ToString(), port);
        }
        absolutUri = path;
        return true;
    }

    private static bool TrySplitPort(ReadOnlySpan<char> text, out ReadOnlySpan<char> host, out int? port)
    {
        port = null;
        host = text;
        // In an IPv6 address only a colon behind the closing bracket is the port's.
        var colon = text.LastIndexOf(':');
        if (colon < 0 || colon < text.LastIndexOf(']')) return !host.IsEmpty;
        host = text[..colon];
        if (host.IsEmpty || !int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > ushort.MaxValue)
            return false;
        port = number;
        return true;
    }

    private static int Compare(Address x, Address y)
    {
        if (ReferenceEquals(x, y)) return 0;
        if (x is null) return -1;
        if (y is null) return 1;
        var result = string.CompareOrdinal(x.Protocol, y.Protocol);
        if (result == 0) result = string.CompareOrdinal(x.System, y.System);
        if (result == 0) result = string.CompareOrdinal(x.Host ?? "", y.Host ?? "");
        return result != 0 ? result : (x.Port ?? 0).CompareTo(y.Port ?? 0);
    }

    public ISurrogate ToSurrogate(ActorSystem system) =>
        new AddressSurrogate { Protocol = Protocol, System = System, Host = Host, Port = Port };

    public sealed class AddressSurrogate : ISurrogate
    {
        public string Protocol { get; set; }

        public string System { get; set; }

        public string Host { get; set; }

        public int? Port { get; set; }

        public ISurrogated FromSurrogate(ActorSystem system) => new Address(Protocol, System, Host, Port);
    }
}
