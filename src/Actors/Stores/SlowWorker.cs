using Akka.Actor;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Runs what waits for the disk, one job after the other, on a dispatcher of its own. The result goes to the job's sender.
/// </summary>
internal sealed class SlowWorker : UntypedActor
{
    /// <param name="What">Names the job in messages.</param>
    /// <param name="Work">Returns the message for the sender.</param>
    public sealed record Run(string What, Func<object> Work);

    /// <inheritdoc cref="Run"/>
    public sealed record Failed(string What, Exception Cause);

    public static Props Props() => Akka.Actor.Props.Create(() => new SlowWorker());

    protected override void OnReceive(object message)
    {
        if (message is not Run run)
        {
            Unhandled(message);
            return;
        }

        object result;
        try
        {
            result = run.Work();
        }
        catch (Exception e)
        {
            // Not swallowed: the sender decides what the failure means.
            result = new Failed(run.What, e);
        }

        Sender.Tell(result);
    }
}
