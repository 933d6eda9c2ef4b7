using System.Globalization;
using Akka.Configuration;
using TiKvActors.Host.Management;

namespace TiKvActors.Host.Grpc.Services;

/// <summary><c>tikv.grpc</c>; reference.conf says what each key does.</summary>
/// <param name="Common">Of both ports.</param>
internal sealed record GrpcNodeSettings(bool Enabled, int PdPort, int StorePort, uint MaxResponseBytes, GrpcSettings Common)
{
    public string PdAddress => string.Create(CultureInfo.InvariantCulture, $"{Common.Host}:{PdPort}");

    public string StoreAddress => string.Create(CultureInfo.InvariantCulture, $"{Common.Host}:{StorePort}");

    /// <param name="defaultHost">Where the actor protocol listens.</param>
    public static GrpcNodeSettings From(Config system, string defaultHost)
    {
        var config = system.WithFallback(ManagementSettings.Reference()).GetConfig("tikv.grpc");
        var tls = config.GetConfig("tls");
        return new GrpcNodeSettings(
            config.GetBoolean("enabled"),
            config.GetInt("pd-port"),
            config.GetInt("port"),
            (uint)Bytes(config, "max-response-size"),
            new GrpcSettings(config.GetString("host") is { Length: > 0 } host ? host : defaultHost, 0)
            {
                MaxReceiveBytes = Bytes(config, "max-receive-size"),
                MaxStreamsPerConnection = config.GetInt("max-streams-per-connection"),
                CompressesResponses = config.GetBoolean("compress-responses"),
                KeepAliveTime = config.GetTimeSpan("keep-alive-time"),
                KeepAliveTimeout = config.GetTimeSpan("keep-alive-timeout"),
                IdleTimeout = config.GetTimeSpan("idle-timeout"),
                Tls = tls.GetString("certificate-file") is { Length: > 0 } certificate
                    ? new TlsSettings(
                        certificate,
                        tls.GetString("key-file"),
                        tls.GetString("client-authority-file") is { Length: > 0 } file ? file : null)
                    : null,
            });
    }

    public GrpcNodeSettings Shifted(int by) => this with { PdPort = PdPort + by, StorePort = StorePort + by };

    private static int Bytes(Config config, string key) => (int)Math.Clamp(config.GetByteSize(key) ?? 0, 1, int.MaxValue);
}
