using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Transport;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>The system messages that one system may send to another.</summary>
public sealed class SystemMessageSerializer : Serializer
{
    private enum Kind : byte
    {
        Watch = 1,
        Unwatch = 2,
        DeathWatchNotification = 3,
        Terminate = 4,
        Suspend = 5,
        Resume = 6,
        Recreate = 7
    }

    public SystemMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => WrappedPayload.Collect(obj, Write);

    public override object FromBinary(byte[] bytes, Type type)
    {
        var from = new WireReader(bytes);
        var kind = (Kind)from.Byte();
        return kind switch
        {
            Kind.Watch => new Watch(ReadReference(ref from), ReadReference(ref from)),
            Kind.Unwatch => new Unwatch(ReadReference(ref from), ReadReference(ref from)),
            Kind.DeathWatchNotification => new DeathWatchNotification(ReadReference(ref from), from.Byte() != 0, from.Byte() != 0),
            Kind.Terminate => new Terminate(),
            Kind.Suspend => new Suspend(),
            Kind.Resume => new Resume(ExceptionPayload.Read(ref from)),
            Kind.Recreate => new Recreate(ExceptionPayload.Read(ref from)),
            _ => throw new SerializationException($"Unknown kind of system message: {kind}")
        };
    }

    private static void Write(WireWriter to, object message)
    {
        switch (message)
        {
            case Watch watch:
                Write(to, Kind.Watch, watch.Watchee, watch.Watcher);
                break;
            case Unwatch unwatch:
                Write(to, Kind.Unwatch, unwatch.Watchee, unwatch.Watcher);
                break;
            case DeathWatchNotification ended:
                Write(to, Kind.DeathWatchNotification, ended.Actor);
                to.Byte(ended.ExistenceConfirmed ? (byte)1 : (byte)0);
                to.Byte(ended.AddressTerminated ? (byte)1 : (byte)0);
                break;
            case Terminate:
                Write(to, Kind.Terminate);
                break;
            case Suspend:
                Write(to, Kind.Suspend);
                break;
            case Resume resume:
                Write(to, Kind.Resume);
                ExceptionPayload.Write(to, resume.CausedByFailure);
                break;
            case Recreate recreate:
                Write(to, Kind.Recreate);
                ExceptionPayload.Write(to, recreate.Cause);
                break;
            default:
                throw new ArgumentException($"A {message?.GetType()} cannot be sent to another system");
        }
    }

    private static void Write(WireWriter to, Kind kind, params ReadOnlySpan<IActorRef> references)
    {
        to.Byte((byte)kind);
        foreach (var reference in references) to.Text(Akka.Serialization.Serialization.SerializedActorPath(reference));
    }

    private IInternalActorRef ReadReference(ref WireReader from) => (IInternalActorRef)system.Provider.ResolveActorRef(from.Text());
}
