using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote;
using Akka.Serialization;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Akka's own messages come back from their bytes.</summary>
public sealed class SerializerTests : IAsyncLifetime
{
    private readonly Node _node = Node.Start("A");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("ä→𝄞")]
    [InlineData(int.MinValue)]
    [InlineData(-1L)]
    [InlineData(long.MaxValue)]
    public void Texts_and_integers(object value) => Assert.Equal(value, Back(value));

    [Theory]
    [InlineData("S", new byte[] { 97 }, "a")]
    [InlineData("I", new byte[] { 1, 0, 0, 0 }, 1)]
    [InlineData("L", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0 }, 1L)]
    [InlineData("System.String, mscorlib", new byte[] { 97 }, "a")]
    public void Texts_and_integers_by_every_manifest(string manifest, byte[] bytes, object value) =>
        Assert.Equal(value, _node.System.Serialization.Deserialize(bytes, 17, manifest));

    [Fact]
    public void Messages_between_actors()
    {
        var inbox = _node.Listen("inbox");
        Assert.Equal(5, Assert.IsType<Identify>(Back(new Identify(5))).MessageId);
        Assert.Null(Assert.IsType<Identify>(Back(new Identify(null))).MessageId);
        Assert.Equal(new ActorIdentity("x", inbox.Ref), Back(new ActorIdentity("x", inbox.Ref)));
        Assert.Null(Assert.IsType<ActorIdentity>(Back(new ActorIdentity("x", null))).Subject);
        Assert.Same(inbox.Ref, Back(inbox.Ref));
        Assert.Same(PoisonPill.Instance, Back(PoisonPill.Instance));
        Assert.Same(Kill.Instance, Back(Kill.Instance));
        Assert.Equal("done", Assert.IsType<Status.Success>(Back(new Status.Success("done"))).Status);
        Assert.Same(RemoteWatcher.Heartbeat.Instance, Back(RemoteWatcher.Heartbeat.Instance));
        Assert.Equal(-7, Assert.IsType<RemoteWatcher.HeartbeatRsp>(Back(new RemoteWatcher.HeartbeatRsp(-7))).AddressUid);
    }

    [Fact]
    public void Selections()
    {
        SelectionPathElement[] way = [new SelectChildName("user"), SelectParent.Instance, new SelectChildPattern("a*"), SelectChildRecursive.Instance];
        var back = Assert.IsType<ActorSelectionMessage>(Back(new ActorSelectionMessage("hello", way, wildCardFanOut: true)));
        Assert.Equal("hello", back.Message);
        Assert.Equal(way, back.Elements);
        Assert.True(back.WildCardFanOut);
    }

    [Fact]
    public void System_messages()
    {
        var (one, two) = ((IInternalActorRef)_node.Listen("one").Ref, (IInternalActorRef)_node.Listen("two").Ref);
        Assert.Equal(new Akka.Dispatch.SysMsg.Watch(one, two), Back(new Akka.Dispatch.SysMsg.Watch(one, two)));
        Assert.Equal(new Unwatch(one, two), Back(new Unwatch(one, two)));
        var ended = Assert.IsType<DeathWatchNotification>(Back(new DeathWatchNotification(one, true, false)));
        Assert.Equal((one, true, false), ((IInternalActorRef)ended.Actor, ended.ExistenceConfirmed, ended.AddressTerminated));
        Assert.IsType<Terminate>(Back(new Terminate()));
        Assert.Equal("why", Assert.IsType<Recreate>(Back(new Recreate(new InvalidOperationException("why")))).Cause.Message);
        Assert.Throws<ArgumentException>(() => Back(new Create()));
    }

    [Fact]
    public void Failures_with_their_exceptions()
    {
        var thrown = Assert.Throws<OwnException>(Throw);
        var back = Assert.IsType<Status.Failure>(Back(new Status.Failure(thrown, "state")));
        Assert.Equal("state", back.State);
        var cause = Assert.IsType<OwnException>(back.Cause);
        Assert.Equal("outer", cause.Message);
        Assert.Contains(nameof(Throw), cause.StackTrace);
        var inner = Assert.IsType<ArgumentNullException>(cause.InnerException);
        Assert.Equal(new ArgumentNullException("name", "inner").Message, inner.Message);
        Assert.Null(Assert.IsType<Status.Failure>(Back(new Status.Failure(null))).Cause);
    }

    [Theory]
    [InlineData("Elsewhere.LostException, Elsewhere")]
    [InlineData("Elsewhere.LostException, \u0001=[")]
    [InlineData("[[[,")]
    [InlineData("")]
    public void An_exception_of_a_type_that_is_not_known_here_names_it(string typeName)
    {
        using var bytes = new Akka.Remote.Transport.WireWriter(64);
        bytes.Byte(1);
        bytes.Text(typeName);
        bytes.Text("gone");
        bytes.Text("");
        bytes.Byte(0);
        var from = new Akka.Remote.Transport.WireReader(bytes.Written.Span);
        var exception = Akka.Remote.Serialization.ExceptionPayload.Read(ref from);
        Assert.Contains(typeName, exception.Message);
        Assert.Contains("gone", exception.Message);
    }

    private static void Throw() => throw new OwnException(5, new ArgumentNullException("name", "inner"));

    private object Back(object message)
    {
        var serialization = _node.System.Serialization;
        var serializer = serialization.FindSerializerFor(message);
        Assert.NotEqual(1, serializer.Identifier);
        return serialization.Deserialize(serialization.Serialize(message), serializer.Identifier, Akka.Serialization.Serialization.ManifestFor(serializer, message));
    }

    private sealed class OwnException : Exception
    {
        public OwnException(int notAText, Exception inner) : base("outer", inner) => NotAText = notAText;

        public int NotAText { get; }
    }
}
