using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Remote.Transport;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>Akka's own messages between actors.</summary>
public sealed class MiscMessageSerializer : SerializerWithStringManifest
{
    private const string IdentifyManifest = "ID";
    private const string ActorIdentityManifest = "AID";
    private const string ActorRefManifest = "AR";
    private const string PoisonPillManifest = "PP";
    private const string KillManifest = "K";
    private const string HeartbeatManifest = "RWHB";
    private const string HeartbeatRspManifest = "RWHR";
    private const string SuccessManifest = "SS";
    private const string FailureManifest = "SF";

    public MiscMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override string Manifest(object obj) => obj switch
    {
        Identify => IdentifyManifest,
        ActorIdentity => ActorIdentityManifest,
        IActorRef => ActorRefManifest,
        PoisonPill => PoisonPillManifest,
        Kill => KillManifest,
        RemoteWatcher.Heartbeat => HeartbeatManifest,
        RemoteWatcher.HeartbeatRsp => HeartbeatRspManifest,
        Status.Success => SuccessManifest,
        Status.Failure => FailureManifest,
        _ => throw new ArgumentException($"Cannot serialize a {obj?.GetType()} here", nameof(obj))
    };

    public override byte[] ToBinary(object obj) => obj switch
    {
        Identify identify => WrappedPayload.Collect(identify, (to, m) => WrappedPayload.Write(to, system, m.MessageId)),
        ActorIdentity identity => WrappedPayload.Collect(identity, WriteIdentity),
        IActorRef reference => WrappedPayload.Collect(reference, (to, m) => to.Text(Akka.Serialization.Serialization.SerializedActorPath(m))),
        PoisonPill or Kill or RemoteWatcher.Heartbeat => [],
        RemoteWatcher.HeartbeatRsp response => WrappedPayload.Collect(response, (to, m) => to.Int32(m.AddressUid)),
        Status.Success success => WrappedPayload.Collect(success, (to, m) => WrappedPayload.Write(to, system, m.Status)),
        Status.Failure failure => WrappedPayload.Collect(failure, WriteFailure),
        _ => throw new ArgumentException($"Cannot serialize a {obj?.GetType()} here", nameof(obj))
    };

    public override object FromBinary(byte[] bytes, string manifest)
    {
        var from = new WireReader(bytes);
        return manifest switch
        {
            IdentifyManifest => new Identify(WrappedPayload.Read(ref from, system)),
            ActorIdentityManifest => new ActorIdentity(WrappedPayload.Read(ref from, system), ReadReference(ref from)),
            ActorRefManifest => ReadReference(ref from),
            PoisonPillManifest => PoisonPill.Instance,
            KillManifest => Kill.Instance,
            HeartbeatManifest => RemoteWatcher.Heartbeat.Instance,
            HeartbeatRspManifest => new RemoteWatcher.HeartbeatRsp(from.Int32()),
            SuccessManifest => new Status.Success(WrappedPayload.Read(ref from, system)),
            FailureManifest => new Status.Failure(ExceptionPayload.Read(ref from), WrappedPayload.Read(ref from, system)),
            _ => throw new SerializationException($"Unknown manifest '{manifest}' for {nameof(MiscMessageSerializer)}")
        };
    }

    private void WriteIdentity(WireWriter to, ActorIdentity identity)
    {
        WrappedPayload.Write(to, system, identity.MessageId);
        to.Text(Akka.Serialization.Serialization.SerializedActorPath(identity.Subject));
    }

    private void WriteFailure(WireWriter to, Status.Failure failure)
    {
        ExceptionPayload.Write(to, failure.Cause);
        WrappedPayload.Write(to, system, failure.State);
    }

    private IActorRef ReadReference(ref WireReader from)
    {
        var path = from.Text();
        return path.Length == 0 ? null : system.Provider.ResolveActorRef(path);
    }
}
