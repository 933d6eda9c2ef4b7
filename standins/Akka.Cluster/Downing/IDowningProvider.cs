using Akka.Actor;
using Akka.Configuration;

namespace Akka.Cluster
{
    /// <summary>Decides who is down. A class with a constructor that takes the actor system and the cluster.</summary>
    public interface IDowningProvider
    {
        /// <summary>How long after a removal singletons and shards of the removed member may start elsewhere.</summary>
        TimeSpan DownRemovalMargin { get; }

        /// <summary>An actor that calls <see cref="Cluster.Down"/>; null: there is none.</summary>
        Props DowningActorProps { get; }
    }

    /// <summary>Leaves it to the application.</summary>
    public sealed class NoDowning : IDowningProvider
    {
        private readonly ActorSystem _system;

        public NoDowning(ActorSystem system, Cluster cluster) => _system = system;

        public TimeSpan DownRemovalMargin => SBR.RemovalMargin.Configured(_system) ?? TimeSpan.Zero;

        public Props DowningActorProps => null;
    }
}

namespace Akka.Cluster.SBR
{
    public class SplitBrainResolverProvider : IDowningProvider
    {
        private readonly ActorSystem _system;
        private readonly SplitBrainResolverSettings _settings;
        private readonly DowningStrategy _strategy;

        /// <exception cref="ConfigurationException">A setting of the resolver makes no sense.</exception>
        public SplitBrainResolverProvider(ActorSystem system, Cluster cluster)
        {
            _system = system;
            _settings = new SplitBrainResolverSettings(system.Settings.Config);
            _strategy = DowningStrategy.Of(_settings);
        }

        public TimeSpan DownRemovalMargin => RemovalMargin.Configured(_system) ?? _settings.DowningStableAfter;

        public Props DowningActorProps => Props.Create(() => new SplitBrainResolver(_settings, _strategy));
    }

    internal static class RemovalMargin
    {
        private const string Key = "akka.cluster.down-removal-margin";

        /// <summary>null: left to the downing provider.</summary>
        public static TimeSpan? Configured(ActorSystem system) => system.Settings.Config.GetString(Key)?.ToLowerInvariant() switch
        {
            null or "" => null,
            "off" or "false" => TimeSpan.Zero,
            _ => system.Settings.Config.GetTimeSpan(Key)
        };
    }
}
