using System.Linq.Expressions;
using Akka.Dispatch;
using Akka.Routing;
using Akka.Util;

namespace Akka.Actor;

/// <summary>Makes actor instances in another way than by a constructor call.</summary>
public interface IIndirectActorProducer
{
    Type ActorType { get; }

    ActorBase Produce();

    void Release(ActorBase actor);
}

/// <summary>The immutable recipe for an actor: its class, its constructor's arguments, its deployment.</summary>
public class Props : IEquatable<Props>, ISurrogated
{
    /// <summary>An actor that handles nothing.</summary>
    public static readonly Props None = new(typeof(EmptyActor));

    private static readonly object[] _noArguments = [];

    private readonly IIndirectActorProducer _producer;

    protected Props() : this(Deploy.None, new ActivatorProducer(typeof(EmptyActor), _noArguments), _noArguments)
    {
    }

    protected Props(Props copy)
    {
        _producer = copy._producer;
        Arguments = copy.Arguments;
        Deploy = copy.Deploy;
        SupervisorStrategy = copy.SupervisorStrategy;
    }

    public Props(Type type) : this(Deploy.None, type)
    {
    }

    public Props(Type type, object[] args) : this(Deploy.None, type, args)
    {
    }

    public Props(Type type, SupervisorStrategy supervisorStrategy, IEnumerable<object> args) : this(Deploy.None, type, args) =>
        SupervisorStrategy = supervisorStrategy;

    public Props(Type type, SupervisorStrategy supervisorStrategy, params object[] args) : this(Deploy.None, type, args) =>
        SupervisorStrategy = supervisorStrategy;

    public Props(Deploy deploy, Type type, IEnumerable<object> args) : this(deploy, type, args.ToArray())
    {
    }

    public Props(Deploy deploy, Type type, params object[] args)
        : this(deploy, new ActivatorProducer(CheckedType(type), args ?? _noArguments), args ?? _noArguments)
    {
    }

    private Props(Deploy deploy, IIndirectActorProducer producer, object[] args)
    {
        Deploy = deploy;
        _producer = producer;
        Arguments = args;
    }

    public static Props Empty => None;

    public Type Type => _producer.ActorType;

    public string TypeName => Type.AssemblyQualifiedName;

    public object[] Arguments { get; }

    public Deploy Deploy { get; protected set; }

    /// <summary>Null if the actor's own counts.</summary>
    public SupervisorStrategy SupervisorStrategy { get; protected set; }

    public string Dispatcher => Deploy.Dispatcher == Deploy.NoDispatcherGiven ? Dispatchers.DefaultDispatcherId : Deploy.Dispatcher;

    public string Mailbox => Deploy.Mailbox;

    public RouterConfig RouterConfig => Deploy.RouterConfig;

    /// <param name="factory">Has to be a call of a constructor; its arguments are evaluated now, not when the actor is made.</param>
    public static Props Create<TActor>(Expression<Func<TActor>> factory, SupervisorStrategy supervisorStrategy = null)
        where TActor : ActorBase
    {
        if (factory.Body is not NewExpression call)
            throw new ArgumentException("The create function must be a 'new T (args)' expression", nameof(factory));
        var args = call.Arguments.Select(ExpressionValue.Of).ToArray();
        return new Props(Deploy.None, new ConstructorProducer(call.Constructor, args), args) { SupervisorStrategy = supervisorStrategy };
    }

    public static Props Create<TActor>(params object[] args) where TActor : ActorBase => new(typeof(TActor), args);

    public static Props Create<TActor>(SupervisorStrategy supervisorStrategy) where TActor : ActorBase, new() =>
        new(typeof(TActor), supervisorStrategy, _noArguments);

    /// <exception cref="ArgumentException">The type is no actor.</exception>
    public static Props Create(Type type, params object[] args) => new(type, args);

    public static Props CreateBy(IIndirectActorProducer producer, params object[] args) => new(Deploy.None, producer, args ?? _noArguments);

    private static Type CheckedType(Type type)
    {
        if (type == null) throw new ArgumentNullException(nameof(type), "Props need an actor type");
        return typeof(ActorBase).IsAssignableFrom(type) || typeof(IIndirectActorProducer).IsAssignableFrom(type)
            ? type
            : throw new ArgumentException(
                $"Unknown actor producer [{type.FullName}]: it is neither an actor nor an IIndirectActorProducer", nameof(type));
    }

    public Props WithDeploy(Deploy deploy)
    {
        var copy = Copy();
        copy.Deploy = deploy.WithFallback(Deploy);
        return copy;
    }

    public Props WithDispatcher(string dispatcher) => WithChanged(Deploy.WithDispatcher(dispatcher));

    public Props WithMailbox(string mailbox) => WithChanged(Deploy.WithMailbox(mailbox));

    public Props WithRouter(RouterConfig routerConfig) => WithChanged(Deploy.WithRouterConfig(routerConfig));

    public Props WithStashCapacity(int stashCapacity) => WithChanged(Deploy.WithStashCapacity(stashCapacity));

    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy)
    {
        var copy = Copy();
        copy.SupervisorStrategy = supervisorStrategy;
        return copy;
    }

    private Props WithChanged(Deploy deploy)
    {
        var copy = Copy();
        copy.Deploy = deploy;
        return copy;
    }

    protected virtual Props Copy() => new(this);

    /// <exception cref="TypeLoadException">The constructor failed or does not exist; the inner exception says which.</exception>
    public virtual ActorBase NewActor()
    {
        try
        {
            return _producer.Produce();
        }
        catch (Exception e)
        {
            var types = string.Join(",", Arguments.Select(a => a?.GetType().Name ?? "null"));
            throw new TypeLoadException($"Error while creating actor instance of type {Type} with {Arguments.Length} args: ({types})", e);
        }
    }

    internal void Release(ActorBase actor) => _producer.Release(actor);

    public bool Equals(Props other) =>
        other is not null && Type == other.Type && Deploy.Equals(other.Deploy) && Equals(SupervisorStrategy, other.SupervisorStrategy)
            && Arguments.SequenceEqual(other.Arguments);

    public override bool Equals(object obj) => Equals(obj as Props);

    public override int GetHashCode() => HashCode.Combine(Type, Arguments.Length);

    public ISurrogate ToSurrogate(ActorSystem system) => new PropsSurrogate { Deploy = Deploy, Type = Type, Arguments = Arguments };

    public class PropsSurrogate : ISurrogate
    {
        public Deploy Deploy { get; set; }

        public Type Type { get; set; }

        public object[] Arguments { get; set; }

        public ISurrogated FromSurrogate(ActorSystem system) => new Props(Deploy, Type, Arguments);
    }

    private sealed class EmptyActor : UntypedActor
    {
        protected override void OnReceive(object message) => Unhandled(message);
    }
}

/// <summary>The props that a terminated cell keeps: its arguments can be collected, no instance can be made.</summary>
public class TerminatedProps : Props
{
    public override ActorBase NewActor() => throw new InvalidOperationException("This actor has been terminated");
}
