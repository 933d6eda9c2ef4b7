using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Persistence.Journal;

public interface IWriteEventAdapter
{
    /// <summary>Stored beside the event and given back to <see cref="IReadEventAdapter.FromJournal"/>; not null.</summary>
    string Manifest(object evt);

    object ToJournal(object evt);
}

public interface IReadEventAdapter
{
    IEventSequence FromJournal(object evt, string manifest);
}

public interface IEventAdapter : IWriteEventAdapter, IReadEventAdapter;

public sealed class IdentityEventAdapter : IEventAdapter
{
    private IdentityEventAdapter()
    {
    }

    public static IdentityEventAdapter Instance { get; } = new();

    public string Manifest(object evt) => string.Empty;

    public object ToJournal(object evt) => evt;

    public IEventSequence FromJournal(object evt, string manifest) => EventSequence.Single(evt);
}

/// <summary>Several read adapters bound to one type: what each makes of the event, one after the other.</summary>
public sealed class CombinedReadEventAdapter(IEnumerable<IEventAdapter> adapters) : IEventAdapter
{
    public IEnumerable<IEventAdapter> Adapters { get; } = adapters.ToArray();

    public string Manifest(object evt) => throw WriteSide();

    public object ToJournal(object evt) => throw WriteSide();

    public IEventSequence FromJournal(object evt, string manifest) =>
        EventSequence.Create(Adapters.SelectMany(a => a.FromJournal(evt, manifest).Events).ToArray());

    private static IllegalActorStateException WriteSide() =>
        new("Several event adapters are bound to this type: they can read together, but not write.");
}

/// <summary>One side only: the other is as if there were no adapter.</summary>
internal sealed class OneWayEventAdapter(IWriteEventAdapter write, IReadEventAdapter read) : IEventAdapter
{
    public string Manifest(object evt) => (write ?? IdentityEventAdapter.Instance).Manifest(evt);

    public object ToJournal(object evt) => (write ?? IdentityEventAdapter.Instance).ToJournal(evt);

    public IEventSequence FromJournal(object evt, string manifest) => (read ?? IdentityEventAdapter.Instance).FromJournal(evt, manifest);
}

/// <summary>
/// The adapters of one journal by event type: <c>event-adapters</c> names them, <c>event-adapter-bindings</c> binds them to types.
/// </summary>
public class EventAdapters
{
    private readonly ConcurrentDictionary<Type, IEventAdapter> _map;
    private readonly KeyValuePair<Type, IEventAdapter>[] _bindings;

    protected EventAdapters(
        ConcurrentDictionary<Type, IEventAdapter> map, IEnumerable<KeyValuePair<Type, IEventAdapter>> bindings, ILoggingAdapter log)
    {
        _map = map;
        _bindings = bindings.ToArray();
        log?.Debug("Event adapters are bound to {0} types", _bindings.Length);
    }

    internal bool IsEmpty => _bindings.Length == 0;

    /// <exception cref="ArgumentException">A type or an adapter of the configuration does not exist.</exception>
    public static EventAdapters Create(ExtendedActorSystem system, Config config)
    {
        var adapters = Entries(config, "event-adapters").ToDictionary(e => e.Key, e => Instantiate(e.Value.GetString(), system));
        var bindings = new List<KeyValuePair<Type, IEventAdapter>>();
        foreach (var (typeName, value) in Entries(config, "event-adapter-bindings"))
        {
            var type = Type.GetType(typeName)
                ?? throw new ArgumentException($"The type '{typeName}' in event-adapter-bindings is not found.");
            var names = value.IsArray() ? value.GetStringList() : [value.GetString()];
            var bound = names.Select(n => adapters.TryGetValue(n, out var a) ? a : throw new ArgumentException(
                $"'{typeName}' is bound to the event adapter '{n}', which event-adapters does not name.")).ToArray();
            bindings.Add(new(type, bound.Length == 1 ? bound[0] : new CombinedReadEventAdapter(bound)));
        }
        return new EventAdapters(new(), MostSpecificFirst(bindings), system.Log);
    }

    public IEventAdapter Get<T>() => Get(typeof(T));

    public virtual IEventAdapter Get(Type type)
    {
        if (_bindings.Length == 0) return IdentityEventAdapter.Instance;
        return _map.GetOrAdd(type, static (type, bindings) =>
            bindings.FirstOrDefault(b => b.Key.IsAssignableFrom(type)).Value ?? IdentityEventAdapter.Instance, _bindings);
    }

    private static IEnumerable<KeyValuePair<string, Akka.Configuration.Hocon.HoconValue>> Entries(Config config, string path)
    {
        if (!config.HasPath(path)) return [];
        var section = config.GetConfig(path);
        return section == null || section.IsEmpty ? [] : section.AsEnumerable();
    }

    private static IEventAdapter Instantiate(string className, ExtendedActorSystem system)
    {
        var type = Type.GetType(className) ?? throw new ArgumentException($"The event adapter class '{className}' is not found.");
        var takesSystem = type.GetConstructor([typeof(ExtendedActorSystem)]) != null;
        return (takesSystem ? Activator.CreateInstance(type, system) : Activator.CreateInstance(type)) switch
        {
            IEventAdapter both => both,
            IWriteEventAdapter write => new OneWayEventAdapter(write, null),
            IReadEventAdapter read => new OneWayEventAdapter(null, read),
            _ => throw new ArgumentException($"The class '{className}' is none of IEventAdapter, IWriteEventAdapter, IReadEventAdapter.")
        };
    }

    /// <summary>A binding of a derived type goes before the one of its base; otherwise the order of the configuration stays.</summary>
    private static List<KeyValuePair<Type, IEventAdapter>> MostSpecificFirst(IEnumerable<KeyValuePair<Type, IEventAdapter>> bindings)
    {
        var sorted = new List<KeyValuePair<Type, IEventAdapter>>();
        foreach (var binding in bindings)
        {
            var index = sorted.FindIndex(b => b.Key.IsAssignableFrom(binding.Key));
            sorted.Insert(index < 0 ? sorted.Count : index, binding);
        }
        return sorted;
    }
}
