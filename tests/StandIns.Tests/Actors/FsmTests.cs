using Akka.Actor;
using static Akka.Actor.FSMBase;

namespace TiKvActors.StandIns.Tests.Actors;

public class FsmTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private static ActorSystem Start() => ActorSystem.Create(
        "fsm", "akka.loglevel = OFF\nakka.stdout-loglevel = OFF\nakka.coordinated-shutdown.run-by-clr-shutdown-hook = off");

    [Fact]
    public async Task Goes_from_state_to_state_and_tells_those_who_want_to_know()
    {
        using var system = Start();
        var trace = new Trace(system);
        var door = system.ActorOf(Props.Create(() => new Door(trace)));
        door.Tell(new SubscribeTransitionCallBack(trace.Ref));
        Assert.Equal(new CurrentState<string>(door, "closed"), await trace.Next());
        Assert.Equal("opened 1 times", await door.Ask<string>("open", _patience));
        Assert.Equal("closed -> open, 0 to 1", await trace.Next());
        Assert.Equal(new Transition<string>(door, "closed", "open"), await trace.Next());
        Assert.Equal("already", await door.Ask<string>("open", _patience));
        door.Tell(new UnsubscribeTransitionCallBack(trace.Ref));
        // Left alone it closes by itself.
        Assert.Equal("open -> closed, 1 to 1", await trace.Next());
    }

    [Fact]
    public async Task Stops_with_a_reason_once()
    {
        using var system = Start();
        var trace = new Trace(system);
        var door = system.ActorOf(Props.Create(() => new Door(trace)));
        door.Tell("break");
        Assert.Equal("ended in closed with Failure(broken)", await trace.Next());
        door = system.ActorOf(Props.Create(() => new Door(trace)));
        system.Stop(door);
        Assert.StartsWith("ended in closed with Akka.Actor.FSMBase+Shutdown", (string)await trace.Next());
        door = system.ActorOf(Props.Create(() => new Door(trace)));
        door.Tell("to nowhere");
        Assert.StartsWith("ended in closed with Failure(Next state nowhere", (string)await trace.Next());
    }

    [Fact]
    public async Task Timers_fire_until_they_are_cancelled()
    {
        using var system = Start();
        var trace = new Trace(system);
        var door = system.ActorOf(Props.Create(() => new Door(trace)));
        door.Tell("ring");
        for (var i = 0; i < 3; i++) Assert.Equal("ding", await trace.Next());
        Assert.True(await door.Ask<bool>("is ringing", _patience));
        door.Tell("be quiet");
        Assert.False(await door.Ask<bool>("is ringing", _patience));
    }

    [Fact]
    public async Task What_no_state_handles_goes_to_the_last_resort()
    {
        using var system = Start();
        var door = system.ActorOf(Props.Create(() => new Door(new Trace(system))));
        Assert.Equal("knock in closed", await door.Ask<string>("knock", _patience));
    }

    private sealed class Trace
    {
        private readonly System.Threading.Channels.Channel<object> _lines = System.Threading.Channels.Channel.CreateUnbounded<object>();

        public Trace(ActorSystem system) => Ref = system.ActorOf(Props.Create(() => new Keeper(_lines)));

        public IActorRef Ref { get; }

        public void Add(object line) => _lines.Writer.TryWrite(line);

        public async Task<object> Next() => await _lines.Reader.ReadAsync().AsTask().WaitAsync(_patience);

        private sealed class Keeper(System.Threading.Channels.Channel<object> lines) : UntypedActor
        {
            protected override void OnReceive(object message) => lines.Writer.TryWrite(message);
        }
    }

    private sealed class Door : FSM<string, int>
    {
        public Door(Trace trace)
        {
            When("closed", e => e.FsmEvent switch
            {
                "open" => GoTo("open").Using(e.StateData + 1).Replying($"opened {e.StateData + 1} times"),
                "break" => Stop(new Failure("broken")),
                "to nowhere" => GoTo("nowhere"),
                _ => null
            });
            When("open", e => e.FsmEvent switch
            {
                "open" => Stay().Replying("already"),
                StateTimeout => GoTo("closed"),
                _ => null
            }, TimeSpan.FromMilliseconds(100));
            WhenUnhandled(e =>
            {
                switch (e.FsmEvent)
                {
                    case "ring":
                        SetTimer("bell", "ding", TimeSpan.FromMilliseconds(10), repeat: true);
                        return Stay();
                    case "ding":
                        trace.Add("ding");
                        return Stay();
                    case "be quiet":
                        CancelTimer("bell");
                        return Stay();
                    case "is ringing":
                        return Stay().Replying(IsTimerActive("bell"));
                    default:
                        return Stay().Replying($"{e.FsmEvent} in {StateName}");
                }
            });
            OnTransition((from, to) => trace.Add($"{from} -> {to}, {StateData} to {NextStateData}"));
            OnTermination(e => trace.Add($"ended in {e.TerminatedState} with {e.Reason}"));
            StartWith("closed", 0);
            Initialize();
        }
    }
}
