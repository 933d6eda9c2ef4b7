using System.Collections.Concurrent;
using System.Text;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Util;

namespace Akka.Actor.Internal;

public partial class ActorSystemImpl : ExtendedActorSystem
{
    private readonly Settings _settings;
    private readonly EventStream _eventStream;
    private readonly IActorRefProvider _provider;
    private readonly IScheduler _scheduler;
    private readonly Mailboxes _mailboxes;
    private readonly Dispatchers _dispatchers;
    private readonly ILoggingAdapter _log;
    private readonly ConcurrentDictionary<Type, Lazy<object>> _extensions = new();
    private readonly TerminationCallbacks _terminationCallbacks = new();
    private readonly TaskCompletionSource _whenTerminated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Serialization.Serialization _serialization;
    private IActorRef _deadLetterListener;

    public ActorSystemImpl(string name) : this(name, ConfigurationFactory.Load(), ActorSystemSetup.Empty)
    {
    }

    public ActorSystemImpl(string name, Config config, ActorSystemSetup setup, Option<Props>? guardianProps = null)
    {
        if (!IsValidName(name))
            throw new ArgumentException(
                $"Invalid ActorSystem name [{name}], must contain only word characters (i.e. [a-zA-Z0-9] plus non-leading '-')",
                nameof(name));
        ArgumentNullException.ThrowIfNull(config);
        Name = name;
        GuardianProps = guardianProps ?? Option<Props>.None;
        _settings = new Settings(this, config, setup);
        SerializesAllMessages = _settings.SerializeAllMessages;
        SerializesAllCreators = _settings.SerializeAllCreators;
        _eventStream = new EventStream(_settings.DebugEventStream);
        _eventStream.StartStdoutLogger(_settings);
        _log = new BusLogging(_eventStream, $"ActorSystem({name})", GetType(), _settings.LogFormatter);
        _scheduler = Instance<IScheduler>(_settings.SchedulerClass, "akka.scheduler.implementation", _settings.Config, _log);
        _provider = Instance<IActorRefProvider>(_settings.ProviderClass, "akka.actor.provider", name, _settings, _eventStream);
        _mailboxes = new Mailboxes(this);
        _dispatchers = new Dispatchers(this, new DefaultDispatcherPrerequisites(_eventStream, _scheduler, _settings, _mailboxes), _log);
    }

    // No regular expression: every command of a command line would wait for the library to load.
    private static bool IsValidName(string name) =>
        name.Length > 0 && name[0] != '-' && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');

    /// <exception cref="ConfigurationException">The setting names no type, or it cannot be made.</exception>
    private static T Instance<T>(string typeName, string setting, params object[] args)
    {
        var type = typeName == null ? null : Type.GetType(typeName);
        if (type == null) throw new ConfigurationException($"{setting} = \"{typeName}\": there is no such type");
        try
        {
            return (T)Activator.CreateInstance(type, args);
        }
        catch (System.Reflection.TargetInvocationException e) when (e.InnerException is ConfigurationException inner)
        {
            throw new ConfigurationException($"{setting} = \"{typeName}\": {inner.Message}", inner);
        }
    }

    public override string Name { get; }

    public override Settings Settings => _settings;

    public override EventStream EventStream => _eventStream;

    public override IActorRefProvider Provider => _provider;

    public override IScheduler Scheduler => _scheduler;

    public override Mailboxes Mailboxes => _mailboxes;

    public override Dispatchers Dispatchers => _dispatchers;

    public override ILoggingAdapter Log => _log;

    public override Serialization.Serialization Serialization => _serialization;

    public override IActorRef DeadLetters => _provider.DeadLetters;

    public override IActorRef IgnoreRef => _provider.IgnoreRef;

    public override IInternalActorRef Guardian => _provider.Guardian;

    public override IInternalActorRef SystemGuardian => _provider.SystemGuardian;

    public override IInternalActorRef LookupRoot => _provider.RootGuardian;

    /// <summary>If there are none /user is an ordinary guardian, and actors may be made below it from outside.</summary>
    public Option<Props> GuardianProps { get; }

