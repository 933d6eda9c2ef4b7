using System.Diagnostics;

namespace TiKvActors.Client;

/// <summary>
/// What the client tells a <see cref="DiagnosticListener"/> of this name while a call is under way, in the call's execution context and
/// before it goes on.
/// </summary>
public static class ClientEvents
{
    public const string ListenerName = "TiKvActors.Client";

    /// <summary>
    /// A try of a write was sent and its answer is lost: it may have taken effect, besides the try that is answered in the end.
    /// </summary>
    public const string AnswerLost = "tikv.client.answer-lost";

    internal static readonly DiagnosticListener Listener = new(ListenerName);
}
