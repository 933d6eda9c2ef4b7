using Akka.Actor;
using Akka.Dispatch;

namespace TiKvActors.Storage.Journal;

/// <summary>Runs what may wait for the disk on a dispatcher of its own.</summary>
internal sealed class DispatcherReads(ActorSystem system, string dispatcherPath)
{
    private readonly MessageDispatcher _dispatcher = system.Dispatchers.Lookup(dispatcherPath);

    public Task<T> Run<T>(Func<T> read)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _dispatcher.Schedule(() =>
        {
            try
            {
                done.SetResult(read());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }
}
