using Akka.Actor;

namespace Akka.Remote.Transport;

/*
   Names on a connection: 0 = none, 1 text = a name that will hardly be met again, 2+2n = the name in slot n, 3+2n text = slot n from now on holds this.
   The slot is a hash, a collision overwrites: the table needs neither a size limit nor an agreement between the ends, since frames keep their order.
*/
internal static class Names
{
    public const int Slots = 512;

    public const ulong None = 0;

    public const ulong Unregistered = 1;

    public static ulong Use(int slot) => 2 + 2 * (ulong)slot;

    public static ulong Define(int slot) => 3 + 2 * (ulong)slot;

    public static bool IsDefinition(ulong tag) => (tag & 1) == 1;

    /// <exception cref="MalformedFrameException">There is no such slot.</exception>
    public static int SlotOf(ulong tag) =>
        tag < 2 + 2 * (ulong)Slots ? (int)((tag - 2) >> 1) : throw new MalformedFrameException($"name slot {(tag - 2) >> 1} of {Slots}");
}

/// <summary>The sending end's memory of the references it has named. Not thread-safe: the connection's writer owns it.</summary>
internal sealed class OutboundReferences
{
    private readonly IActorRef[] _slots = new IActorRef[Names.Slots];
    private readonly Address _localAddress;
    private int _defined = -1;

    public OutboundReferences(Address localAddress) => _localAddress = localAddress;

    public void Write(WireWriter to, IActorRef reference, bool temporary)
    {
        _defined = -1;
        if (temporary)
        {
            to.Var(Names.Unregistered);
            to.Text(NameOf(reference));
            return;
        }
        var slot = System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(reference) & (Names.Slots - 1);
        if (ReferenceEquals(_slots[slot], reference))
        {
            to.Var(Names.Use(slot));
            return;
        }
        _slots[slot] = reference;
        _defined = slot;
        to.Var(Names.Define(slot));
        to.Text(NameOf(reference));
    }

    /// <summary>The slot that the last write defined, or -1; for <see cref="Forget"/> if it is not sent after all.</summary>
    public int LastDefinition => _defined;

    public void Forget(int slot)
    {
        if (slot >= 0) _slots[slot] = null;
    }

    private string NameOf(IActorRef reference) => reference.Path.ToSerializationFormatWithAddress(_localAddress);
}

/// <summary>As <see cref="OutboundReferences"/>, for what a payload is: its serializer and manifest.</summary>
internal sealed class OutboundClasses
{
    private readonly (int SerializerId, string Manifest)[] _slots = new (int, string)[Names.Slots];
    private int _defined = -1;

    public void Write(WireWriter to, int serializerId, string manifest)
    {
        _defined = -1;
        var slot = (serializerId * 31 + manifest.GetHashCode()) & (Names.Slots - 1);
        ref var known = ref _slots[slot];
        if (known.SerializerId == serializerId && known.Manifest == manifest)
        {
            to.Var(Names.Use(slot));
            return;
        }
        known = (serializerId, manifest);
        _defined = slot;
        to.Var(Names.Define(slot));
        to.Int32(serializerId);
        to.Text(manifest);
    }

    /// <summary>What was written last is not sent after all.</summary>
    public void ForgetLastDefinition()
    {
        if (_defined >= 0) _slots[_defined] = default;
    }
}

/// <summary>The receiving end's table: from a name to what it was resolved to.</summary>
internal sealed class InboundNames<T> where T : class
{
    private readonly T[] _slots = new T[Names.Slots];

    public T this[int slot]
    {
        get => _slots[slot] ?? throw new MalformedFrameException($"name slot {slot} was never defined");
        set => _slots[slot] = value;
    }
}
