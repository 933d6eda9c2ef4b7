namespace TiKvActors.Host.Grpc;

/// <summary>Of one port.</summary>
internal sealed record GrpcSettings(string Host, int Port)
{
    /// <summary>Of one message, inflated if it is compressed.</summary>
    public int MaxReceiveBytes { get; init; } = int.MaxValue;

    public int MaxStreamsPerConnection { get; init; } = 1024;

    /// <summary>Whether answers are compressed for clients that accept it.</summary>
    public bool CompressesResponses { get; init; }

    /// <summary>How long an HTTP/2 connection may be silent before it is asked for a sign of life.</summary>
    public TimeSpan KeepAliveTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long that sign of life may take before the connection counts as lost.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a connection may be without calls, whatever signs of life it gives.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Null: plaintext.</summary>
    public TlsSettings? Tls { get; init; }
}
