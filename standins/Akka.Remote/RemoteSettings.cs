using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Remote;

/// <summary>What akka.remote says, read once.</summary>
public class RemoteSettings
{
    public static readonly string AkkaScheme = "akka";

    public RemoteSettings(Config config)
    {
        Config = config;
        LogReceive = config.GetBoolean("akka.remote.log-received-messages");
        LogSend = config.GetBoolean("akka.remote.log-sent-messages");
        UntrustedMode = config.GetBoolean("akka.remote.untrusted-mode");
        TrustedSelectionPaths = new HashSet<string>(config.GetStringList("akka.remote.trusted-selection-paths"));
        RemoteLifecycleEventsLogLevel = LevelOf(config.GetString("akka.remote.log-remote-lifecycle-events"));
        Dispatcher = config.GetString("akka.remote.use-dispatcher");
        LogBufferSizeExceeding = IsOff(config.GetString("akka.remote.log-buffer-size-exceeding")) ? int.MaxValue : config.GetInt("akka.remote.log-buffer-size-exceeding");
        ShutdownTimeout = config.GetTimeSpan("akka.remote.shutdown-timeout");
        FlushWait = config.GetTimeSpan("akka.remote.flush-wait-on-shutdown");
        RetryGateClosedFor = config.GetTimeSpan("akka.remote.retry-gate-closed-for");
        SysMsgBufferSize = config.GetInt("akka.remote.system-message-buffer-size");
        InitialSysMsgDeliveryTimeout = config.GetTimeSpan("akka.remote.initial-system-message-delivery-timeout");
        QuarantineDuration = config.GetTimeSpan("akka.remote.prune-quarantine-marker-after");
        WatchFailureDetectorConfig = config.GetConfig("akka.remote.watch-failure-detector");
        WatchFailureDetectorImplementationClass = WatchFailureDetectorConfig.GetString("implementation-class");
        WatchHeartBeatInterval = WatchFailureDetectorConfig.GetTimeSpan("heartbeat-interval");
        WatchUnreachableReaperInterval = WatchFailureDetectorConfig.GetTimeSpan("unreachable-nodes-reaper-interval");
        WatchHeartbeatExpectedResponseAfter = WatchFailureDetectorConfig.GetTimeSpan("expected-response-after");
        if (SysMsgBufferSize < 1) throw new ConfigurationException($"akka.remote.system-message-buffer-size: {SysMsgBufferSize}, must be at least 1");
    }

    public Config Config { get; }

    public bool LogReceive { get; set; }

    public bool LogSend { get; set; }

    public bool UntrustedMode { get; set; }

    public HashSet<string> TrustedSelectionPaths { get; set; }

    public string RemoteLifecycleEventsLogLevel { get; set; }

    public string Dispatcher { get; set; }

    public int LogBufferSizeExceeding { get; set; }

    public TimeSpan ShutdownTimeout { get; set; }

    public TimeSpan FlushWait { get; set; }

    public TimeSpan RetryGateClosedFor { get; set; }

    public int SysMsgBufferSize { get; set; }

    public TimeSpan InitialSysMsgDeliveryTimeout { get; set; }

    public TimeSpan? QuarantineDuration { get; set; }

    public Config WatchFailureDetectorConfig { get; set; }

    public string WatchFailureDetectorImplementationClass { get; set; }

    public TimeSpan WatchHeartBeatInterval { get; set; }

    public TimeSpan WatchUnreachableReaperInterval { get; set; }

    public TimeSpan WatchHeartbeatExpectedResponseAfter { get; set; }

    public Props ConfigureDispatcher(Props props) => string.IsNullOrEmpty(Dispatcher) ? props : props.WithDispatcher(Dispatcher);

    /// <summary>Whether a lifecycle event of this level goes into the log.</summary>
    internal bool Logs(LogLevel level) => RemoteLifecycleEventsLogLevel != "OFF" && level >= Logging.LogLevelFor(RemoteLifecycleEventsLogLevel);

    private static bool IsOff(string value) => value.ToLowerInvariant() is "off" or "false" or "no";

    private static string LevelOf(string value) => value.ToLowerInvariant() switch
    {
        "on" or "true" => "DEBUG",
        "off" or "false" => "OFF",
        _ => value.ToUpperInvariant() is "DEBUG" or "INFO" or "WARNING" or "ERROR"
            ? value.ToUpperInvariant()
            : throw new ConfigurationException($"akka.remote.log-remote-lifecycle-events: '{value}' is neither on, off nor a log level")
    };
}
