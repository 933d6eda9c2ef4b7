using TiKvActors.Protocol.Errorpb;

namespace TiKvActors.Actors.Regions;

/// <summary>Region errors that are this room's own; the others are made by <see cref="Protocol.Errors.RegionErrors"/>.</summary>
internal static class RequestErrors
{
    /// <summary>The caller has given up. Clients match the text.</summary>
    public static Error DeadlineExceeded() => new()
    {
        Message = "Deadline is exceeded",
        ServerIsBusy = new ServerIsBusy { Reason = "deadline is exceeded" },
    };

    public static Error Other(string message) => new() { Message = message };
}
