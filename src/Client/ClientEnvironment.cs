using System.Buffers.Binary;
using Google.Protobuf;

namespace TiKvActors.Client;

/// <summary>Time, randomness and settings of one client.</summary>
internal sealed class ClientEnvironment(TimeProvider time, Random random, ClientSettings settings)
{
    private readonly long _traceOrigin = random.NextInt64();
    private long _lastTrace;

    public TimeProvider Time { get; } = time;

    public ClientSettings Settings { get; } = settings;

    /// <summary>At least 0, less than 1. Any thread.</summary>
    public double NextRandom()
    {
        lock (random)
            return random.NextDouble();
    }

    /// <summary>Of one call: a random half that is this client's, and a number. Any thread.</summary>
    public ByteString NextTraceId()
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(id, _traceOrigin);
        BinaryPrimitives.WriteInt64BigEndian(id[8..], Interlocked.Increment(ref _lastTrace));
        return ByteString.CopyFrom(id);
    }
}
