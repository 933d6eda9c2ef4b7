using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster.Membership;
using Akka.Remote.Serialization;
using Akka.Remote.Transport;
using Akka.Serialization;
using Akka.Util;
using Welcome = Akka.Cluster.Membership.Welcome;

namespace Akka.Cluster.Serialization;

/// <summary>The messages between the nodes of a cluster, in a format of their own.</summary>
public class ClusterMessageSerializer : SerializerWithStringManifest
{
    private const string InitJoinManifest = "IJ";
    private const string InitJoinAckManifest = "IJA";
    private const string InitJoinNackManifest = "IJN";
    private const string JoinManifest = "J";
    private const string WelcomeManifest = "W";
    private const string GossipEnvelopeManifest = "GE";
    private const string GossipStatusManifest = "GS";
    private const string ExitingConfirmedManifest = "EC";
    private const string HeartbeatManifest = "HB";
    private const string HeartbeatRspManifest = "HBR";

    public ClusterMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override string Manifest(object o) => o switch
    {
        InitJoin => InitJoinManifest,
        InitJoinAck => InitJoinAckManifest,
        InitJoinNack => InitJoinNackManifest,
        Join => JoinManifest,
        Welcome => WelcomeManifest,
        GossipEnvelope => GossipEnvelopeManifest,
        GossipStatus => GossipStatusManifest,
        ExitingConfirmed => ExitingConfirmedManifest,
        Heartbeat => HeartbeatManifest,
        HeartbeatRsp => HeartbeatRspManifest,
        _ => throw new ArgumentException($"Cannot serialize a {o?.GetType()} here", nameof(o))
    };

    public override byte[] ToBinary(object obj) => WrappedPayload.Collect(obj, Write);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        var from = new WireReader(bytes);
        return manifest switch
        {
            InitJoinManifest => new InitJoin(GossipFormat.ReadNode(ref from)),
            InitJoinAckManifest => new InitJoinAck(GossipFormat.ReadAddress(ref from)),
            InitJoinNackManifest => new InitJoinNack(GossipFormat.ReadAddress(ref from)),
            JoinManifest => new Join(GossipFormat.ReadNode(ref from), GossipFormat.ReadRoles(ref from), AppVersion.Create(from.Text())),
            WelcomeManifest => new Welcome(GossipFormat.ReadNode(ref from), GossipFormat.Read(ref from)),
            GossipEnvelopeManifest =>
                new GossipEnvelope(GossipFormat.ReadNode(ref from), GossipFormat.ReadNode(ref from), GossipFormat.Read(ref from)),
            GossipStatusManifest => new GossipStatus(GossipFormat.ReadNode(ref from), GossipFormat.ReadVersion(ref from, [])),
            ExitingConfirmedManifest => new ExitingConfirmed(GossipFormat.ReadNode(ref from)),
            HeartbeatManifest => new Heartbeat(GossipFormat.ReadAddress(ref from), from.Int64()),
            HeartbeatRspManifest => new HeartbeatRsp(GossipFormat.ReadNode(ref from), from.Int64()),
            _ => throw new SerializationException($"Unknown manifest '{manifest}' for {nameof(ClusterMessageSerializer)}")
        };
    }

    private static void Write(WireWriter to, object message)
    {
        switch (message)
        {
            case InitJoin initJoin:
                GossipFormat.Write(to, initJoin.From);
                break;
            case InitJoinAck ack:
                GossipFormat.Write(to, ack.From);
                break;
            case InitJoinNack nack:
                GossipFormat.Write(to, nack.From);
                break;
            case Join join:
                GossipFormat.Write(to, join.Node);
                GossipFormat.Write(to, join.Roles);
                to.Text(join.AppVersion.Version);
                break;
            case Welcome welcome:
                GossipFormat.Write(to, welcome.From);
                GossipFormat.Write(to, welcome.Gossip);
                break;
            case GossipEnvelope envelope:
                GossipFormat.Write(to, envelope.From);
                GossipFormat.Write(to, envelope.To);
                GossipFormat.Write(to, envelope.Gossip);
                break;
            case GossipStatus status:
                GossipFormat.Write(to, status.From);
                GossipFormat.Write(to, status.Version, new Dictionary<string, int>());
                break;
            case ExitingConfirmed confirmed:
                GossipFormat.Write(to, confirmed.From);
                break;
            case Heartbeat heartbeat:
                GossipFormat.Write(to, heartbeat.From);
                to.Int64(heartbeat.Sequence);
                break;
            case HeartbeatRsp response:
                GossipFormat.Write(to, response.From);
                to.Int64(response.Sequence);
                break;
            default:
                throw new ArgumentException($"Cannot serialize a {message?.GetType()} here", nameof(message));
        }
    }
}
