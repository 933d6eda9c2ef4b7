using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Serialization;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Protocol.Tikvpb;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>
/// Nodes under load while their ports are bombarded: by sockets that speak nothing, and by an actor system that speaks nonsense.
/// </summary>
public sealed class HostilePortTests
{
    private const int Seed = 3;

    [Fact]
    public async Task ABombardedNodeServesOnAndNobodyInItNotices()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var errors = new ConcurrentQueue<string>();
        foreach (var node in cluster.Nodes)
            Collect(node.System, errors);
        await using var load = new WriteLoad(cluster.Client, writers: 4);
        await load.ProgressAsync(100);

        var random = new Random(Seed);
        using var speaker = new Speaker();
        var cluster1 = cluster.Node(1).Tikv.Node!.Services!;
        for (var round = 0; round < 10; round++)
        {
            foreach (var node in cluster.Nodes)
            {
                await Task.WhenAll(Enumerable.Range(0, 10).Select(i => ScreamAsync(node.Port, Garbage(random), i)));
                foreach (var bytes in Nonsense(random, cluster1.ClusterId, node.StoreId))
                {
                    foreach (var part in new[] { "kv", "store", "pd" })
                        speaker.Say(node.Port, part, bytes);
                }
            }

            await load.ProgressAsync(20);
        }

        await load.ProgressAsync(100);
        await load.StopAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
        await cluster.AllReplicasAreEqualAsync();
        // What cannot be read is said; everything else must not have reached an actor that failed over it.
        Assert.DoesNotContain(errors, e => !e.Contains("cannot be deserialized", StringComparison.Ordinal));
    }

    private static void Collect(ActorSystem system, ConcurrentQueue<string> errors)
    {
        var collector = system.ActorOf(Props.Create(() => new Collector(errors)));
        system.EventStream.Subscribe(collector, typeof(Error));
        system.EventStream.Subscribe(collector, typeof(Warning));
    }

    private static byte[] Garbage(Random random)
    {
        var garbage = new byte[random.Next(1, 2_000)];
        random.NextBytes(garbage);
        return garbage;
    }

    /// <summary>Until the node has closed the connection, or without waiting for that.</summary>
    private static async Task ScreamAsync(int port, byte[] garbage, int kind)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        try
        {
            await socket.SendAsync(garbage);
            if (kind % 2 == 0)
                socket.Close(0);
            else
                socket.Shutdown(SocketShutdown.Send);
            if (kind % 2 == 1)
                await socket.ReceiveAsync(new byte[100]).WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (SocketException)
        {
            // Closed by the node, which is its right.
        }
    }

    /// <summary>
    /// Messages of every kind: empty, with arbitrary contents, damaged; and batches for the store whose header is right and nothing else.
    /// </summary>
    private static IEnumerable<Spoken> Nonsense(Random random, ulong clusterId, ulong storeId)
    {
        var rows = Manifests.All;
        var valid = rows.Select(row => Filled.Message(row.Message, random).ToByteArray()).ToList();
        var mutations = new Mutations(random, valid);
        for (var i = 0; i < rows.Count; i++)
        {
            yield return new Spoken(ProtocolSerializer.Id, rows[i].Manifest, []);
            yield return new Spoken(ProtocolSerializer.Id, rows[i].Manifest, valid[i]);
            yield return new Spoken(ProtocolSerializer.Id, rows[i].Manifest, mutations.Next());
        }

        yield return new Spoken(ProtocolSerializer.Id, "unknown", [1, 2, 3]);
        yield return new Spoken(ForeignSerializer.ForeignId, "x", [1, 2, 3]);
        var header = new StoreHeader { ClusterId = clusterId, ToStoreId = storeId, FromStoreId = 99, ProtocolVersion = 1 };
        yield return Batch(new StoreRaftBatch { Header = header });
        foreach (var message in new[]
                 {
                     new RaftMessage(),
                     new RaftMessage { RegionId = 2 },
                     new RaftMessage { RegionId = 2, ToPeer = new() { StoreId = storeId, Id = 3 } },
                     new RaftMessage
                     {
                         RegionId = 2,
                         ToPeer = new() { StoreId = storeId, Id = 3 },
                         FromPeer = new() { StoreId = 99, Id = 98 }
                     },
                 })
        {
            for (ulong peer = 0; peer < 12; peer++)
            {
                var copy = message.Clone();
                if (copy.ToPeer is not null)
                    copy.ToPeer.Id = peer;
                yield return Batch(new StoreRaftBatch { Header = header, Batch = new BatchRaftMessage { Msgs = { copy } } });
            }
        }

        yield return new Spoken(
            ProtocolSerializer.Id, Manifests.Of(new SnapshotChunkRequest()), new SnapshotChunkRequest { Header = header }.ToByteArray());
    }

    private static Spoken Batch(StoreRaftBatch batch) => new(ProtocolSerializer.Id, Manifests.Of(batch), batch.ToByteArray());

    private sealed record Spoken(int SerializerId, string Manifest, byte[] Bytes);

    private sealed class Collector(ConcurrentQueue<string> errors) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is Error error)
                errors.Enqueue(error.ToString());
            else if (message is Warning { Message: { } text } && text.ToString()!.Contains("failed", StringComparison.Ordinal))
                errors.Enqueue(text.ToString()!);
        }
    }

    /// <summary>An actor system whose messages are whatever bytes under whatever serializer and manifest.</summary>
    private sealed class Speaker : IDisposable
    {
        private readonly ActorSystem _system = ActorSystem.Create("hostile", ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              actor {
                provider = remote
                serializers {
                  known = "{{typeof(KnownSerializer).AssemblyQualifiedName}}"
                  foreign = "{{typeof(ForeignSerializer).AssemblyQualifiedName}}"
                }
                serialization-bindings {
                  "{{typeof(Known).AssemblyQualifiedName}}" = known
                  "{{typeof(Foreign).AssemblyQualifiedName}}" = foreign
                }
              }
              remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
            }
            """));

        public void Say(int port, string part, Spoken spoken)
        {
            object message = spoken.SerializerId == ProtocolSerializer.Id
                ? new Known(spoken.Manifest, spoken.Bytes)
                : new Foreign(spoken.Manifest, spoken.Bytes);
            ((ExtendedActorSystem)_system).Provider.ResolveActorRef($"akka.tcp://tikv@127.0.0.1:{port}/user/tikv/{part}")
                .Tell(message, ActorRefs.NoSender);
        }

        public void Dispose() => _system.Terminate().Wait(TimeSpan.FromSeconds(20));
    }

    internal sealed record Known(string Manifest, byte[] Bytes);

    internal sealed record Foreign(string Manifest, byte[] Bytes);

    internal sealed class KnownSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => ProtocolSerializer.Id;

        public override string Manifest(object o) => ((Known)o).Manifest;

        public override byte[] ToBinary(object obj) => ((Known)obj).Bytes;

        public override object FromBinary(byte[] bytes, string manifest) => new Known(manifest, bytes);
    }

    internal sealed class ForeignSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public const int ForeignId = 7777;

        public override int Identifier => ForeignId;

        public override string Manifest(object o) => ((Foreign)o).Manifest;

        public override byte[] ToBinary(object obj) => ((Foreign)obj).Bytes;

        public override object FromBinary(byte[] bytes, string manifest) => new Foreign(manifest, bytes);
    }
}
