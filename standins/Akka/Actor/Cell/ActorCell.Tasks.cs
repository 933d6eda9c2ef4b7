using System.Runtime.ExceptionServices;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

// Asynchronous handlers: their continuations come back as system messages, while the mailbox is suspended for user messages.
public partial class ActorCell
{
    private ActorTaskScheduler _taskScheduler;
    private RunningTasks _runningTasks;

    public virtual ActorTaskScheduler TaskScheduler => _taskScheduler ??= new ActorTaskScheduler(this);

    internal void RunTask(Func<Task> asyncAction)
    {
        var start = new Task<Task>(asyncAction);
        start.RunSynchronously(TaskScheduler);
        // The usual case of a handler that had nothing to wait for.
        if (start is { IsCompletedSuccessfully: true, Result: { IsCompletedSuccessfully: true } }) return;
        var tasks = _runningTasks ??= new RunningTasks();
        tasks.Count++;
        SuspendNonRecursive();
        start.Unwrap().ContinueWith(
            task => FinishTask(task, tasks), CancellationToken.None, TaskContinuationOptions.DenyChildAttach, TaskScheduler);
    }

    private void FinishTask(Task task, RunningTasks tasks)
    {
        // A restart in the meantime has given up this incarnation's tasks.
        if (!ReferenceEquals(tasks, _runningTasks)) return;
        tasks.Count--;
        if (!task.IsCompletedSuccessfully) HandleInvokeFailure(FailureOf(task), null);
        else if (_receiveTimeout != null) RestartReceiveTimeout();
        if (tasks.Count == 0 && !IsFailed) ForgetMessage();
        ResumeNonRecursive();
    }

    private static Exception FailureOf(Task task)
    {
        if (task.IsCanceled) return new TaskCanceledException(task);
        var failure = task.Exception!.InnerExceptions.Count == 1 ? task.Exception.InnerException : task.Exception;
        return ExceptionDispatchInfo.Capture(failure).SourceException;
    }

    private void AbandonTasks()
    {
        for (var i = _runningTasks?.Count ?? 0; i > 0; i--) ResumeNonRecursive();
        _runningTasks = null;
    }

    private void ResumeTask(ActorTask message) => TaskScheduler.Execute(message.Task);

    private bool HasRunningTasks => _runningTasks is { Count: > 0 };

    /// <summary>How many tasks of this incarnation the mailbox is suspended for.</summary>
    private sealed class RunningTasks
    {
        public int Count;
    }
}
