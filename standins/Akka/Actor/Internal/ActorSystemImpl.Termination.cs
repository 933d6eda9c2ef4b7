using Akka.Event;

namespace Akka.Actor.Internal;

// The end: coordinated shutdown, then the hierarchy from /user up, then the callbacks, then the scheduler.
public partial class ActorSystemImpl
{
    public override Task WhenTerminated => _whenTerminated.Task;

    public override Task Terminate()
    {
        if (_settings.CoordinatedShutdownRunByActorSystemTerminate)
            _ = CoordinatedShutdown.Get(this).Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance);
        else FinalTerminate();
        return WhenTerminated;
    }

    public override void Abort() => FinalTerminate();

    /// <summary>Ends the actors; the last step of the coordinated shutdown, or all of it.</summary>
    internal void FinalTerminate()
    {
        _log.Debug("System shutdown initiated");
        if (!_settings.LogDeadLettersDuringShutdown && _deadLetterListener != null) Stop(_deadLetterListener);
        _provider.Guardian.Stop();
    }

    public override void RegisterOnTermination(Action code) => _terminationCallbacks.Add(code);

    private void WhenAllActorsHaveEnded() => _provider.TerminationTask.ContinueWith(
        async _ =>
        {
            foreach (var callback in _terminationCallbacks.TakeAll())
            {
                try
                {
                    callback();
                }
                catch (Exception e)
                {
                    _log.Error(e, "A callback of RegisterOnTermination failed");
                }
            }
            await StopScheduler().ConfigureAwait(false);
            DisposeExtensions();
            _whenTerminated.TrySetResult();
        },
        CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    private async Task StopScheduler()
    {
        // Waiting for its thread is bounded by its own setting; not in the turn of whoever ends the system.
        if (_scheduler is IDisposable disposable) await Task.Run(disposable.Dispose).ConfigureAwait(false);
    }

    private void DisposeExtensions()
    {
        foreach (var extension in _extensions.Values)
        {
            if (!extension.IsValueCreated || extension.Value is not IDisposable disposable) continue;
            try
            {
                disposable.Dispose();
            }
            catch (Exception e)
            {
                _log.Error(e, "Extension {0} failed to dispose", extension.Value);
            }
        }
    }
}
