using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Hosting;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Host.Grpc.Services;

/// <summary>Asks the node's actors on behalf of calls. The actor system may be another one at any time: the node starts it again.</summary>
internal sealed class Doors(TikvHost host)
{
    /// <summary>Of calls without a deadline.</summary>
    private static readonly TimeSpan _defaultTimeout = TimeSpan.FromSeconds(60);

    public ActorSystem System => host.System;

    public ICanTell Kv => System.ActorSelection("/user/tikv/kv");

    private ICanTell Pd => System.ActorSelection("/user/tikv/pd");

    /// <exception cref="GrpcException">Nobody answers, or the request is for another cluster.</exception>
    public async Task<T> AskPdAsync<T>(IPdRequest request, GrpcCall call)
        where T : IPdResponse
    {
        request.Header ??= new RequestHeader();
        var response = await AskAsync<T>(Pd, request, call);
        if (response.Header.Error is { Type: ErrorType.Unknown, Message: var message }
            && message.StartsWith("mismatch cluster id", StringComparison.Ordinal))
            throw new GrpcException(GrpcStatus.FailedPrecondition, message);
        return response;
    }

    /// <exception cref="GrpcException">Nobody answers.</exception>
    public static async Task<T> AskAsync<T>(ICanTell door, IMessage request, GrpcCall call)
    {
        try
        {
            return await door.Ask<T>(request, call.TimeLeft ?? _defaultTimeout, call.Cancellation);
        }
        catch (AskTimeoutException e)
        {
            throw new GrpcException(GrpcStatus.DeadlineExceeded, e.Message, e);
        }
    }
}
