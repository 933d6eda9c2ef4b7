using Akka.Actor;
using Akka.Cluster.Membership;
using Akka.Serialization;
using Akka.Util;
using static Akka.Cluster.Serialization.GossipFormat;
using Welcome = Akka.Cluster.Membership.Welcome;

namespace Akka.Cluster.Serialization;

/// <summary>The messages between the nodes of a cluster, in a format of their own.</summary>
public class ClusterMessageSerializer : SerializerWithStringManifest
{
    private static readonly MessageTable _messages = Messages();

    public ClusterMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override string Manifest(object o) => _messages.Manifest(o);

    public override byte[] ToBinary(object obj) => _messages.ToBinary(obj);

    public override object FromBinary(byte[] bytes, string manifest) => _messages.FromBinary(bytes, manifest);

    private static MessageTable Messages()
    {
        var all = new MessageTable(nameof(ClusterMessageSerializer));
        all.Add("IJ", (to, m) => Write(to, m.From), (ref from) => new InitJoin(ReadNode(ref from)));
        all.Add("IJA", (to, m) => Write(to, m.From), (ref from) => new InitJoinAck(ReadAddress(ref from)));
        all.Add("IJN", (to, m) => Write(to, m.From), (ref from) => new InitJoinNack(ReadAddress(ref from)));
        all.Add(
            "J",
            (to, m) =>
            {
                Write(to, m.Node);
                Write(to, m.Roles);
                to.Text(m.AppVersion.Version);
            },
            (ref from) => new Join(ReadNode(ref from), ReadRoles(ref from), AppVersion.Create(from.Text())));
        all.Add(
            "W",
            (to, m) =>
            {
                Write(to, m.From);
                Write(to, m.Gossip);
            },
            (ref from) => new Welcome(ReadNode(ref from), Read(ref from)));
        all.Add(
            "GE",
            (to, m) =>
            {
                Write(to, m.From);
                Write(to, m.To);
                Write(to, m.Gossip);
            },
            (ref from) => new GossipEnvelope(ReadNode(ref from), ReadNode(ref from), Read(ref from)));
        all.Add(
            "GS",
            (to, m) =>
            {
                Write(to, m.From);
                Write(to, m.Version, new Dictionary<string, int>());
            },
            (ref from) => new GossipStatus(ReadNode(ref from), ReadVersion(ref from, [])));
        all.Add("EC", (to, m) => Write(to, m.From), (ref from) => new ExitingConfirmed(ReadNode(ref from)));
        all.Add(
            "HB",
            (to, m) =>
            {
                Write(to, m.From);
                to.Int64(m.Sequence);
            },
            (ref from) => new Heartbeat(ReadAddress(ref from), from.Int64()));
        all.Add(
            "HBR",
            (to, m) =>
            {
                Write(to, m.From);
                to.Int64(m.Sequence);
            },
            (ref from) => new HeartbeatRsp(ReadNode(ref from), from.Int64()));
        return all;
    }
}
