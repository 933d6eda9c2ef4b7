namespace TiKvActors.Host.Grpc;

/// <summary>Ends a call with a status: thrown by handlers, and by this layer for calls that break the protocol.</summary>
internal sealed class GrpcException(GrpcStatus status, string message, Exception? inner = null) : Exception(message, inner)
{
    public GrpcStatus Status => status;
}
