using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace TiKvActors.Host.Grpc;

/// <summary>A call as its handler sees it.</summary>
internal sealed class GrpcCall(HttpContext http, TimeSpan? timeout)
{
    private readonly long _begin = Stopwatch.GetTimestamp();
    private HeaderDictionary? _trailers;

    /// <summary><c>/package.Service/Method</c>.</summary>
    public string Method => http.Request.Path.Value!;

    /// <summary>
    /// Ends when the client has cancelled or is gone, when the deadline has passed, and for calls that stream when the server stops. A
    /// handler that waits has to wait with it: the status is sent when the handler has ended.
    /// </summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Until the deadline; never negative. Null: the client waits for as long as it takes.</summary>
    public TimeSpan? TimeLeft =>
        timeout is { } time ? TimeSpan.FromTicks(Math.Max(0, (time - Stopwatch.GetElapsedTime(_begin)).Ticks)) : null;

    /// <summary>The client's metadata, among HTTP's own headers. Values of names that end in <c>-bin</c> are base64.</summary>
    public IHeaderDictionary RequestMetadata => http.Request.Headers;

    /// <summary>Metadata to be sent before the first message.</summary>
    public IHeaderDictionary ResponseMetadata => http.Response.Headers;

    /// <summary>Metadata to be sent with the status.</summary>
    public IHeaderDictionary ResponseTrailers => _trailers ??= [];

    internal HttpContext Http => http;

    internal bool HasTrailers => _trailers is not null;
}
