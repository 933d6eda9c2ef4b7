using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using TiKvActors.Host.Grpc.Reflection.V1;

namespace TiKvActors.Host.Grpc.Reflection;

/// <summary>Tells tools such as grpcurl what is served here, from the descriptors that the messages' own code was generated with.</summary>
internal sealed class ReflectionService
{
    private readonly ListServiceResponse _services;
    private readonly FrozenDictionary<string, FileDescriptor> _byName;
    private readonly FrozenDictionary<string, FileDescriptor> _bySymbol;

    private ReflectionService(IReadOnlyCollection<ServiceDescriptor> services)
    {
        _services = new ListServiceResponse
        {
            Service = { services.Select(s => new ServiceResponse { Name = s.FullName }).OrderBy(s => s.Name, StringComparer.Ordinal) },
        };
        _byName = services.SelectMany(s => WithImports(s.File)).Distinct().ToFrozenDictionary(f => f.Name, StringComparer.Ordinal);
        _bySymbol = _byName.Values.SelectMany(f => Symbols(f).Select(s => KeyValuePair.Create(s, f)))
            .ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <returns>The services, and what tells of all of them under both of its names.</returns>
    public static IReadOnlyList<GrpcService> AddTo(IReadOnlyCollection<GrpcService> services)
    {
        ServiceDescriptor[] own = [.. ReflectionReflection.Descriptor.Services, .. V1Alpha.ReflectionReflection.Descriptor.Services];
        var reflection = new ReflectionService([.. services.Select(s => s.Descriptor), .. own]);
        return [.. services, .. own.Select(name => new GrpcService(name)
            .Bidirectional<ServerReflectionRequest, ServerReflectionResponse>(
                "ServerReflectionInfo", ServerReflectionRequest.Parser, reflection.AnswerAsync))];
    }

    private async Task AnswerAsync(
        MessageReader<ServerReflectionRequest> requests, MessageWriter<ServerReflectionResponse> responses, GrpcCall call)
    {
        while (await requests.ReadAsync() is { } request)
            await responses.WriteAsync(Answer(request));
    }

    private ServerReflectionResponse Answer(ServerReflectionRequest request)
    {
        var response = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                response.ListServicesResponse = _services;
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                AnswerFile(response, _byName.GetValueOrDefault(request.FileByFilename), request.FileByFilename);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                AnswerFile(response, _bySymbol.GetValueOrDefault(request.FileContainingSymbol), request.FileContainingSymbol);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension:
                var extension = request.FileContainingExtension;
                AnswerFile(response, null, $"extension {extension.ExtensionNumber} of {extension.ContainingType}");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType:
                // No file here extends a message.
                response.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = request.AllExtensionNumbersOfType };
                break;
            default:
                response.ErrorResponse = new ErrorResponse
                {
                    ErrorCode = (int)GrpcStatus.InvalidArgument, ErrorMessage = "the request asks for nothing",
                };
                break;
        }

        return response;
    }

    private static void AnswerFile(ServerReflectionResponse response, FileDescriptor? file, string what)
    {
        if (file is null)
            response.ErrorResponse = new ErrorResponse { ErrorCode = (int)GrpcStatus.NotFound, ErrorMessage = $"{what} is not known here" };
        else
            response.FileDescriptorResponse = new FileDescriptorResponse
            {
                FileDescriptorProto = { WithImports(file).Distinct().Select(f => f.SerializedData) },
            };
    }

    private static IEnumerable<FileDescriptor> WithImports(FileDescriptor file) => file.Dependencies.SelectMany(WithImports).Prepend(file);

    private static IEnumerable<string> Symbols(FileDescriptor file) =>
        [
            .. file.Services.SelectMany(s => s.Methods.Select(m => m.FullName).Prepend(s.FullName)),
            .. file.EnumTypes.Select(e => e.FullName),
            .. file.MessageTypes.SelectMany(Symbols),
        ];

    private static IEnumerable<string> Symbols(MessageDescriptor message) =>
        [message.FullName, .. message.EnumTypes.Select(e => e.FullName), .. message.NestedTypes.SelectMany(Symbols)];
}
