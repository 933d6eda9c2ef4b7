using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Dispatch;

/// <summary>The mailbox types of a system by the path of their configuration section, and by what actors require.</summary>
public class Mailboxes
{
    public static readonly string DefaultMailboxId = "akka.actor.default-mailbox";
    public static readonly string NoMailboxRequirement = "";

    private readonly ActorSystem _system;
    private readonly Lazy<DeadLetterMailbox> _deadLetterMailbox;
    private readonly ConcurrentDictionary<string, MailboxType> _types = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Type, Type> _requirements = new();
    private readonly Dictionary<Type, string> _bindings = [];
    private MailboxType _default;

    public Mailboxes(ActorSystem system)
    {
        _system = system;
        // The dead letters exist only once the system has its provider.
        _deadLetterMailbox = new Lazy<DeadLetterMailbox>(() => new DeadLetterMailbox(system.DeadLetters));
        var requirements = Settings.Config.GetConfig("akka.actor.mailbox.requirements");
        if (requirements == null) return;
        foreach (var requirement in requirements.AsEnumerable())
            if (Type.GetType(requirement.Key) is { } semantics) _bindings[semantics] = requirement.Value.GetString();
            else _system.Log?.Warning("Mailbox Requirement mapping [{0}] is not an actual type", requirement.Key);
    }

    private Settings Settings => _system.Settings;

    public DeadLetterMailbox DeadLetterMailbox => _deadLetterMailbox.Value;

    /// <summary>
    /// In this order: what the props or the deployment say, what the dispatcher's section says, what the actor requires, the default.
    /// </summary>
    /// <exception cref="ConfigurationException">There is no such section, or its mailbox is not what the actor requires.</exception>
    public MailboxType GetMailboxType(Props props, Config dispatcherConfig)
    {
        var required = GetRequiredType(props.Type);
        if (props.Mailbox != Deploy.NoMailboxGiven) return Checked(props, required, Lookup(props.Mailbox));
        var ofDispatcher = dispatcherConfig?.GetString("mailbox-type", null);
        if (!string.IsNullOrEmpty(ofDispatcher)) return Checked(props, required, Lookup(dispatcherConfig.GetString("id")));
        if (required != null && _bindings.ContainsKey(required)) return Checked(props, required, LookupByQueueType(required));
        return _default ??= Lookup(DefaultMailboxId);
    }

    private static MailboxType Checked(Props props, Type required, MailboxType mailbox)
    {
        if (required == null || !ProducesKnownQueue(mailbox.GetType(), out var queue) || required.IsAssignableFrom(queue)) return mailbox;
        // An unbounded queue also serves who asks only for one with two ends, and loggers name semantics of their own.
        throw new ArgumentException(
            $"Produced message queue type [{queue}] does not fulfill requirement [{required}] of actor class [{props.Type}]. "
                + $"Must be a subclass of [{required}]",
            nameof(props));
    }

    /// <exception cref="ConfigurationException">There is no such section, or it names no mailbox type.</exception>
    public MailboxType Lookup(string id)
    {
        if (_types.TryGetValue(id, out var known)) return known;
        return _types.GetOrAdd(id, Make(id));
    }

    public MailboxType LookupByQueueType(Type queueType) => _bindings.TryGetValue(queueType, out var id)
        ? Lookup(id)
        : throw new ConfigurationException($"Mailbox Mapping for [{queueType}] not configured");

    private MailboxType Make(string id)
    {
        if (id == "unbounded") return new UnboundedMailbox(Settings, ConfigOf(DefaultMailboxId));
        if (id == "bounded") return new BoundedMailbox(Settings, ConfigOf(id));
        if (!Settings.Config.HasPath(id)) throw new ConfigurationException($"Mailbox Type [{id}] not configured");
        var config = ConfigOf(id);
        var typeName = config.GetString("mailbox-type", null);
        if (string.IsNullOrEmpty(typeName)) throw new ConfigurationException($"The setting mailbox-type defined in [{id}] is empty");
        var type = Type.GetType(typeName) ?? throw new ConfigurationException(
            $"Found mailbox-type [{typeName}] in configuration for [{id}], but could not find that type in any loaded assemblies");
        return (MailboxType)Activator.CreateInstance(type, Settings, config);
    }

    private Config ConfigOf(string id)
    {
        var all = Settings.Config;
        var common = all.GetConfig(DefaultMailboxId) ?? Config.Empty;
        return all.HasPath(id)
            ? ConfigurationFactory.ParseString($"id = \"{id}\"").WithFallback(all.GetConfig(id)).WithFallback(common)
            : common;
    }

    /// <summary>The semantics that an actor class asks for with <see cref="IRequiresMessageQueue{T}"/>; null if none.</summary>
    public Type GetRequiredType(Type actorType)
    {
        var required = _requirements.GetOrAdd(actorType, static type => type.GetInterfaces()
            .Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRequiresMessageQueue<>))
            .Select(i => i.GetGenericArguments()[0])
            .FirstOrDefault() ?? typeof(void));
        return required == typeof(void) ? null : required;
    }

    public bool HasRequiredType(Type actorType) => GetRequiredType(actorType) != null;

    public bool ProducesMessageQueue(Type mailboxType) => ProducesKnownQueue(mailboxType, out _);

    private static bool ProducesKnownQueue(Type mailboxType, out Type queue)
    {
        queue = mailboxType.GetInterfaces().Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IProducesMessageQueue<>))
            .Select(i => i.GetGenericArguments()[0]).FirstOrDefault();
        return queue != null;
    }

    /// <summary>Messages that a stash may hold, from the mailbox's or else the dispatcher's section; -1 for no limit.</summary>
    public int StashCapacity(string dispatcher, string mailbox)
    {
        var ofMailbox = string.IsNullOrEmpty(mailbox) ? null : CapacityIn(mailbox);
        return ofMailbox ?? CapacityIn(dispatcher) ?? CapacityIn(DefaultMailboxId) ?? Deploy.NoStashSize;
    }

    private int? CapacityIn(string id) =>
        Settings.Config.HasPath(id + ".stash-capacity") ? Settings.Config.GetInt(id + ".stash-capacity") : null;
}
