using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Membership;
using Akka.Cluster.Serialization;
using Akka.Remote.Transport;
using Akka.Util;
using TiKvActors.Tests.Shared;
using Welcome = Akka.Cluster.Membership.Welcome;

namespace TiKvActors.StandIns.Tests.Clustering;

public class ClusterSerializerTests
{
    private static readonly UniqueAddress _a = new(new Address("akka.tcp", "sys", "host", 1), -1);
    private static readonly UniqueAddress _b = new(new Address("akka.tcp", "sys", "::1", 65535), int.MaxValue);

    private static Gossip Gossip()
    {
        var members =
            new[] { Member.Create(_a, ["pd", "störe"], AppVersion.Create("1.2.3-rc1")).CopyUp(7), Member.Create(_b, [], AppVersion.Zero) };
        var reachability = Reachability.Empty.Change(_a, _b, ReachabilityStatus.Unreachable);
        var gone = new UniqueAddress(_a.Address, 5);
        return new Gossip(
            members.ToImmutableSortedSet(), [_a], reachability,
            VectorClock.Create().Increment(Akka.Cluster.Membership.Gossip.ClockNode(_a)).Increment(new VectorClock.Node("x")),
            ImmutableDictionary<UniqueAddress, long>.Empty.Add(gone, 123));
    }

    private static IClusterMessage[] Messages() =>
    [
        new InitJoin(_a), new InitJoinAck(_a.Address), new InitJoinNack(_b.Address), new Join(_b, ["x", "y"], AppVersion.Create("2")),
        new Welcome(_a, Gossip()),
        new GossipEnvelope(_a, _b, Gossip()), new GossipStatus(_b, Gossip().Version), new ExitingConfirmed(_a),
        new Heartbeat(_a.Address, long.MaxValue), new HeartbeatRsp(_b, -1)
    ];

    [Fact]
    public async Task Every_message_comes_back_from_its_bytes()
    {
        await using var node = ClusterNode.Start();
        foreach (var message in Messages())
        {
            var serializer = node.System.Serialization.FindSerializerFor(message);
            Assert.IsType<ClusterMessageSerializer>(serializer);
            var copy = node.System.Serialization.Deserialize(
                serializer.ToBinary(message), serializer.Identifier, Akka.Serialization.Serialization.ManifestFor(serializer, message));
            Assert.Equal(Text(message), Text(copy));
        }
        Assert.Equal(
            Messages().Length, typeof(Join).Assembly.GetTypes().Count(t => !t.IsInterface && typeof(IClusterMessage).IsAssignableFrom(t)));
    }

    [Fact]
    public async Task Damaged_bytes_are_refused_and_cost_no_memory()
    {
        await using var node = ClusterNode.Start();
        var serializer = new ClusterMessageSerializer(node.System);
        var messages = Messages().Select(m => (Manifest: serializer.Manifest(m), Bytes: serializer.ToBinary(m))).ToList();
        var random = new Random(Fuzz.Seed);
        Fuzz.Run(random, messages.ConvertAll(m => m.Bytes), bytes =>
        {
            try
            {
                serializer.FromBinary(bytes, messages[random.Next(messages.Count)].Manifest);
            }
            catch (Exception e) when (e is MalformedFrameException or SerializationException)
            {
                // The refusal that the caller expects.
            }
        }, overhead: 256 * 1024);
    }

    private static string Text(object message) => message switch
    {
        Join join => $"{join.Node} {string.Join(",", join.Roles.Order())} {join.AppVersion}",
        Welcome welcome => $"{welcome.From} {Text(welcome.Gossip)}",
        GossipEnvelope envelope => $"{envelope.From} {envelope.To} {Text(envelope.Gossip)}",
        Gossip gossip => string.Join(
            ' ', gossip, string.Join(",", gossip.Members.SelectMany(m => m.Roles.Order())),
            string.Join(",", gossip.Tombstones.Select(t => $"{t.Key}={t.Value}")),
            string.Join(",", gossip.Reachability.Rows.Select(r => $"{r.Key}={r.Value.Version}"))),
        _ => message.ToString()
    };
}
