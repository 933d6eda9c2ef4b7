using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Util;

namespace Akka.Serialization;

/// <summary>
/// A system's serializers: by name (configuration), by identifier (the wire) and by class of message (bindings). A class that
/// is not bound itself uses the binding of its nearest base class or interface; what was found is remembered.
/// </summary>
public class Serialization
{
    /// <summary>Manifests whose class is remembered.</summary>
    private const int MaximumRemembered = 10_000;

    [ThreadStatic] private static Information _currentTransport;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Serializer> _byName = new();
    private readonly Serializer _null;
    private readonly ConcurrentDictionary<Type, Serializer> _found = new();
    private readonly ConcurrentDictionary<string, Type> _typesByManifest = new();
    // Replaced as a whole, never changed: readers take no lock.
    private volatile Dictionary<int, Serializer> _byIdentifier = new();
    private volatile Dictionary<Type, Serializer> _bindings = new();

    public Serialization(ExtendedActorSystem system)
    {
        System = system;
        _null = new NullSerializer(system);
        Register(_null);
        var config = system.Settings.Config;
        AddConfiguredSerializers(config);
        AddSetup();
        AddConfiguredBindings(config);
    }

    public ExtendedActorSystem System { get; }

    public void AddSerializer(string name, Serializer serializer)
    {
        lock (_lock) _byName[name] = serializer;
        Register(serializer);
    }

    public void AddSerializer(Serializer serializer) => Register(serializer);

    public void AddSerializationMap(Type type, Serializer serializer)
    {
        lock (_lock) _bindings = new Dictionary<Type, Serializer>(_bindings) { [type] = serializer };
        _found.Clear();
    }

    public byte[] Serialize(object o) =>
        WithTransport(System, (Serialization: this, o), state => state.Serialization.FindSerializerFor(state.o).ToBinary(state.o));

    /// <exception cref="SerializationException">no serializer has the identifier.</exception>
    public object Deserialize(byte[] bytes, int serializerId, Type type) => SerializerOf(serializerId).FromBinary(bytes, type);

    /// <exception cref="SerializationException">no serializer has the identifier, or none knows the manifest.</exception>
    public object Deserialize(byte[] bytes, int serializerId, string manifest)
    {
        var serializer = SerializerOf(serializerId);
        if (serializer is SerializerWithStringManifest withManifest) return withManifest.FromBinary(bytes, manifest);
        if (string.IsNullOrEmpty(manifest)) return serializer.FromBinary(bytes, null);
        return serializer.FromBinary(bytes, TypeOf(manifest, serializerId));
    }

    /// <summary>Null for a text that names no class here, also if it could not name one anywhere.</summary>
    internal static Type FindType(string name)
    {
        try
        {
            return Type.GetType(name);
        }
        catch (Exception e) when (e is IOException or ArgumentException or TypeLoadException or BadImageFormatException)
        {
            return null;
        }
    }

    private Type TypeOf(string manifest, int serializerId)
    {
        if (_typesByManifest.TryGetValue(manifest, out var known)) return known;
        var type = FindType(manifest) ?? throw new SerializationException(
            $"Cannot find the class {manifest} that the manifest of a message for serializer {serializerId} names");
        // Who sends chooses the names, and there is no end to arrays of arrays.
        if (_typesByManifest.Count < MaximumRemembered) _typesByManifest.TryAdd(manifest, type);
        return type;
    }

    public Serializer FindSerializerFor(object obj, string defaultSerializerName = null) =>
        obj == null ? _null : FindSerializerForType(obj.GetType(), defaultSerializerName);

    /// <param name="defaultSerializerName">which one to use where only that of all objects is left.</param>
    /// <exception cref="SerializationException">nothing is bound to the type, not even System.Object.</exception>
    public Serializer FindSerializerForType(Type objectType, string defaultSerializerName = null)
    {
        if (defaultSerializerName == null && _found.TryGetValue(objectType, out var known)) return known;
        var bindings = _bindings;
        if (Nearest(objectType, bindings) is { } binding
            && (binding != typeof(object) || objectType == typeof(object) || defaultSerializerName == null))
        {
            var serializer = bindings[binding];
            if (defaultSerializerName == null) _found[objectType] = serializer;
            return serializer;
        }
        if (defaultSerializerName != null && ByName(defaultSerializerName) is { } asked) return asked;
        return bindings.GetValueOrDefault(typeof(object))
            ?? throw new SerializationException(
                $"No serializer is bound to {objectType} or to System.Object (akka.actor.serialization-bindings)");
    }

    public IActorRef DeserializeActorRef(string path) => System.Provider.ResolveActorRef(path);

    /// <summary>What has to travel beside the bytes of the message so that the serializer can read them.</summary>
    public static string ManifestFor(Serializer s, object msg) => s switch
    {
        SerializerWithStringManifest withManifest => withManifest.Manifest(msg),
        { IncludeManifest: true } => msg?.GetType().TypeQualifiedName() ?? "",
        _ => ""
    };

