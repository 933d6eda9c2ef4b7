using System.Net.Sockets;
using Akka.Actor;

namespace Akka.Remote.Transport;

internal sealed partial class Connection : IThreadPoolWorkItem
{
    /// <summary>Bytes gathered into one send.</summary>
    private const int OutputBuffer = 64 * 1024;

    /// <summary>A larger payload is sent from its own array rather than copied.</summary>
    private const int CopiedPayload = 16 * 1024;

    private const int Idle = 0;
    private const int Pumping = 1;
    private const int PumpAgain = 2;

    private readonly WireWriter _output = new(1024);
    private readonly OutboundReferences _references;
    private readonly OutboundClasses _classes = new();
    private readonly List<OutboundEnvelope> _batch = new();
    private readonly TaskCompletionSource _goodbyeSent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _position;
    private int _pump;
    private long _lastWrite = Environment.TickCount64;
    private volatile bool _heartbeatDue;
    private int _goodbye = -1;

    /// <summary>There may be something to write. Cheap, from any thread; everything that waits by then goes out in one run.</summary>
    public void Pump()
    {
        if (Volatile.Read(ref _pump) == PumpAgain || !_started) return;
        if (Interlocked.Exchange(ref _pump, PumpAgain) == Idle) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Says goodbye after everything that waits; nothing is received any more. The task is done when it has been sent, or cannot be.</summary>
    public Task SayGoodbye(DisassociateInfo info)
    {
        _deaf = true;
        Volatile.Write(ref _goodbye, (int)info);
        Pump();
        return _goodbyeSent.Task;
    }

    void IThreadPoolWorkItem.Execute() => _ = WriteAsync();

    private async Task WriteAsync()
    {
        try
        {
            do
            {
                Volatile.Write(ref _pump, Pumping);
                await WriteWaitingAsync();
            }
            while (Interlocked.CompareExchange(ref _pump, Idle, Pumping) != Pumping);
        }
        catch (Exception e)
        {
            // The pump stays on: nothing is ever written again here.
            _goodbyeSent.TrySetResult();
            _association.ConnectionLost(this, e);
            Dispose();
            foreach (var unsent in _batch.Skip(_position)) _remoting.DeadLetter(unsent);
            _batch.Clear();
        }
    }

    private async ValueTask WriteWaitingAsync()
    {
        while (_association.TakeBatch(this, _batch, out var acknowledge))
        {
            if (acknowledge > 0) Frames.Ack(_output, acknowledge);
            for (_position = 0; _position < _batch.Count; _position++)
            {
                var message = _batch[_position];
                if (message.Failure is { } failure) await BreakAsync(failure);
                if (!TryEncode(message)) continue;
                if (message.Payload.Length > CopiedPayload)
                {
                    await FlushAsync();
                    await SendAsync(message.Payload);
                }
                else if (_output.Length >= OutputBuffer)
                {
                    await FlushAsync();
                }
            }
            _association.BatchWritten(this, _batch);
            _batch.Clear();
            _position = 0;
        }
        if (_heartbeatDue && _output.Length == 0) Frames.Heartbeat(_output);
        _heartbeatDue = false;
        var goodbye = Volatile.Read(ref _goodbye);
        if (goodbye >= 0 && !_goodbyeSent.Task.IsCompleted) Frames.Goodbye(_output, (DisassociateInfo)goodbye);
        await FlushAsync();
        if (goodbye < 0 || !_goodbyeSent.TrySetResult()) return;
        _socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Appends the frame, all but a large payload. False if the message is too large; it vanishes with an error in the log.</summary>
    private bool TryEncode(in OutboundEnvelope message)
    {
        var start = Frames.Begin(_output, message.IsSystem ? FrameKind.System : FrameKind.Message);
        _output.Byte(0);
        _output.Byte(0);
        if (message.IsSystem) _output.Var((ulong)message.SystemSequence);
        _references.Write(_output, message.Recipient, message.Recipient.IsTemporary);
        var recipientDefined = _references.LastDefinition;
        var senderDefined = WriteSender(message.Sender);
        _classes.Write(_output, message.SerializerId, message.Manifest);
        var header = _output.Length - start - Frames.MessagePrefix;
        var frame = _output.Length - start - 4L + message.Payload.Length;
        if (frame > _maximumOutboundFrame || header > Frames.MaximumHeader)
        {
            _references.Forget(recipientDefined);
            _references.Forget(senderDefined);
            _classes.ForgetLastDefinition();
            _output.Truncate(start);
            _remoting.ReportOversized(message, frame, _maximumOutboundFrame);
            return false;
        }
        _output.PutInt32(start, (int)frame);
        _output.PutUInt16(start + 5, header);
        if (message.Payload.Length <= CopiedPayload) _output.Bytes(message.Payload);
        return true;
    }

    /// <summary>Returns the slot that this defined, or -1. A temporary actor, as of an Ask, is not remembered.</summary>
    private int WriteSender(IActorRef sender)
    {
        if (sender is null or Nobody)
        {
            _output.Var(Names.None);
            return -1;
        }
        _references.Write(_output, sender, sender is MinimalActorRef);
        return _references.LastDefinition;
    }

    private async ValueTask BreakAsync(Exception failure)
    {
        await FlushAsync();
        throw new AkkaProtocolException("Failed to write message to the transport: its serializer threw " + failure.Message, failure);
    }

    private async ValueTask FlushAsync()
    {
        if (_output.Length == 0) return;
        await SendAsync(_output.Written);
        _output.Clear();
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _stream.WriteAsync(bytes);
        Volatile.Write(ref _lastWrite, Environment.TickCount64);
    }

    /// <summary>For the handshake, before there is a pump.</summary>
    private async Task WriteNowAsync(Action<WireWriter> write, CancellationToken cancellation)
    {
        write(_output);
        await _stream.WriteAsync(_output.Written, cancellation);
        _output.Clear();
    }
}
