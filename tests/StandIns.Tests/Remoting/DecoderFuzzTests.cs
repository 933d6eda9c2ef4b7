using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote;
using Akka.Remote.Transport;
using Akka.Serialization;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>
/// Mutated bytes for every decoder behind the port: what comes of them is a value or a refusal of a known type, and no more memory than the
/// bytes justify.
/// </summary>
public sealed class DecoderFuzzTests : IAsyncLifetime
{
    private readonly Node _node = Node.Start("A");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public void Handshake_frames()
    {
        using var to = new WireWriter(256);
        Frames.Hello(to, new Hello(new Address("akka.tcp", "A", "127.0.0.1", 1), -3, new Address("akka.tcp", "B", "::1", 2), 5, 6, 128_000));
        Frames.Welcome(to, new Welcome(7, 8, 9));
        Frames.Refusal(to, new Refusal(RefusalReason.Version, "too old"));
        var all = to.Written.ToArray();
        var frames = new List<byte[]>();
        for (var i = 0; i < all.Length; i += 4 + (int)Frames.LengthOf(all.AsSpan(i))) frames.Add(all[(i + 5)..(i + 4 + (int)Frames.LengthOf(all.AsSpan(i)))]);
        Fuzz.Run(new Random(Fuzz.Seed), frames, bytes =>
        {
            Try(() => Frames.ReadHello(bytes));
            Try(() => Frames.ReadWelcome(bytes));
            Try(() => Frames.ReadRefusal(bytes));
        });
    }

    [Fact]
    public void Message_headers()
    {
        var remoting = (Akka.Remote.Remoting)((RemoteActorRefProvider)_node.System.Provider).Transport;
        var header = RawPeer.Message(_node, "/user/inbox", 17, "S", [])[Frames.MessagePrefix..];
        using var system = new WireWriter(64);
        system.Var(5);
        system.Bytes(header);
        Fuzz.Run(new Random(Fuzz.Seed), [header, system.Written.ToArray()], bytes =>
        {
            // Each on a connection of its own: what one has defined is no help for the next.
            var inbound = new InboundMessages(remoting);
            Try(() => inbound.ReadHeader(bytes, isSystem: false));
            Try(() => inbound.ReadHeader(bytes, isSystem: true));
        });
    }

    [Fact]
    public void Messages_of_every_serializer()
    {
        var serialization = _node.System.Serialization;
        var inbox = _node.Listen("inbox");
        var actor = (IInternalActorRef)inbox.Ref;
        object[] messages =
        [
            "text", 5, 6L, new Identify("x"), new ActorIdentity(7, inbox.Ref), inbox.Ref, PoisonPill.Instance, new Status.Success("done"),
            new Status.Failure(new InvalidOperationException("outer", new ArgumentException("inner")), "state"), new RemoteWatcher.HeartbeatRsp(-7),
            new ActorSelectionMessage("hello", [new SelectChildName("user"), SelectParent.Instance, new SelectChildPattern("a*"), SelectChildRecursive.Instance], true),
            new Akka.Dispatch.SysMsg.Watch(actor, actor), new Unwatch(actor, actor), new DeathWatchNotification(actor, true, false), new Terminate(), new Recreate(new InvalidOperationException("why"))
        ];
        var kinds = messages.Select(m =>
        {
            var serializer = serialization.FindSerializerFor(m);
            return (Id: serializer.Identifier, Manifest: Akka.Serialization.Serialization.ManifestFor(serializer, m), Bytes: serialization.Serialize(m));
        }).ToList();
        var random = new Random(Fuzz.Seed);
        Fuzz.Run(random, kinds.Select(k => k.Bytes).ToList(), bytes =>
        {
            var (id, manifest, _) = kinds[random.Next(kinds.Count)];
            if (random.Next(20) == 0) id = random.Next(-1, 40);
            if (id == 1) return;
            if (random.Next(20) == 0) manifest = new string((char)random.Next(32, 127), random.Next(4));
            Try(() => serialization.Deserialize(bytes, id, manifest));
        }, overhead: 256 * 1024);
    }

    [Fact]
    public void Messages_inside_each_other_come_to_an_end()
    {
        var bytes = new byte[] { 0, 0, 0, 0, 0, 0 };
        for (var i = 0; i < 2_000; i++)
        {
            using var to = new WireWriter(256);
            to.Int32(16);
            to.Text("ID");
            to.Var((uint)bytes.Length);
            to.Bytes(bytes);
            bytes = to.Written.ToArray();
        }
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<MalformedFrameException>(() => _node.System.Serialization.Deserialize(bytes, 16, "ID"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64L * bytes.Length);
    }

    [Fact]
    public void References_of_any_depth_are_resolved_or_not()
    {
        var path = new RootActorPath(_node.Address) + "user" + string.Concat(Enumerable.Repeat("/a", 200_000));
        using var to = new WireWriter(256);
        to.Text(path);
        var reference = (IActorRef)_node.System.Serialization.Deserialize(to.Written.ToArray(), 16, "AR");
        Assert.Equal(path, reference.Path.ToStringWithAddress(_node.Address));
        Assert.Equal(0, reference.Path.CompareTo(((IActorRef)_node.System.Serialization.Deserialize(to.Written.ToArray(), 16, "AR")).Path));
    }

    private static void Try(Action decode)
    {
        try
        {
            decode();
        }
        catch (Exception e) when (e is MalformedFrameException or SerializationException or Newtonsoft.Json.JsonException)
        {
            // The refusal that the caller expects.
        }
    }
}
