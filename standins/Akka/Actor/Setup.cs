using System.Collections.Immutable;
using Akka.Configuration;
using Akka.Util;

namespace Akka.Actor.Setup
{
    /// <summary>Something that is handed to a system when it is made and that configuration cannot hold.</summary>
    public abstract class Setup
    {
        public ActorSystemSetup And(Setup other) => ActorSystemSetup.Create(this, other);
    }

    /// <summary>The setups of a system, one of each class.</summary>
    public sealed class ActorSystemSetup
    {
        public static readonly ActorSystemSetup Empty = new(ImmutableDictionary<Type, Setup>.Empty);

        private readonly ImmutableDictionary<Type, Setup> _setups;

        private ActorSystemSetup(ImmutableDictionary<Type, Setup> setups) => _setups = setups;

        public static ActorSystemSetup Create(params Setup[] setup) =>
            new(ImmutableDictionary<Type, Setup>.Empty.SetItems(setup.Select(s => KeyValuePair.Create(s.GetType(), s))));

        public Option<T> Get<T>() where T : Setup =>
            _setups.TryGetValue(typeof(T), out var setup) ? new Option<T>((T)setup) : Option<T>.None;

        public ActorSystemSetup WithSetup<T>(T setup) where T : Setup => new(_setups.SetItem(setup.GetType(), setup));

        public ActorSystemSetup And<T>(T setup) where T : Setup => WithSetup(setup);

        public override string ToString() => $"ActorSystemSetup({string.Join(", ", _setups.Keys.Select(t => t.FullName))})";
    }
}

namespace Akka.Actor
{
    /// <summary>Which provider of references a system has, if not the one of the configuration.</summary>
    public abstract class ProviderSelection
    {
        internal const string LocalActorRefProvider = "Akka.Actor.LocalActorRefProvider";
        internal const string RemoteActorRefProvider = "Akka.Remote.RemoteActorRefProvider, Akka.Remote";
        internal const string ClusterActorRefProvider = "Akka.Cluster.ClusterActorRefProvider, Akka.Cluster";

        private ProviderSelection(string identifier, string fqn, bool hasCluster)
        {
            Identifier = identifier;
            Fqn = fqn;
            HasCluster = hasCluster;
        }

        internal string Identifier { get; }

        internal string Fqn { get; }

        internal bool HasCluster { get; }

        internal static ProviderSelection Named(string name) => name switch
        {
            "local" or LocalActorRefProvider => Local.Instance,
            "remote" or RemoteActorRefProvider => Remote.Instance,
            "cluster" or ClusterActorRefProvider => Cluster.Instance,
            _ => new Custom(name)
        };

        public sealed class Local : ProviderSelection
        {
            public static readonly Local Instance = new();

            private Local() : base("local", LocalActorRefProvider, false)
            {
            }
        }

        public sealed class Remote : ProviderSelection
        {
            public static readonly Remote Instance = new();

            private Remote() : base("remote", RemoteActorRefProvider, false)
            {
            }
        }

        public sealed class Cluster : ProviderSelection
        {
            public static readonly Cluster Instance = new();

            private Cluster() : base("cluster", ClusterActorRefProvider, true)
            {
            }
        }

        public sealed class Custom : ProviderSelection
        {
            public Custom(string fqn, string identifier = null, bool hasCluster = false) : base(identifier ?? "custom", fqn, hasCluster)
            {
            }
        }
    }

    /// <summary>The settings of a system's start: configuration and provider.</summary>
    public sealed class BootstrapSetup : Setup.Setup
    {
        private BootstrapSetup(Option<Config> config, Option<ProviderSelection> provider)
        {
            Config = config;
            ActorRefProvider = provider;
        }

        public Option<Config> Config { get; }

        public Option<ProviderSelection> ActorRefProvider { get; }

        public static BootstrapSetup Create() => new(Option<Config>.None, Option<ProviderSelection>.None);

        public BootstrapSetup WithActorRefProvider(ProviderSelection name) => new(Config, new Option<ProviderSelection>(name));

        public BootstrapSetup WithConfig(Config config) => new(new Option<Config>(config), ActorRefProvider);

        public BootstrapSetup WithConfigFallback(Config config) => WithConfig(Config.HasValue ? Config.Value.WithFallback(config) : config);
    }
}
