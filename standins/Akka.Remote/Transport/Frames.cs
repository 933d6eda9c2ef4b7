using System.Buffers.Binary;
using Akka.Actor;

namespace Akka.Remote.Transport;

/*
   The wire of the stand-in. It is not Akka.NET's: both ends of a connection are stand-ins or both are the real package.

   frame     = length:u32 kind:u8 body           length counts kind and body, at most maximum-frame-size
   Hello     = magic:u64 version origin:text uid:i32 target:text attempt accepted frame     the dialling end, first on a connection
   Welcome   = uid:i32 accepted frame                                                        its answer, or
   Refusal   = reason:u8 explanation:text                                                    this one, and the connection ends
   Message   = headerLength:u16 header payload   header = recipient sender class
   System    = headerLength:u16 header payload   header = sequence recipient sender class
   Ack       = sequence                          everything up to this system message has been delivered
   Heartbeat =                                   the end is alive though it has nothing to say
   Goodbye   = info:u8                           nothing follows; why is a DisassociateInfo

   A recipient, sender or class (serializer id and manifest) is text where it is met first and a small number from then on, see Names.
*/
internal enum FrameKind : byte
{
    Hello = 1,
    Welcome = 2,
    Refusal = 3,
    Message = 4,
    System = 5,
    Ack = 6,
    Heartbeat = 7,
    Goodbye = 8
}

internal enum RefusalReason : byte
{
    /// <summary>The refusing end dials as well, and its connection is the one that stays.</summary>
    Redundant = 1,
    Quarantined = 2,
    NotForThisSystem = 3,
    Version = 4,
    ShuttingDown = 5
}

/// <param name="Attempt">Grows with every dialling of this incarnation, so that a late arrival is recognised.</param>
/// <param name="Accepted">How many connections of the other end this one had accepted when it dialled.</param>
/// <param name="MaximumFrame">In bytes; what this end receives.</param>
internal sealed record Hello(Address Origin, int Uid, Address Target, long Attempt, long Accepted, long MaximumFrame);

internal sealed record Welcome(int Uid, long Accepted, long MaximumFrame);

internal sealed record Refusal(RefusalReason Reason, string Explanation);

internal static class Frames
{
    /// <summary>Bytes before a message's header: length, kind, header length.</summary>
    public const int MessagePrefix = 4 + 1 + 2;

    /// <summary>Longest header of a message, in bytes; three names fit easily.</summary>
    public const int MaximumHeader = 16 * 1024;

    /// <summary>Longest frame before the handshake is done, in bytes.</summary>
    public const int MaximumHandshake = 4 * 1024;

    /// <summary>"akkaSI", two zero bytes: says at once that a browser or a scanner is no peer.</summary>
    private const long Magic = 0x0000_4953_616b_6b61;

    private const byte Version = 1;

    public static void Hello(WireWriter to, Hello hello)
    {
        var start = Begin(to, FrameKind.Hello);
        to.Int64(Magic);
        to.Byte(Version);
        to.Text(hello.Origin.ToString());
        to.Int32(hello.Uid);
        to.Text(hello.Target.ToString());
        to.Var((ulong)hello.Attempt);
        to.Var((ulong)hello.Accepted);
        to.Var((ulong)hello.MaximumFrame);
        End(to, start);
    }

    /// <exception cref="MalformedFrameException">It is another protocol's, or another version's.</exception>
    public static Hello ReadHello(ReadOnlySpan<byte> body)
    {
        var from = new WireReader(body);
        if (from.Int64() != Magic) throw new MalformedFrameException("a greeting of another protocol");
        var version = from.Byte();
        if (version != Version) throw new MalformedFrameException($"protocol version {version}, this end speaks {Version}");
        return new Hello(ReadAddress(ref from), from.Int32(), ReadAddress(ref from), (long)from.Var(), (long)from.Var(), (long)from.Var());
    }

    public static void Welcome(WireWriter to, Welcome welcome)
    {
        var start = Begin(to, FrameKind.Welcome);
        to.Int32(welcome.Uid);
        to.Var((ulong)welcome.Accepted);
        to.Var((ulong)welcome.MaximumFrame);
        End(to, start);
    }

    public static Welcome ReadWelcome(ReadOnlySpan<byte> body)
    {
        var from = new WireReader(body);
        return new Welcome(from.Int32(), (long)from.Var(), (long)from.Var());
    }

    public static void Refusal(WireWriter to, Refusal refusal)
    {
        var start = Begin(to, FrameKind.Refusal);
        to.Byte((byte)refusal.Reason);
        to.Text(refusal.Explanation);
        End(to, start);
    }

    public static Refusal ReadRefusal(ReadOnlySpan<byte> body)
    {
        var from = new WireReader(body);
        return new Refusal((RefusalReason)from.Byte(), from.Text());
    }

    public static void Ack(WireWriter to, long sequence)
    {
        var start = Begin(to, FrameKind.Ack);
        to.Var((ulong)sequence);
        End(to, start);
    }

    public static void Heartbeat(WireWriter to) => End(to, Begin(to, FrameKind.Heartbeat));

    public static void Goodbye(WireWriter to, DisassociateInfo info)
    {
        var start = Begin(to, FrameKind.Goodbye);
        to.Byte((byte)info);
        End(to, start);
    }

    public static int Begin(WireWriter to, FrameKind kind)
    {
        var start = to.Length;
        to.Int32(0);
        to.Byte((byte)kind);
        return start;
    }

    public static void End(WireWriter to, int start) => to.PutInt32(start, to.Length - start - 4);

    /// <summary>The length field of a frame of which at least four bytes are there.</summary>
    public static uint LengthOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt32LittleEndian(frame);

    private static Address ReadAddress(ref WireReader from)
    {
        var text = from.Text();
        return Address.TryParse(text, out Address address) ? address : throw new MalformedFrameException("no address: " + text);
    }
}
