using System.Diagnostics;
using TiKvActors.Host.Grpc;

namespace TiKvActors.Conformance;

/// <summary>Echoes, counts its calls, does to a call what its messages say. Metadata comes back before and after the messages.</summary>
internal sealed class EchoService
{
    private static readonly string[] _echoed = ["x-echo", "x-echo-bin"];

    private int _running;
    private long _begun;
    private long _written;
    private long _waitsSince;

    /// <summary>Calls that have not ended.</summary>
    public int Running => Volatile.Read(ref _running);

    public long Begun => Interlocked.Read(ref _begun);

    /// <summary>Bytes of payload that server streams have got rid of.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>For how long a server stream has been waiting for its client.</summary>
    public TimeSpan Waiting => Interlocked.Read(ref _waitsSince) is var since and not 0 ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;

    public GrpcService ToService() => new GrpcService(EchoReflection.Descriptor.Services[0])
        .Unary("Unary", EchoRequest.Parser, (request, call) => RunAsync(call, () => EchoAsync(request, call)))
        .ServerStream<EchoRequest, EchoResponse>("ServerStream", EchoRequest.Parser, (request, responses, call) =>
            RunAsync(call, () => StreamAsync(request, responses, call)))
        .ClientStream("ClientStream", EchoRequest.Parser, (requests, call) => RunAsync(call, () => CountAsync(requests, call)))
        .Bidirectional<EchoRequest, EchoResponse>("Bidirectional", EchoRequest.Parser, (requests, responses, call) =>
            RunAsync(call, () => EchoAllAsync(requests, responses, call)));

    private async Task<T> RunAsync<T>(GrpcCall call, Func<Task<T>> handler)
    {
        Interlocked.Increment(ref _begun);
        Interlocked.Increment(ref _running);
        try
        {
            foreach (var name in _echoed.Where(call.RequestMetadata.ContainsKey))
            {
                call.ResponseMetadata[name] = call.RequestMetadata[name];
                call.ResponseTrailers["after-" + name] = call.RequestMetadata[name];
            }

            return await handler();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private static async Task<EchoResponse> EchoAsync(EchoRequest request, GrpcCall call)
    {
        if (request.Waits)
            await Task.Delay(Timeout.Infinite, call.Cancellation);
        if (request.Fails)
            throw new InvalidOperationException("it was told to fail");
        if (request.Status != 0)
            throw new GrpcException((GrpcStatus)request.Status, request.Message);
        return new EchoResponse { Payload = request.Payload, TimeLeft = (long?)call.TimeLeft?.TotalMilliseconds ?? 0 };
    }

    private async Task<bool> StreamAsync(EchoRequest request, MessageWriter<EchoResponse> responses, GrpcCall call)
    {
        for (var i = 0; request.Answers < 0 || i < request.Answers; i++)
        {
            Interlocked.Exchange(ref _waitsSince, Stopwatch.GetTimestamp());
            await responses.WriteAsync(new EchoResponse { Payload = request.Payload, Number = i });
            Interlocked.Exchange(ref _waitsSince, 0);
            Interlocked.Add(ref _written, request.Payload.Length);
        }

        await EchoAsync(request, call);
        return true;
    }

    private static async Task<EchoResponse> CountAsync(MessageReader<EchoRequest> requests, GrpcCall call)
    {
        var response = new EchoResponse();
        while (await requests.ReadAsync() is { } request)
        {
            response.Number++;
            response.Payload = (await EchoAsync(request, call)).Payload;
        }

        return response;
    }

    private static async Task<bool> EchoAllAsync(MessageReader<EchoRequest> requests, MessageWriter<EchoResponse> responses, GrpcCall call)
    {
        for (var i = 0; await requests.ReadAsync() is { } request; i++)
        {
            var response = await EchoAsync(request, call);
            response.Number = i;
            await responses.WriteAsync(response);
        }

        return true;
    }
}
