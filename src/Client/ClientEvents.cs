namespace TiKvActors.Client;

/// <summary>Names of events that the client adds to the <see cref="System.Diagnostics.Activity"/> that is current when a call is made.</summary>
public static class ClientEvents
{
    /// <summary>A try of a write was sent and its answer is lost: it may have taken effect, besides the try that is answered in the end.</summary>
    public const string AnswerLost = "tikv.client.answer-lost";
}
