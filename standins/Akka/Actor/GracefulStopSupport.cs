using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

public static class GracefulStopSupport
{
    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout) => GracefulStop(target, timeout, PoisonPill.Instance);

    /// <summary>Sends the message and waits for the actor's end.</summary>
    /// <returns>True once the actor has ended, also if it had before; false when time runs out.</returns>
    public static async Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout, object stopMessage)
    {
        var actor = (IInternalActorRef)target;
        var completion = new TaskCompletionSource<Terminated>(TaskCreationOptions.RunContinuationsAsynchronously);
        var watcher = actor.Provider.CreateFutureRef(completion);
        watcher.CompleteAfter(timeout, CancellationToken.None);
        actor.SendSystemMessage(new Watch(actor, watcher));
        target.Tell(stopMessage, ActorRefs.NoSender);
        try
        {
            await completion.Task.ConfigureAwait(false);
            return true;
        }
        catch (AskTimeoutException)
        {
            actor.SendSystemMessage(new Unwatch(actor, watcher));
            return false;
        }
    }
}

public static class WatchAsyncSupport
{
    /// <summary>True once the actor has ended; false if the token is cancelled first.</summary>
    public static async Task<bool> WatchAsync(this IActorRef target, CancellationToken token = default)
    {
        var actor = (IInternalActorRef)target;
        var completion = new TaskCompletionSource<Terminated>(TaskCreationOptions.RunContinuationsAsynchronously);
        var watcher = actor.Provider.CreateFutureRef(completion);
        watcher.CompleteAfter(Timeout.InfiniteTimeSpan, token);
        actor.SendSystemMessage(new Watch(actor, watcher));
        try
        {
            await completion.Task.ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            actor.SendSystemMessage(new Unwatch(actor, watcher));
            return false;
        }
    }
}
