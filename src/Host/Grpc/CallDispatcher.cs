using System.Collections.Frozen;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace TiKvActors.Host.Grpc;

/// <summary>One HTTP/2 request, one call: finds its method, and ends it with a status whatever happens.</summary>
/// <param name="report">Told of handlers that fail with anything but <see cref="GrpcException"/>. Any thread.</param>
/// <param name="stopping">The server stops: calls that stream are ended.</param>
internal sealed class CallDispatcher(
    IReadOnlyCollection<GrpcService> services, GrpcSettings settings, Action<string, Exception> report, CancellationToken stopping)
{
    private const string ContentType = "application/grpc";
    private const string StatusHeader = "grpc-status";
    private const string MessageHeader = "grpc-message";

    private readonly FrozenSet<string> _services = services.Select(s => s.Descriptor.FullName).ToFrozenSet(StringComparer.Ordinal);
    private readonly FrozenDictionary<string, GrpcMethod> _methods = services
        .SelectMany(s => s.Methods.Values.Select(m => KeyValuePair.Create($"/{s.Descriptor.FullName}/{m.Name}", m)))
        .ToFrozenDictionary(StringComparer.Ordinal);

    public static bool IsGrpc(HttpRequest request) =>
        request.ContentType?.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Of a request that is no gRPC, but for a method's path; false: its path is none of a method.</summary>
    public bool Refuses(HttpContext http)
    {
        if (!_methods.ContainsKey(http.Request.Path.Value!)) return false;
        http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
        return true;
    }

    public async Task HandleAsync(HttpContext http)
    {
        if (RefusalOf(http.Request) is { } refusal)
        {
            http.Response.StatusCode = refusal;
            return;
        }

        http.Response.ContentType = ContentType;
        http.Response.Headers[Compression.AcceptHeader] = Compression.Known;
        TimeSpan? timeout;
        try
        {
            timeout = CallTimeout.Parse(http.Request.Headers[CallTimeout.Header]);
        }
        catch (GrpcException e)
        {
            End(new GrpcCall(http, null), e.Status, e.Message);
            return;
        }

        if (_methods.TryGetValue(http.Request.Path.Value!, out var method))
            await RunAsync(http, method, timeout);
        else
            End(new GrpcCall(http, timeout), GrpcStatus.Unimplemented, DescribeUnknown(http.Request.Path.Value!));
    }

    private async Task RunAsync(HttpContext http, GrpcMethod method, TimeSpan? timeout)
    {
        using var end = method.Streams
            ? CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping)
            : CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        var call = new GrpcCall(http, timeout) { Cancellation = end.Token };
        if (timeout is { } time)
        {
            if (time <= TimeSpan.Zero)
            {
                End(call, GrpcStatus.DeadlineExceeded, "the deadline has passed");
                return;
            }

            end.CancelAfter(time);
        }

        try
        {
            await method.RunAsync(call, settings);
            End(call, GrpcStatus.Ok, "");
        }
        catch (GrpcException e)
        {
            End(call, e.Status, e.Message);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            var (status, message) = WhyEnded(http, method, call);
            End(call, status, message);
        }
        catch (Exception e)
        {
            report($"{call.Method} has failed", e);
            End(call, GrpcStatus.Unknown, $"{e.GetType().Name}: {e.Message}");
        }
    }

    private (GrpcStatus Status, string Message) WhyEnded(HttpContext http, GrpcMethod method, GrpcCall call)
    {
        if (http.RequestAborted.IsCancellationRequested)
            return (GrpcStatus.Cancelled, "the client has cancelled or is gone");
        return method.Streams && stopping.IsCancellationRequested && call.TimeLeft != TimeSpan.Zero
            ? (GrpcStatus.Unavailable, "the server is stopping")
            : (GrpcStatus.DeadlineExceeded, "the deadline has passed");
    }

    /// <summary>Without a message before it the status takes the place of the headers ("trailers-only").</summary>
    private static void End(GrpcCall call, GrpcStatus status, string message)
    {
        var response = call.Http.Response;
        if (call.Http.RequestAborted.IsCancellationRequested)
            return;
        var trailers = response.HasStarted ? null : response.Headers;
        if (call.HasTrailers)
        {
            foreach (var (name, value) in call.ResponseTrailers)
                Add(name, value.ToString());
        }

        Add(StatusHeader, ((int)status).ToString(CultureInfo.InvariantCulture));
        if (message.Length > 0)
            Add(MessageHeader, StatusMessage.Encode(message));

        void Add(string name, string value)
        {
            if (trailers is null) response.AppendTrailer(name, value);
            else trailers.Append(name, value);
        }
    }

    /// <returns>Of a request that cannot even be answered in gRPC's way: an HTTP status.</returns>
    private static int? RefusalOf(HttpRequest request)
    {
        if (!HttpProtocol.IsHttp2(request.Protocol))
            return StatusCodes.Status505HttpVersionNotsupported;
        if (!HttpMethods.IsPost(request.Method))
            return StatusCodes.Status405MethodNotAllowed;
        var coding = request.ContentType.AsSpan(ContentType.Length);
        return coding.IsEmpty || coding[0] == ';' || coding.StartsWith("+proto", StringComparison.OrdinalIgnoreCase)
            ? null
            : StatusCodes.Status415UnsupportedMediaType;
    }

    private string DescribeUnknown(string path)
    {
        var slash = path.LastIndexOf('/');
        var service = path[1..Math.Max(slash, 1)];
        return _services.Contains(service) ? $"unknown method {path[(slash + 1)..]} for service {service}" : $"unknown service {service}";
    }
}