    /// <summary>Runs the action with the system's own address for the actor references that it serializes.</summary>
    public static T WithTransport<T>(ExtendedActorSystem system, Func<T> action) => WithTransport(system, action, run => run());

    public static T WithTransport<TState, T>(ExtendedActorSystem system, TState state, Func<TState, T> action)
    {
        // Nested: who serializes for the outer transport also serializes what is inside for it.
        if (_currentTransport != null) return action(state);
        return With(system.Provider.SerializationInformation, state, action);
    }

    public static T WithTransport<T>(ActorSystem system, Address address, Func<T> action) =>
        With(new Information(address, system), action, run => run());

    /// <exception cref="InvalidOperationException">nothing is being serialized on this thread.</exception>
    public static Information GetCurrentTransportInformation() =>
        _currentTransport ?? throw new InvalidOperationException("CurrentTransportInformation is not set: use Serialization.WithTransport");

    /// <summary>The reference as text: with the address of whom it is being serialized for, else with that of its own system.</summary>
    public static string SerializedActorPath(IActorRef actorRef)
    {
        if (actorRef == null) return "";
        var path = actorRef.Path;
        var owner = (actorRef as ActorRefWithCell)?.Underlying.System as ExtendedActorSystem;
        if (_currentTransport is not { } transport)
            return owner == null ? path.ToSerializationFormat() : path.ToSerializationFormatWithAddress(owner.Provider.DefaultAddress);
        if (owner == null || ReferenceEquals(owner, transport.System)) return path.ToSerializationFormatWithAddress(transport.Address);
        return path.ToSerializationFormatWithAddress(
            owner.Provider.GetExternalAddressFor(transport.Address) ?? owner.Provider.DefaultAddress);
    }

    private static T With<TState, T>(Information transport, TState state, Func<TState, T> action)
    {
        var outer = _currentTransport;
        _currentTransport = transport;
        try
        {
            return action(state);
        }
        finally
        {
            _currentTransport = outer;
        }
    }

    private Serializer SerializerOf(int identifier) => _byIdentifier.TryGetValue(identifier, out var serializer)
        ? serializer
        : throw new SerializationException(
            $"No serializer has the identifier {identifier} here: are akka.actor.serializers of the two systems different?");

    private Serializer ByName(string name)
    {
        lock (_lock) return _byName.GetValueOrDefault(name);
    }

    private void Register(Serializer serializer)
    {
        var identifier = serializer.Identifier;
        lock (_lock) _byIdentifier = new Dictionary<int, Serializer>(_byIdentifier) { [identifier] = serializer };
    }

    /// <summary>The bound type that is nearest to the type: itself, else one that no other candidate is more special than.</summary>
    private static Type Nearest(Type type, Dictionary<Type, Serializer> bindings)
    {
        if (bindings.ContainsKey(type)) return type;
        Type nearest = null;
        foreach (var candidate in bindings.Keys)
        {
            if (candidate.IsAssignableFrom(type) && (nearest == null || (nearest != candidate && nearest.IsAssignableFrom(candidate))))
                nearest = candidate;
        }
        return nearest;
    }

    private void AddConfiguredSerializers(Config config)
    {
        var settings = config.GetConfig("akka.actor.serialization-settings");
        foreach (var (name, value) in config.GetConfig("akka.actor.serializers")?.AsEnumerable() ?? [])
        {
            var typeName = value.GetString();
            if (typeName == null || Type.GetType(typeName) is not { } type)
                System.Log.Warning("The type name for serializer '{0}' did not resolve to an actual type: '{1}'", name, typeName);
            else
                AddSerializer(name, Create(type, settings?.GetConfig(name)));
        }
    }

    private Serializer Create(Type type, Config settings) =>
        (Serializer)(settings.IsNullOrEmpty() ? Activator.CreateInstance(type, System) : Activator.CreateInstance(type, System, settings));

    private void AddSetup()
    {
        var setup = System.Settings.Setup?.Get<SerializationSetup>();
        if (setup is not { HasValue: true }) return;
        foreach (var details in setup.Value.Value.CreateSerializers(System))
        {
            AddSerializer(details.Alias, details.Serializer);
            foreach (var type in details.UseFor) AddSerializationMap(type, details.Serializer);
        }
    }

    private void AddConfiguredBindings(Config config)
    {
        var bindings = new Dictionary<Type, Serializer>();
        foreach (var (typeName, value) in config.GetConfig("akka.actor.serialization-bindings")?.AsEnumerable() ?? [])
        {
            var name = value.GetString();
            if (Type.GetType(typeName) is not { } type)
                System.Log.Warning(
                    "The type name for message/serializer binding '{0}' did not resolve to an actual type: '{1}'", name, typeName);
            else if (name == null || ByName(name) is not { } serializer)
                System.Log.Warning("Serialization binding to non existing serializer: '{0}'", name);
            else
                bindings.Add(type, serializer);
        }
        // What code bound goes before the configuration.
        foreach (var (type, serializer) in _bindings) bindings[type] = serializer;
        _bindings = bindings;
    }
}