    internal bool SerializesAllMessages { get; }

    internal bool SerializesAllCreators { get; }

    public void Start()
    {
        try
        {
            _serialization = new Serialization.Serialization(this);
            _provider.Init(this);
            _eventStream.StartDefaultLoggers(this);
            _eventStream.StartUnsubscriber(this);
            if (_settings.LogDeadLetters > 0) _deadLetterListener = SystemActorOf<DeadLetterListener>("deadLetterListener");
            if (_settings.DebugUnhandledMessage) SystemActorOf<UnhandledMessageLogger>("UnhandledMessageForwarder");
            WhenAllActorsHaveEnded();
            LoadExtensions();
            if (_settings.LogConfigOnStart) _log.Warning(_settings.ToString());
        }
        catch
        {
            // Threads and loggers that have been started would keep a system alive that nobody has.
            _ = StopScheduler();
            throw;
        }
    }

    public override IActorRef ActorOf(Props props, string name = null)
    {
        if (GuardianProps.HasValue)
            throw new InvalidOperationException("Cannot create top-level actor from the outside on ActorSystem with custom user guardian");
        return _provider.Guardian.Cell.AttachChild(props, false, name);
    }

    public override IActorRef SystemActorOf(Props props, string name = null) =>
        _provider.SystemGuardian.Cell.AttachChild(props, true, name);

    public override IActorRef SystemActorOf<TActor>(string name = null) => SystemActorOf(Props.Create<TActor>(), name);

    public override ActorSelection ActorSelection(ActorPath actorPath) => ActorRefFactoryShared.ActorSelection(actorPath, this);

    public override ActorSelection ActorSelection(string actorPath) =>
        ActorRefFactoryShared.ActorSelection(actorPath, this, _provider.RootGuardian);

    public override void Stop(IActorRef actor)
    {
        var parent = actor.Path.Parent;
        if (parent == _provider.Guardian.Path) _provider.Guardian.Tell(new StopChild(actor));
        else if (parent == _provider.SystemGuardian.Path) _provider.SystemGuardian.Tell(new StopChild(actor));
        else ((IInternalActorRef)actor).Stop();
    }

    /// <summary>What serialize-messages does to a message: there and back, to find out in a test what would not survive remoting.</summary>
    internal object SerializeAndDeserialize(object message)
    {
        var unwrapped = WrappedMessage.Unwrap(message);
        if (unwrapped is INoSerializationVerificationNeeded or IStaysHere || message is AllDeadLetters) return message;
        var serializer = _serialization.FindSerializerFor(unwrapped);
        var copy = Akka.Serialization.Serialization.WithTransport(this, (Serialization: _serialization, Serializer: serializer,
            Message: unwrapped), static s =>
            s.Serialization.Deserialize(
                s.Serializer.ToBinary(s.Message), s.Serializer.Identifier,
                Akka.Serialization.Serialization.ManifestFor(s.Serializer, s.Message)));
        return message is ActorSelectionMessage selection ? selection.Copy(copy) : ReferenceEquals(message, unwrapped) ? copy : message;
    }

    public override string PrintTree()
    {
        var text = new StringBuilder();
        Print(_provider.RootGuardian, "", text);
        return text.ToString();
    }

    private static void Print(IActorRef actor, string indent, StringBuilder text)
    {
        if (actor is not ActorRefWithCell withCell)
        {
            text.Append(indent).Append(actor.Path.Name).Append(' ').AppendLine(actor.GetType().Name);
            return;
        }
        var cell = withCell.Underlying;
        text.Append(indent).Append(actor.Path.Name == "" ? "/" : actor.Path.Name).Append(' ').Append(cell.Props.Type.Name)
            .Append(" messages ").Append(cell.NumberOfMessages).AppendLine();
        foreach (var child in withCell.Children.OrderBy(c => c.Path.Name, StringComparer.Ordinal)) Print(child, indent + "  ", text);
    }

    public override string ToString() => LookupRoot?.Path.Root.Address.ToString() ?? new Address("akka", Name).ToString();
}
