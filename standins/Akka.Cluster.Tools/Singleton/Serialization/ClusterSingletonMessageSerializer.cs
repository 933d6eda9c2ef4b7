using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster.Serialization;
using Akka.Remote.Serialization;
using Akka.Remote.Transport;
using Akka.Serialization;

namespace Akka.Cluster.Tools.Singleton.Serialization;

/// <summary>The messages between managers, in a format of their own.</summary>
public class ClusterSingletonMessageSerializer : SerializerWithStringManifest
{
    private const string HandOverToMeManifest = "A";
    private const string HandOverInProgressManifest = "B";
    private const string HandOverDoneManifest = "C";

    public ClusterSingletonMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override string Manifest(object o) => o switch
    {
        HandOverToMe => HandOverToMeManifest,
        HandOverInProgress => HandOverInProgressManifest,
        HandOverDone => HandOverDoneManifest,
        _ => throw new ArgumentException($"Cannot serialize a {o?.GetType()} here", nameof(o))
    };

    public override byte[] ToBinary(object obj) => WrappedPayload.Collect(obj, Write);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        var from = new WireReader(bytes);
        return manifest switch
        {
            HandOverToMeManifest => new HandOverToMe(GossipFormat.ReadNode(ref from), GossipFormat.ReadNode(ref from)),
            HandOverInProgressManifest => new HandOverInProgress(GossipFormat.ReadNode(ref from)),
            HandOverDoneManifest => new HandOverDone(GossipFormat.ReadNode(ref from), from.Byte() != 0),
            _ => throw new SerializationException($"Unknown manifest '{manifest}' for {nameof(ClusterSingletonMessageSerializer)}")
        };
    }

    private static void Write(WireWriter to, object message)
    {
        switch (message)
        {
            case HandOverToMe handOver:
                GossipFormat.Write(to, handOver.From);
                GossipFormat.Write(to, handOver.To);
                break;
            case HandOverInProgress inProgress:
                GossipFormat.Write(to, inProgress.From);
                break;
            case HandOverDone done:
                GossipFormat.Write(to, done.Of);
                to.Byte(done.WasLast ? (byte)1 : (byte)0);
                break;
            default:
                throw new ArgumentException($"Cannot serialize a {message?.GetType()} here", nameof(message));
        }
    }
}
