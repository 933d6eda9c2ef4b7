namespace Akka.Actor;

public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<object>(message, timeout, CancellationToken.None);

    public static Task<object> Ask(this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<object>(message, null, cancellationToken);

    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<object>(message, timeout, cancellationToken);

    /// <summary>
    /// The first reply. Fails with the cause of a <see cref="Status.Failure"/> (unless T is that or object), with
    /// <see cref="ArgumentException"/> if the reply is no T, and with <see cref="AskTimeoutException"/> if none comes in time.
    /// </summary>
    /// <param name="timeout">Null for akka.actor.ask-timeout, which is infinite unless configured.</param>
    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<T>(message, timeout, CancellationToken.None);

    public static Task<T> Ask<T>(this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<T>(message, null, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        var asking = Asking<T>.By(self, timeout, cancellationToken);
        asking.Future.DeliverAsk(message, self);
        return asking.Result;
    }

    /// <param name="messageFactory">Makes the message from the reference to which the reply is to be sent.</param>
    public static Task<T> Ask<T>(
        this ICanTell self, Func<IActorRef, object> messageFactory, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        var asking = Asking<T>.By(self, timeout, cancellationToken);
        asking.Future.DeliverAsk(messageFactory(asking.Future), self);
        return asking.Result;
    }

    private readonly struct Asking<T>(FutureActorRef<T> future, Task<T> result)
    {
        public FutureActorRef<T> Future { get; } = future;

        public Task<T> Result { get; } = result;

        /// <exception cref="NotSupportedException">Nobody is asked, who belongs to no system.</exception>
        public static Asking<T> By(ICanTell target, TimeSpan? timeout, CancellationToken cancellationToken)
        {
            var provider = ProviderOf(target) ?? throw new ArgumentException("Unable to resolve the target provider", nameof(target));
            var within = timeout ?? provider.Settings.AskTimeout;
            // The continuations are the caller's; they must not run in the answering actor's turn.
            var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            var future = provider.CreateFutureRef(completion);
            future.CompleteAfter(within, cancellationToken);
            return new Asking<T>(future, completion.Task);
        }
    }

    internal static IActorRefProvider ProviderOf(ICanTell target) => target switch
    {
        ActorSelection selection => ProviderOf(selection.Anchor),
        IInternalActorRef actor => actor.Provider,
        _ => ActorCell.GetCurrentSelfOrNoSender() is IInternalActorRef self ? self.Provider : null
    };
}
