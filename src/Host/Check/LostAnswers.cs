using System.Diagnostics;
using TiKvActors.Client;

namespace TiKvActors.Host.Check;

/// <summary>Hears of each try of a write whose answer is lost, before the client tries again.</summary>
internal sealed class LostAnswers : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
{
    private static readonly AsyncLocal<Action?> _onLost = new();

    static LostAnswers() => DiagnosticListener.AllListeners.Subscribe(new LostAnswers());

    private LostAnswers()
    {
    }

    /// <summary>From here on, for the calls that this method makes.</summary>
    public static void During(Action onLost) => _onLost.Value = onLost;

    void IObserver<DiagnosticListener>.OnNext(DiagnosticListener listener)
    {
        if (listener.Name == ClientEvents.ListenerName) listener.Subscribe(this);
    }

    void IObserver<KeyValuePair<string, object?>>.OnNext(KeyValuePair<string, object?> told)
    {
        if (told.Key == ClientEvents.AnswerLost) _onLost.Value?.Invoke();
    }

    void IObserver<DiagnosticListener>.OnCompleted()
    {
    }

    void IObserver<KeyValuePair<string, object?>>.OnCompleted()
    {
    }

    void IObserver<DiagnosticListener>.OnError(Exception error)
    {
    }

    void IObserver<KeyValuePair<string, object?>>.OnError(Exception error)
    {
    }
}
