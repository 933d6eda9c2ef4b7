using Akka.Actor;
using Akka.Cluster.Serialization;
using Akka.Serialization;
using static Akka.Cluster.Serialization.GossipFormat;

namespace Akka.Cluster.Tools.Singleton.Serialization;

/// <summary>The messages between managers, in a format of their own.</summary>
public class ClusterSingletonMessageSerializer : SerializerWithStringManifest
{
    private static readonly MessageTable _messages = Messages();

    public ClusterSingletonMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override string Manifest(object o) => _messages.Manifest(o);

    public override byte[] ToBinary(object obj) => _messages.ToBinary(obj);

    public override object FromBinary(byte[] bytes, string manifest) => _messages.FromBinary(bytes, manifest);

    private static MessageTable Messages()
    {
        var all = new MessageTable(nameof(ClusterSingletonMessageSerializer));
        all.Add(
            "A",
            (to, m) =>
            {
                Write(to, m.From);
                Write(to, m.To);
            },
            (ref from) => new HandOverToMe(ReadNode(ref from), ReadNode(ref from)));
        all.Add("B", (to, m) => Write(to, m.From), (ref from) => new HandOverInProgress(ReadNode(ref from)));
        all.Add(
            "C",
            (to, m) =>
            {
                Write(to, m.Of);
                to.Byte(m.WasLast ? (byte)1 : (byte)0);
            },
            (ref from) => new HandOverDone(ReadNode(ref from), from.Byte() != 0));
        return all;
    }
}
