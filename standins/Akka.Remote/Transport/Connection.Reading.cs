using System.Buffers;

namespace Akka.Remote.Transport;

internal sealed partial class Connection
{
    /// <summary>Holds a whole frame unless its payload is larger than <see cref="DirectPayload"/>, which is read into its own array.</summary>
    private const int InputBuffer = 64 * 1024;

    private const int DirectPayload = 24 * 1024;

    /// <summary>A larger payload gets its memory as it comes in: who only announces one has not got it.</summary>
    private const int TrustedPayload = 1024 * 1024;

    /// <summary>Holds a greeting with its length.</summary>
    private const int HandshakeBuffer = 4 + Frames.MaximumHandshake;

    private readonly InboundMessages _inbound;
    private byte[] _input = new byte[HandshakeBuffer];
    private int _inputStart;
    private int _inputEnd;
    private InboundHeader _directHeader;
    private byte[] _directPayload;
    private int _directLength;
    private int _directFilled;
    private DisassociateInfo? _goodbyeReceived;
    private volatile bool _deaf;

    /// <summary>Done when nothing more will be read.</summary>
    public Task Reading { get; private set; } = Task.CompletedTask;

    private async Task ReadAsync()
    {
        Exception cause = null;
        UseWholeBuffer();
        try
        {
            if (Predecessor != null)
            {
                Predecessor.Dispose();
                await Predecessor.Reading;
                Predecessor = null;
            }
            while (true)
            {
                Consume();
                if (_goodbyeReceived != null || !await FillAsync(CancellationToken.None)) break;
                _silence.HeartBeat();
            }
        }
        catch (Exception e)
        {
            cause = e is MalformedFrameException ? new AkkaProtocolException($"{Peer} broke the protocol: {e.Message}", e) : e;
        }
        _association.ConnectionLost(this, cause, _goodbyeReceived);
        _association.ReadingEnded(this);
        Dispose();
        ArrayPool<byte>.Shared.Return(_input);
        _input = [];
    }

    /// <summary>A connection costs little until its handshake is done.</summary>
    private void UseWholeBuffer()
    {
        var whole = ArrayPool<byte>.Shared.Rent(InputBuffer);
        var there = _input.AsSpan(_inputStart, _inputEnd - _inputStart);
        there.CopyTo(whole);
        (_input, _inputStart, _inputEnd) = (whole, 0, there.Length);
    }

