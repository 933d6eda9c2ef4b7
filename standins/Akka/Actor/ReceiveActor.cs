using Akka.Actor.Internal;
using Akka.Dispatch;

namespace Akka.Actor.Internal
{
    public interface IInitializableActor
    {
        void Init();
    }
}

namespace Akka.Actor
{
    /// <summary>
    /// An actor that declares its handlers in its constructor; the first one whose type and condition fit takes the message.
    /// </summary>
    public abstract class ReceiveActor : UntypedActor, IInitializableActor
    {
        private readonly Stack<ReceiveHandlers> _configuring = new();
        private ReceiveHandlers _handlers;

        protected ReceiveActor() => _configuring.Push(new ReceiveHandlers());

        // Called after the constructor, which has declared the first behaviour's handlers.
        void IInitializableActor.Init() => _handlers ??= _configuring.Pop();

        protected sealed override void OnReceive(object message) => Execute(_handlers, message);

        private bool Execute(ReceiveHandlers handlers, object message)
        {
            if (!handlers.Handle(message)) Unhandled(message);
            return true;
        }

        /// <summary>The handlers that the action declares replace those of now.</summary>
        protected void Become(Action configure)
        {
            var handlers = Configure(configure);
            base.Become((Receive)(m => Execute(handlers, m)));
        }

        protected void BecomeStacked(Action configure)
        {
            var handlers = Configure(configure);
            base.BecomeStacked((Receive)(m => Execute(handlers, m)));
        }

        private ReceiveHandlers Configure(Action configure)
        {
            _configuring.Push(new ReceiveHandlers());
            try
            {
                configure();
                return _configuring.Peek();
            }
            finally
            {
                _configuring.Pop();
            }
        }

        private ReceiveHandlers Handlers() =>
            _configuring.Count > 0
                ? _configuring.Peek()
                : throw new InvalidOperationException("You may only call Receive-methods when constructing the actor and inside Become");

        protected void Receive<T>(Action<T> handler, Predicate<T> shouldHandle = null) =>
            Handlers().Add(typeof(T), Guarded(handler, shouldHandle), shouldHandle == null);

        protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) => Receive(handler, shouldHandle);

        /// <param name="handler">Answers whether it took the message; if not the next handler is asked.</param>
        protected void Receive<T>(Func<T, bool> handler) => Handlers().Add(typeof(T), m => handler((T)m), false);

        protected void Receive(Type messageType, Action<object> handler, Predicate<object> shouldHandle = null) =>
            Handlers().Add(messageType, Guarded(handler, shouldHandle), shouldHandle == null);

        protected void Receive(Type messageType, Predicate<object> shouldHandle, Action<object> handler) =>
            Receive(messageType, handler, shouldHandle);

        protected void Receive(Type messageType, Func<object, bool> handler) => Handlers().Add(messageType, handler, false);

        protected void ReceiveAny(Action<object> handler) => Handlers().AddAny(Guarded(handler, null));

        /// <summary>No other message is handled before the task is done.</summary>
        protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null) => Receive(Async(handler), shouldHandle);

        protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) => Receive(Async(handler), shouldHandle);

        protected void ReceiveAsync(Type messageType, Func<object, Task> handler, Predicate<object> shouldHandle = null) =>
            Receive(messageType, Async(handler), shouldHandle);

        protected void ReceiveAsync(Type messageType, Predicate<object> shouldHandle, Func<object, Task> handler) =>
            Receive(messageType, Async(handler), shouldHandle);

        protected void ReceiveAnyAsync(Func<object, Task> handler) => ReceiveAny(Async(handler));

        private static Action<T> Async<T>(Func<T, Task> handler) => m => ActorTaskScheduler.RunTask(() => handler(m));

        private static Func<object, bool> Guarded<T>(Action<T> handler, Predicate<T> shouldHandle)
        {
            if (shouldHandle == null)
                return m =>
                {
                    handler((T)m);
                    return true;
                };
            return m =>
            {
                var message = (T)m;
                if (!shouldHandle(message)) return false;
                handler(message);
                return true;
            };
        }
    }
}
