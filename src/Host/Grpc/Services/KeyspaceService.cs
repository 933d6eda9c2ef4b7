using TiKvActors.Protocol.Keyspacepb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Host.Grpc.Services;

/// <summary><c>keyspacepb.Keyspace</c>, which PD answers.</summary>
internal sealed class KeyspaceService(Doors doors)
{
    public GrpcService Create() => new GrpcService(KeyspacepbReflection.Descriptor.Services[0])
        .Unary("LoadKeyspace", LoadKeyspaceRequest.Parser, AskAsync<LoadKeyspaceRequest, LoadKeyspaceResponse>)
        .Unary(
            "UpdateKeyspaceState", UpdateKeyspaceStateRequest.Parser, AskAsync<UpdateKeyspaceStateRequest, UpdateKeyspaceStateResponse>)
        .Unary("GetAllKeyspaces", GetAllKeyspacesRequest.Parser, AskAsync<GetAllKeyspacesRequest, GetAllKeyspacesResponse>);

    private Task<TResponse> AskAsync<TRequest, TResponse>(TRequest request, GrpcCall call)
        where TRequest : IPdRequest
        where TResponse : IPdResponse => doors.AskPdAsync<TResponse>(request, call);
}
