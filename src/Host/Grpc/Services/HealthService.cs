using TiKvActors.Host.Grpc.Health.V1;

namespace TiKvActors.Host.Grpc.Services;

/// <summary><c>grpc.health.v1.Health</c> of one port.</summary>
internal static class HealthService
{
    /// <param name="services">Besides the empty name, which stands for all of them.</param>
    public static GrpcService Create(IReadOnlyCollection<GrpcService> services, Func<bool> isServing)
    {
        var names = services.Select(s => s.Descriptor.FullName).Append("").ToHashSet();
        return new GrpcService(HealthReflection.Descriptor.Services[0])
            .Unary("Check", HealthCheckRequest.Parser, (request, _) => names.Contains(request.Service)
                ? Task.FromResult(new HealthCheckResponse
                {
                    Status = isServing()
                        ? HealthCheckResponse.Types.ServingStatus.Serving
                        : HealthCheckResponse.Types.ServingStatus.NotServing,
                })
                : throw new GrpcException(GrpcStatus.NotFound, $"unknown service {request.Service}"));
    }
}
