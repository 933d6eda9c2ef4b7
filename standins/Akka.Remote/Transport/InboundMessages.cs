using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>What stands before a payload, its names resolved.</summary>
internal readonly record struct InboundHeader(long SystemSequence, InboundReference Recipient, InboundReference Sender, InboundClass Class);

/// <summary>Serializer and manifest of a payload.</summary>
internal sealed record InboundClass(int SerializerId, string Manifest);

/// <summary>A reference by name. Actors come and go under a name, so only one that lives is remembered.</summary>
internal sealed class InboundReference
{
    private IInternalActorRef _living;

    public InboundReference(string path) => Path = path;

    public string Path { get; }

    public IInternalActorRef Resolve(InboundPaths paths)
    {
        var known = _living;
        if (known is RemoteActorRef || known is { IsTerminated: false }) return known;
        var found = paths.Resolve(Path);
        _living = found is RemoteActorRef or ActorRefWithCell ? found : null;
        return found;
    }
}

/// <summary>Resolves the paths of one connection, which have one of two addresses: the other end's and this system's.</summary>
internal sealed class InboundPaths
{
    private readonly RemoteActorRefProvider _provider;
    private readonly string _ownAddress;
    private RootActorPath _otherRoot;
    private string _otherAddress = "";

    public InboundPaths(RemoteActorRefProvider provider)
    {
        _provider = provider;
        _ownAddress = provider.DefaultAddress.ToString();
    }

    public IInternalActorRef Resolve(string text)
    {
        if (!ActorPath.TryParseParts(text, out var address, out var elements)) return (IInternalActorRef)_provider.DeadLetters;
        if (address.SequenceEqual(_ownAddress)) return Resolve(_provider.RootPath, elements);
        if (!address.SequenceEqual(_otherAddress))
        {
            if (!Address.TryParse(address, out Address other)) return (IInternalActorRef)_provider.DeadLetters;
            _otherAddress = address.ToString();
            _otherRoot = new RootActorPath(other);
        }
        return Resolve(_otherRoot, elements);
    }

    private IInternalActorRef Resolve(ActorPath root, ReadOnlySpan<char> elements) =>
        (IInternalActorRef)(ActorPath.TryParse(root, elements, out var path) ? _provider.ResolveActorRef(path) : _provider.DeadLetters);
}

/// <summary>The receiving end of one connection above its frames: names, deserialization, delivery. Only the connection's reader uses it.</summary>
internal sealed class InboundMessages
{
    private readonly Remoting _remoting;
    private readonly InboundNames<InboundReference> _references = new();
    private readonly InboundNames<InboundClass> _classes = new();
    private readonly InboundPaths _paths;

    public InboundMessages(Remoting remoting)
    {
        _remoting = remoting;
        _paths = new InboundPaths(remoting.Provider);
    }

    /// <exception cref="MalformedFrameException">It is none.</exception>
    public InboundHeader ReadHeader(ReadOnlySpan<byte> bytes, bool isSystem)
    {
        var from = new WireReader(bytes);
        var sequence = isSystem ? (long)from.Var() : 0;
        if (isSystem && sequence <= 0) throw new MalformedFrameException($"a system message with number {sequence}");
        var recipient = ReadReference(ref from) ?? throw new MalformedFrameException("a message without a recipient");
        return new InboundHeader(sequence, recipient, ReadReference(ref from), ReadClass(ref from));
    }

    /// <summary>A message that cannot be deserialized is lost alone, with an error in the log, if there was none just before.</summary>
    public void Deliver(in InboundHeader header, byte[] payload)
    {
        object message;
        try
        {
            message = _remoting.System.Serialization.Deserialize(payload, header.Class.SerializerId, header.Class.Manifest);
        }
        catch (Exception e)
        {
            _remoting.ReportUnreadable(
                $"A message for {header.Recipient.Path} from {header.Sender?.Path ?? "nobody"} cannot be deserialized (serializer {header.Class.SerializerId}, "
                + $"manifest '{header.Class.Manifest}', {payload.Length} bytes) and is dropped", e);
            return;
        }
        try
        {
            _remoting.Dispatch(header.Recipient.Resolve(_paths), message, header.Sender?.Resolve(_paths), header.SystemSequence != 0);
        }
        catch (Exception e)
        {
            // A mailbox, a router or a selection that refuses one message is no reason to lose the others.
            _remoting.ReportUnreadable($"A {message?.GetType()} for {header.Recipient.Path} from {header.Sender?.Path ?? "nobody"} cannot be delivered and is dropped", e);
        }
    }

    private InboundReference ReadReference(ref WireReader from)
    {
        var tag = from.Var();
        if (tag == Names.None) return null;
        if (tag == Names.Unregistered) return new InboundReference(from.Text());
        var slot = Names.SlotOf(tag);
        return Names.IsDefinition(tag) ? _references[slot] = new InboundReference(from.Text()) : _references[slot];
    }

    private InboundClass ReadClass(ref WireReader from)
    {
        var tag = from.Var();
        var slot = Names.SlotOf(tag < 2 ? throw new MalformedFrameException("a payload of no class") : tag);
        return Names.IsDefinition(tag) ? _classes[slot] = new InboundClass(from.Int32(), from.Text()) : _classes[slot];
    }
}
