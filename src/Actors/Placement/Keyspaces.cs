using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Keyspacepb;

namespace TiKvActors.Actors.Placement;

/// <summary>
/// The keyspaces. None is ever forgotten, so an id and a name are given once. States, as with PD:
/// <code>
///   enabled ⇄ disabled ──► archived ──► tombstone
/// </code>
/// Who opens a keyspace that is not enabled is refused, by the client; what has opened it goes on. Pure.
/// </summary>
internal sealed class Keyspaces
{
    public const string DefaultName = "DEFAULT";

    private const int MaxNameLength = 20;

    private readonly SortedDictionary<uint, KeyspaceMeta> _byId = [];
    private readonly Dictionary<string, KeyspaceMeta> _byName = new(StringComparer.Ordinal);

    public Keyspaces() => Put(new KeyspaceMeta { Id = KeyspaceId.Default.Value, Name = DefaultName });

    /// <summary>By id.</summary>
    public IEnumerable<KeyspaceMeta> All => _byId.Values;

    public KeyspaceMeta? Find(uint id) => _byId.GetValueOrDefault(id);

    public KeyspaceMeta? Find(string name) => _byName.GetValueOrDefault(name);

    public void Put(KeyspaceMeta keyspace) => _byId[keyspace.Id] = _byName[keyspace.Name] = keyspace;

    /// <returns>Null if nothing is wrong with a name for a new keyspace; whether there is one is another question.</returns>
    public static string? WhyNoName(string name)
    {
        if (name.Length is 0 or > MaxNameLength)
            return $"the name has {name.Length} characters: it must have 1 to {MaxNameLength}";
        return name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? null
            : $"the name {name} has other characters than letters, digits, - and _";
    }

    /// <param name="unixSeconds">Now.</param>
    /// <returns>Null if all ids are in use.</returns>
    public KeyspaceMeta? New(string name, long unixSeconds)
    {
        var id = _byId.Keys.Last() + 1;
        return id > KeyspaceId.MaxValue ? null : new() { Id = id, Name = name, CreatedAt = unixSeconds, StateChangedAt = unixSeconds };
    }

    /// <returns>Null if a keyspace may change from the one state to the other, or remain as it is.</returns>
    public static string? WhyNotChange(KeyspaceMeta keyspace, KeyspaceState to)
    {
        var from = keyspace.State;
        if (keyspace.Id == KeyspaceId.Default.Value)
            return $"keyspace {DefaultName} remains as it is";
        var may = from == to || (from, to) is
            (KeyspaceState.Enabled, KeyspaceState.Disabled) or (KeyspaceState.Disabled, KeyspaceState.Enabled)
            or (KeyspaceState.Disabled, KeyspaceState.Archived) or (KeyspaceState.Archived, KeyspaceState.Tombstone);
        return may ? null : $"keyspace {keyspace.Name} is {from}: it cannot become {to}";
    }
}
