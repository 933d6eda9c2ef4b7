namespace Akka.Actor;

/// <summary>What all finite state machines have in common, whatever their states and data.</summary>
public abstract class FSMBase : ActorBase
{
    /// <summary>Why a machine stops.</summary>
    public abstract class Reason
    {
    }

    public sealed class Normal : Reason
    {
        private Normal()
        {
        }

        public static Normal Instance { get; } = new();
    }

    /// <summary>The actor was stopped from outside.</summary>
    public sealed class Shutdown : Reason
    {
        private Shutdown()
        {
        }

        public static Shutdown Instance { get; } = new();
    }

    public sealed class Failure : Reason
    {
        public Failure(object cause) => Cause = cause;

        public object Cause { get; }

        public override string ToString() => $"Failure({Cause})";
    }

    /// <summary>The event of a state in which nothing has happened for its time.</summary>
    public sealed class StateTimeout
    {
        private StateTimeout()
        {
        }

        public static StateTimeout Instance { get; } = new();
    }

    public readonly struct Event<TD> : INoSerializationVerificationNeeded
    {
        public Event(object fsmEvent, TD stateData) => (FsmEvent, StateData) = (fsmEvent, stateData);

        public object FsmEvent { get; }

        public TD StateData { get; }

        public override string ToString() => $"Event: <{FsmEvent}>, StateData: <{StateData}>";
    }

    public sealed class StopEvent<TS, TD> : INoSerializationVerificationNeeded
    {
        public StopEvent(Reason reason, TS terminatedState, TD stateData) =>
            (Reason, TerminatedState, StateData) = (reason, terminatedState, stateData);

        public Reason Reason { get; }

        public TS TerminatedState { get; }

        public TD StateData { get; }

        public override string ToString() =>
            $"StopEvent: Reason: <{Reason}>, TerminatedState: <{TerminatedState}>, StateData: <{StateData}>";
    }

    /// <summary>Asks for a <see cref="CurrentState{TS}"/> now and a <see cref="Transition{TS}"/> at every change.</summary>
    public sealed class SubscribeTransitionCallBack
    {
        public SubscribeTransitionCallBack(IActorRef actorRef) => ActorRef = actorRef;

        public IActorRef ActorRef { get; }
    }

    public sealed class UnsubscribeTransitionCallBack
    {
        public UnsubscribeTransitionCallBack(IActorRef actorRef) => ActorRef = actorRef;

        public IActorRef ActorRef { get; }
    }

    public sealed class CurrentState<TS>
    {
        public CurrentState(IActorRef fsmRef, TS state) => (FsmRef, State) = (fsmRef, state);

        public IActorRef FsmRef { get; }

        public TS State { get; }

        public override bool Equals(object obj) =>
            obj is CurrentState<TS> other && Equals(FsmRef, other.FsmRef) && EqualityComparer<TS>.Default.Equals(State, other.State);

        public override int GetHashCode() => HashCode.Combine(FsmRef, State);

        public override string ToString() => $"CurrentState <{State}>";
    }

    public sealed class Transition<TS>
    {
        public Transition(IActorRef fsmRef, TS from, TS to) => (FsmRef, From, To) = (fsmRef, from, to);

        public IActorRef FsmRef { get; }

        public TS From { get; }

        public TS To { get; }

        public override bool Equals(object obj) =>
            obj is Transition<TS> other && Equals(FsmRef, other.FsmRef) && EqualityComparer<TS>.Default.Equals(From, other.From)
                && EqualityComparer<TS>.Default.Equals(To, other.To);

        public override int GetHashCode() => HashCode.Combine(FsmRef, From, To);

        public override string ToString() => $"Transition({From}, {To})";
    }

    /// <summary>What comes after an event: a state, its data, and what is to be done on the way there.</summary>
    public sealed class State<TS, TD> : IEquatable<State<TS, TD>>
    {
        public State(
            TS stateName, TD stateData, TimeSpan? timeout = null, Reason stopReason = null, IReadOnlyList<object> replies = null,
            bool notifies = true)
        {
            StateName = stateName;
            StateData = stateData;
            Timeout = timeout;
            StopReason = stopReason;
            Replies = replies ?? [];
            Notifies = notifies;
        }

        public TS StateName { get; }

        public TD StateData { get; }

        public TimeSpan? Timeout { get; }

        public Reason StopReason { get; }

        /// <summary>To the sender of the event, the latest first.</summary>
        public IReadOnlyList<object> Replies { get; }

        /// <summary>Whether this is a transition, be it to the same state.</summary>
        internal bool Notifies { get; }

        /// <summary>The state's time, for this once.</summary>
        public State<TS, TD> ForMax(TimeSpan timeout) => new(StateName, StateData, timeout, StopReason, Replies, Notifies);

        public State<TS, TD> Replying(object replyValue) =>
            new(StateName, StateData, Timeout, StopReason, [replyValue, .. Replies], Notifies);

        public State<TS, TD> Using(TD nextStateData) => new(StateName, nextStateData, Timeout, StopReason, Replies, Notifies);

        internal State<TS, TD> WithStopReason(Reason reason) => new(StateName, StateData, Timeout, reason, Replies, Notifies);

        internal State<TS, TD> WithNotification(bool notifies) => new(StateName, StateData, Timeout, StopReason, Replies, notifies);

        public bool Equals(State<TS, TD> other) =>
            other is not null && EqualityComparer<TS>.Default.Equals(StateName, other.StateName)
                && EqualityComparer<TD>.Default.Equals(StateData, other.StateData)
            && Timeout == other.Timeout && Equals(StopReason, other.StopReason) && Replies.SequenceEqual(other.Replies);

        public override bool Equals(object obj) => Equals(obj as State<TS, TD>);

        public override int GetHashCode() => HashCode.Combine(StateName, StateData, Timeout);

        public override string ToString() => $"State: <{StateName}>, StateData: <{StateData}>";
    }
}
