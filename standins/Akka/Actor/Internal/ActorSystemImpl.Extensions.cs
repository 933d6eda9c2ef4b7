using Akka.Event;

namespace Akka.Actor.Internal;

public partial class ActorSystemImpl
{
    private void LoadExtensions()
    {
        foreach (var name in _settings.Config.GetStringList("akka.library-extensions")
            .Concat(_settings.Config.GetStringList("akka.extensions")))
        {
            var type = Type.GetType(name);
            if (type == null || !typeof(IExtensionId).IsAssignableFrom(type))
                _log.Error("[{0}] is not an 'ExtensionId', skipping...", name);
            else
                RegisterExtension((IExtensionId)Activator.CreateInstance(type));
        }
    }

    public override object RegisterExtension(IExtensionId extension)
    {
        ArgumentNullException.ThrowIfNull(extension);
        var made = _extensions.GetOrAdd(
            extension.ExtensionType, static (_, arg) => new Lazy<object>(() => arg.extension.CreateExtension(arg.system)),
            (extension, system: this));
        try
        {
            return made.Value ?? throw new InvalidOperationException($"{extension} made no extension (null)");
        }
        catch
        {
            // The next one who asks gets another attempt.
            _extensions.TryRemove(KeyValuePair.Create(extension.ExtensionType, made));
            throw;
        }
    }

    public override object GetExtension(IExtensionId extensionId) =>
        TryGetExtension(extensionId.ExtensionType, out var extension) ? extension : null;

    public override T GetExtension<T>() => TryGetExtension<T>(out var extension) ? extension : null;

    public override bool HasExtension(Type type) => typeof(IExtension).IsAssignableFrom(type) && _extensions.ContainsKey(type);

    public override bool HasExtension<T>() => HasExtension(typeof(T));

    public override bool TryGetExtension(Type extensionType, out object extension)
    {
        extension = _extensions.TryGetValue(extensionType, out var made) ? made.Value : null;
        return extension != null;
    }

    public override bool TryGetExtension<T>(out T extension)
    {
        extension = TryGetExtension(typeof(T), out var found) ? (T)found : null;
        return extension != null;
    }
}
