using Akka.Configuration;

namespace Akka.Remote;

/// <summary>How long a handshake may take, and how a silent connection is noticed.</summary>
public class AkkaProtocolSettings
{
    public AkkaProtocolSettings(Config config)
    {
        TransportFailureDetectorConfig = config.GetConfig("akka.remote.transport-failure-detector");
        TransportFailureDetectorImplementationClass = TransportFailureDetectorConfig.GetString("implementation-class");
        TransportHeartBeatInterval = TransportFailureDetectorConfig.GetTimeSpan("heartbeat-interval");
        HandshakeTimeout = config.GetTimeSpan("akka.remote.handshake-timeout");
        if (HandshakeTimeout <= TimeSpan.Zero) throw new ConfigurationException($"akka.remote.handshake-timeout: {HandshakeTimeout}, must be positive");
        if (TransportHeartBeatInterval <= TimeSpan.Zero) throw new ConfigurationException($"akka.remote.transport-failure-detector.heartbeat-interval: {TransportHeartBeatInterval}, must be positive");
    }

    public Config TransportFailureDetectorConfig { get; }

    public string TransportFailureDetectorImplementationClass { get; }

    public TimeSpan TransportHeartBeatInterval { get; }

    public TimeSpan HandshakeTimeout { get; }
}
