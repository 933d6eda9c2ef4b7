using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace TiKvActors.Host.Grpc;

/// <summary>
/// A service and the handlers of its methods; a method without one is UNIMPLEMENTED. A handler ends its call with
/// <see cref="GrpcException"/>, otherwise with OK; its call's <see cref="GrpcCall.Cancellation"/> is its own to heed.
/// </summary>
internal sealed class GrpcService(ServiceDescriptor descriptor)
{
    private readonly Dictionary<string, GrpcMethod> _methods = [];

    public ServiceDescriptor Descriptor => descriptor;

    public IReadOnlyDictionary<string, GrpcMethod> Methods => _methods;

    public GrpcService Unary<TRequest, TResponse>(
        string method, MessageParser<TRequest> parser, Func<TRequest, GrpcCall, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : IMessage<TResponse> =>
        Add<TRequest, TResponse>(method, false, false, async (call, settings) =>
        {
            var request = await GrpcMethod.Reader(call, parser, settings).ReadSingleAsync();
            await GrpcMethod.Writer<TResponse>(call, settings).BufferAsync(await handler(request, call));
        });

    public GrpcService ServerStream<TRequest, TResponse>(
        string method, MessageParser<TRequest> parser, Func<TRequest, MessageWriter<TResponse>, GrpcCall, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : IMessage<TResponse> =>
        Add<TRequest, TResponse>(method, false, true, async (call, settings) =>
        {
            var request = await GrpcMethod.Reader(call, parser, settings).ReadSingleAsync();
            await handler(request, GrpcMethod.Writer<TResponse>(call, settings), call);
        });

    public GrpcService ClientStream<TRequest, TResponse>(
        string method, MessageParser<TRequest> parser, Func<MessageReader<TRequest>, GrpcCall, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : IMessage<TResponse> =>
        Add<TRequest, TResponse>(method, true, false, async (call, settings) =>
        {
            var response = await handler(GrpcMethod.Reader(call, parser, settings), call);
            await GrpcMethod.Writer<TResponse>(call, settings).BufferAsync(response);
        });

    public GrpcService Bidirectional<TRequest, TResponse>(
        string method, MessageParser<TRequest> parser, Func<MessageReader<TRequest>, MessageWriter<TResponse>, GrpcCall, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : IMessage<TResponse> =>
        Add<TRequest, TResponse>(method, true, true, (call, settings) =>
            handler(GrpcMethod.Reader(call, parser, settings), GrpcMethod.Writer<TResponse>(call, settings), call));

    private GrpcService Add<TRequest, TResponse>(
        string method, bool clientStreams, bool serverStreams, Func<GrpcCall, GrpcSettings, Task> runAsync)
    {
        var described = descriptor.FindMethodByName(method) ?? throw new ArgumentException($"{descriptor.FullName} has no method {method}");
        if (described.IsClientStreaming != clientStreams || described.IsServerStreaming != serverStreams
            || described.InputType.Name != typeof(TRequest).Name || described.OutputType.Name != typeof(TResponse).Name)
            throw new ArgumentException($"{described.FullName} is described otherwise than it is handled");
        _methods.Add(method, new GrpcMethod(method, clientStreams || serverStreams, runAsync));
        return this;
    }
}
