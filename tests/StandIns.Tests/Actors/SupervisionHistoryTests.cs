using Akka.Actor;

namespace TiKvActors.StandIns.Tests.Actors;

/// <summary>
/// Random failures, directives, stops and new children all over a tree, from several threads. Whatever happened, in the end every
/// actor that is still there handles messages, and every instance that was started has been told its end.
/// </summary>
public sealed class SupervisionHistoryTests : ActorScene
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Nobody_is_left_suspended_and_no_end_is_forgotten(int seed)
    {
        var counts = new Counts();
        var system = Start("");
        var root = system.ActorOf(Props.Create(() => new Node(counts, 3, seed)), "root");
        var threads = Enumerable.Range(0, 3).Select(thread => Task.Run(async () =>
        {
            var random = new Random(seed * 100 + thread);
            for (var i = 0; i < 600; i++)
            {
                var command = Command(random);
                // The root itself is not to be stopped, so that there is a tree to the end.
                var depth = random.Next(command is PoisonPill or Kill ? 1 : 0, 4);
                var path = "/user/root" + string.Concat(Enumerable.Range(0, depth).Select(_ => "/" + random.Next(3)));
                system.ActorSelection(path).Tell(command, ActorRefs.NoSender);
                if (i % 50 == 0) await Task.Delay(1);
            }
        })).ToList();
        await Task.WhenAll(threads).WaitAsync(Patience);
        await AllAnswer(root);
        Assert.False(((LocalActorRef)root).Cell.IsTerminated);
        await system.Terminate().WaitAsync(Patience);
        Assert.True(counts.Started > 50, $"only {counts.Started} instances");
        Assert.Equal(counts.Started, counts.Ended);
    }

    private static object Command(Random random) => random.Next(12) switch
    {
        0 => new Fail(Directive.Resume),
        1 => new Fail(Directive.Restart),
        2 or 3 => new Fail(Directive.Escalate),
        4 => new Fail(Directive.Stop),
        5 => new FailLater(Directive.Restart),
        6 => new FailLater(Directive.Resume),
        7 => new Wait(random.Next(3)),
        8 => PoisonPill.Instance,
        9 => Kill.Instance,
        _ => new Grow(random.Next(3))
    };

    private static async Task AllAnswer(IActorRef node)
    {
        // A child that is about to end, or a parent whose escalated failure takes it along, does not answer any more.
        var end = node.WatchAsync();
        var answer = node.Ask<IReadOnlyList<IActorRef>>("children", Patience);
        await Task.WhenAny(end, answer).WaitAsync(Patience);
        if (!answer.IsCompletedSuccessfully) return;
        foreach (var child in await answer) await AllAnswer(child);
    }

    private sealed record Fail(Directive Directive);

    private sealed record FailLater(Directive Directive);

    private sealed record Wait(int Milliseconds);

    private sealed record Grow(int Child);

    private sealed class Failure(Directive directive) : Exception("on purpose")
    {
        public Directive Directive { get; } = directive;
    }

    private sealed class Counts
    {
        private int _started;
        private int _ended;

        public int Started => Volatile.Read(ref _started);

        public int Ended => Volatile.Read(ref _ended);

        public void Start() => Interlocked.Increment(ref _started);

        public void End() => Interlocked.Increment(ref _ended);
    }

    private sealed class Node : ReceiveActor
    {
        private readonly Counts _counts;
        private readonly int _levels;
        private readonly int _seed;
        private bool _isEnded;

        public Node(Counts counts, int levels, int seed)
        {
            (_counts, _levels, _seed) = (counts, levels, seed);
            Receive<Fail>(f => throw new Failure(f.Directive));
            ReceiveAsync<FailLater>(async f =>
            {
                await Task.Delay(1);
                throw new Failure(f.Directive);
            });
            ReceiveAsync<Wait>(w => Task.Delay(w.Milliseconds));
            Receive<Grow>(g => Grow(g.Child));
            Receive<string>(_ => Sender.Tell(Context.GetChildren().ToList()));
        }

        private void Grow(int child)
        {
            // A child of this name may exist, or be on its way out.
            if (_levels == 0 || ((ActorCell)Context).TryGetChildStatsByName(child.ToString(), out _)) return;
            var (counts, levels, seed) = (_counts, _levels - 1, _seed);
            Context.ActorOf(Props.Create(() => new Node(counts, levels, seed)), child.ToString());
        }

        protected override void PreStart()
        {
            _counts.Start();
            for (var i = 0; i < 3; i++) Grow(i);
        }

        // Called twice if the actor is stopped while its restart waits for its children.
        protected override void PostStop()
        {
            if (!_isEnded) _counts.End();
            _isEnded = true;
        }

        // Some keep their children over a restart, the others end them.
        protected override void PreRestart(Exception reason, object message)
        {
            if ((_levels + _seed) % 2 == 0) base.PreRestart(reason, message);
            else PostStop();
        }

        protected override SupervisorStrategy SupervisorStrategy()
        {
            static Directive Decide(Exception e) => e is Failure failure ? failure.Directive : Directive.Restart;
            return (_levels + _seed) % 3 == 0 ? new AllForOneStrategy(Decide) : new OneForOneStrategy(20, 1_000, Decide);
        }
    }
}
