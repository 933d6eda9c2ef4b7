using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace TiKvActors.StandIns.Tests.Actors;

/// <summary>What remoting relies on: watches that cross systems end with the other system.</summary>
public sealed class AddressTerminatedTests : ActorScene
{
    private static readonly Address _elsewhere = new("akka.tcp", "Other", "elsewhere", 1234);

    private ExtendedActorSystem Extended => (ExtendedActorSystem)System;

    private Elsewhere RefElsewhere(string name) =>
        new(new ChildActorPath(new RootActorPath(_elsewhere) / "user", name, 7), Extended.Provider);

    private void Terminate(Address address) => AddressTerminatedTopic.Get(System).Publish(new AddressTerminated(address));

    [Fact]
    public async Task Watched_actors_of_a_terminated_address_are_terminated_and_those_of_others_are_not()
    {
        var gone = new ConcurrentQueue<Terminated>();
        var (one, two) = (RefElsewhere("one"), RefElsewhere("two"));
        var here = Do((_, _) => { });
        var watcher = Do((m, c) =>
        {
            if (m is Terminated t)
            {
                gone.Enqueue(t);
                return;
            }
            foreach (var watchee in new IActorRef[] { one, two, here }) c.Watch(watchee);
            c.Sender.Tell("watching");
        });
        await watcher.Ask<string>("watch", Patience);
        Assert.IsType<Watch>(Assert.Single(one.SystemMessages));
        Terminate(new Address("akka.tcp", "Other", "elsewhere", 9999));
        Terminate(_elsewhere);
        await Eventually.TrueAsync(() => gone.Count == 2, "both to be terminated");
        Assert.All(gone, t => Assert.True(t.AddressTerminated && !t.ExistenceConfirmed));
        Assert.Equal(["one", "two"], gone.Select(t => t.ActorRef.Path.Name).Order());
        // Once more, to nobody: the watches have ended.
        Terminate(_elsewhere);
        System.Stop(here);
        await Eventually.TrueAsync(() => gone.Count == 3, "the one here");
        Assert.False(gone.Last().AddressTerminated);
    }

    [Fact]
    public async Task A_watcher_of_a_terminated_address_is_forgotten()
    {
        var watcher = RefElsewhere("watcher");
        var other = new Elsewhere(new RootActorPath(_elsewhere.WithPort(1)) / "user" / "other", Extended.Provider);
        var target = Do((_, _) => { });
        foreach (var w in new[] { watcher, other }) ((IInternalActorRef)target).SendSystemMessage(new Watch((IInternalActorRef)target, w));
        await target.Ask<ActorIdentity>(new Identify(1), Patience);
        Terminate(_elsewhere);
        await target.GracefulStop(Patience);
        await Eventually.TrueAsync(() => !other.SystemMessages.IsEmpty, "the watcher that is still there to be told");
        Assert.Empty(watcher.SystemMessages);
    }

    [Fact]
    public async Task An_unwatched_actor_elsewhere_is_unwatched_there_too()
    {
        var one = RefElsewhere("one");
        var watcher = Do((m, c) =>
        {
            if (m is "watch") c.Watch(one);
            else c.Unwatch(one);
            c.Sender.Tell("done");
        });
        await watcher.Ask<string>("watch", Patience);
        await watcher.Ask<string>("unwatch", Patience);
        Assert.Equal([typeof(Watch), typeof(Unwatch)], one.SystemMessages.Select(m => m.GetType()));
    }

    private sealed class Elsewhere(ActorPath path, IActorRefProvider provider) : InternalActorRefBase
    {
        public ConcurrentQueue<ISystemMessage> SystemMessages { get; } = new();

        public override ActorPath Path => path;

        public override IActorRefProvider Provider => provider;

        public override IInternalActorRef Parent => ActorRefs.Nobody;

        public override bool IsTerminated => false;

        public override bool IsLocal => false;

        public override IActorRef GetChild(IReadOnlyList<string> name) => ActorRefs.Nobody;

        public override void SendSystemMessage(ISystemMessage message) => SystemMessages.Enqueue(message);

        protected override void TellInternal(object message, IActorRef sender)
        {
        }

        public override void Start()
        {
        }

        public override void Stop()
        {
        }

        public override void Suspend()
        {
        }

        public override void Resume(Exception causedByFailure = null)
        {
        }

        public override void Restart(Exception cause)
        {
        }
    }
}
