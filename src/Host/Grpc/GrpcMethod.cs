using Google.Protobuf;

namespace TiKvActors.Host.Grpc;

/// <summary>A method that is served.</summary>
/// <param name="Streams">Whether it may go on for as long as its client likes.</param>
/// <param name="RunAsync">Reads, handles, answers; the status is its caller's business.</param>
internal sealed record GrpcMethod(string Name, bool Streams, Func<GrpcCall, GrpcSettings, Task> RunAsync)
{
    public static MessageReader<T> Reader<T>(GrpcCall call, MessageParser<T> parser, GrpcSettings settings)
        where T : class, IMessage<T> => new(call, parser, settings.MaxReceiveBytes);

    public static MessageWriter<T> Writer<T>(GrpcCall call, GrpcSettings settings)
        where T : IMessage<T> =>
        new(call, settings.CompressesResponses && Compression.Accepts(call.RequestMetadata[Compression.AcceptHeader], Compression.Gzip));
}