    private async Task<(FrameKind Kind, byte[] Body)> ReadHandshakeFrameAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (TryTakeHandshakeFrame(out var frame)) return frame;
            if (!await FillAsync(cancellation)) throw new EndOfStreamException("the other end closed the connection during the handshake");
        }
    }

    private bool TryTakeHandshakeFrame(out (FrameKind, byte[]) frame)
    {
        frame = default;
        var there = _input.AsSpan(_inputStart, _inputEnd - _inputStart);
        if (there.Length < 4) return false;
        var length = Frames.LengthOf(there);
        if (length is 0 or > Frames.MaximumHandshake)
            throw new MalformedFrameException($"bytes that are no greeting ({Printable(there)}){TlsHint(there)}");
        if (there.Length < 4 + length) return false;
        frame = ((FrameKind)there[4], there.Slice(5, (int)length - 1).ToArray());
        _inputStart += 4 + (int)length;
        return true;
    }

    /// <summary>A record of TLS begins with its kind and the major version, which is 3 for ever.</summary>
    private static string TlsHint(ReadOnlySpan<byte> bytes) =>
        bytes is [>= 20 and <= 23, 3, ..] ? ": TLS, which is off here (akka.remote.dot-netty.tcp.enable-ssl)" : "";

    private static string Printable(ReadOnlySpan<byte> bytes) =>
        string.Concat(bytes[..Math.Min(bytes.Length, 16)].ToArray().Select(b => b is >= 0x20 and < 0x7f ? ((char)b).ToString() : $"\\x{b:x2}"));

    /// <summary>Reads more; false at the end of the stream. A payload with its own array is read straight into it.</summary>
    private async ValueTask<bool> FillAsync(CancellationToken cancellation)
    {
        if (_directPayload != null)
        {
            if (_directFilled == _directPayload.Length) Array.Resize(ref _directPayload, (int)Math.Min(_directLength, 2L * _directFilled));
            var direct = await _stream.ReadAsync(_directPayload.AsMemory(_directFilled), cancellation);
            _directFilled += direct;
            return direct > 0;
        }
        if (_inputStart == _inputEnd)
        {
            _inputStart = _inputEnd = 0;
        }
        else if (_inputStart > 0 && _input.Length - _inputEnd < InputBuffer / 2)
        {
            _input.AsSpan(_inputStart, _inputEnd - _inputStart).CopyTo(_input);
            _inputEnd -= _inputStart;
            _inputStart = 0;
        }
        var read = await _stream.ReadAsync(_input.AsMemory(_inputEnd), cancellation);
        _inputEnd += read;
        return read > 0;
    }

    /// <summary>Handles everything that has arrived completely.</summary>
    private void Consume()
    {
        var delivered = 0L;
        if (_directPayload != null)
        {
            if (_directFilled < _directLength) return;
            delivered = Deliver(_directHeader, _directPayload);
            _directPayload = null;
        }
        while (_goodbyeReceived == null)
        {
            var there = _input.AsSpan(_inputStart, _inputEnd - _inputStart);
            if (there.Length < 5) break;
            var length = Frames.LengthOf(there);
            if (length == 0 || length > _remoting.Tcp.MaximumFrameSize)
                throw new MalformedFrameException($"a frame of {length} bytes (akka.remote.dot-netty.tcp.maximum-frame-size = {_remoting.Tcp.MaximumFrameSize})");
            var kind = (FrameKind)there[4];
            if (there.Length < 4 + length)
            {
                if (length > DirectPayload && !TryBeginDirect(kind, there, (int)length)) CheckRoom(there);
                break;
            }
            _inputStart += 4 + (int)length;
            delivered = Math.Max(delivered, Handle(kind, there.Slice(5, (int)length - 1)));
        }
        if (delivered > 0) _association.AcknowledgeTo(this, delivered);
    }

    /// <summary>If the header of a large message is there, takes it and what there is of its payload.</summary>
    private bool TryBeginDirect(FrameKind kind, ReadOnlySpan<byte> there, int length)
    {
        if (kind is not (FrameKind.Message or FrameKind.System)) throw new MalformedFrameException($"a frame of kind {kind} with {length} bytes");
        if (there.Length < Frames.MessagePrefix) return false;
        var headerEnd = Frames.MessagePrefix + HeaderLength(there[5..]);
        if (headerEnd > 4 + length) throw new MalformedFrameException("a header beyond its frame");
        if (there.Length < headerEnd) return false;
        _directHeader = _inbound.ReadHeader(there[Frames.MessagePrefix..headerEnd], kind == FrameKind.System);
        _directLength = 4 + length - headerEnd;
        _directPayload = GC.AllocateUninitializedArray<byte>(Math.Min(_directLength, TrustedPayload));
        there[headerEnd..].CopyTo(_directPayload);
        _directFilled = there.Length - headerEnd;
        _inputStart = _inputEnd = 0;
        return true;
    }

    private static void CheckRoom(ReadOnlySpan<byte> there)
    {
        if (there.Length > Frames.MessagePrefix + Frames.MaximumHeader) throw new MalformedFrameException("a message header without end");
    }

    private static int HeaderLength(ReadOnlySpan<byte> body)
    {
        var length = body[0] | body[1] << 8;
        return length <= Frames.MaximumHeader ? length : throw new MalformedFrameException($"a message header of {length} bytes");
    }

    /// <summary>Returns the sequence number of a system message, to be acknowledged; else 0.</summary>
    private long Handle(FrameKind kind, ReadOnlySpan<byte> body)
    {
        switch (kind)
        {
            case FrameKind.Message:
            case FrameKind.System:
                if (body.Length < 2) throw new MalformedFrameException("a message without a header");
                var headerLength = HeaderLength(body);
                if (body.Length < 2 + headerLength) throw new MalformedFrameException("a header beyond its frame");
                var header = _inbound.ReadHeader(body.Slice(2, headerLength), kind == FrameKind.System);
                return Deliver(header, body[(2 + headerLength)..].ToArray());
            case FrameKind.Ack:
                _association.Acknowledged(this, (long)new WireReader(body).Var());
                return 0;
            case FrameKind.Heartbeat:
                return 0;
            case FrameKind.Goodbye:
                _goodbyeReceived = (DisassociateInfo)new WireReader(body).Byte();
                return 0;
            default:
                throw new MalformedFrameException($"a frame of kind {(byte)kind}");
        }
    }

    private long Deliver(in InboundHeader header, byte[] payload)
    {
        if (_deaf) return 0;
        if (header.SystemSequence == 0) _inbound.Deliver(header, payload);
        else if (_association.TryDeliverSystem(this, header.SystemSequence)) _inbound.Deliver(header, payload);
        return header.SystemSequence;
    }
}
