namespace Akka.Actor;

/// <summary>The handlers of one behaviour in the order of their declaration.</summary>
internal sealed class ReceiveHandlers
{
    private readonly List<Handler> _handlers = [];

    // Which handlers fit a message type does not change once messages come in.
    private readonly Dictionary<Type, Func<object, bool>[]> _byType = [];
    private bool _takesAll;

    public void Add(Type type, Func<object, bool> handler, bool unconditional)
    {
        CheckNotComplete();
        _handlers.Add(new Handler(type, handler));
        _byType.Clear();
        if (unconditional && type == typeof(object)) _takesAll = true;
    }

    public void AddAny(Func<object, bool> handler)
    {
        CheckNotComplete();
        _handlers.Add(new Handler(typeof(object), handler));
        _byType.Clear();
        _takesAll = true;
    }

    private void CheckNotComplete()
    {
        if (_takesAll)
            throw new InvalidOperationException("A handler that catches all messages has been added. No handler can be added after that");
    }

    public bool Handle(object message)
    {
        var type = message.GetType();
        if (!_byType.TryGetValue(type, out var fitting))
            _byType[type] = fitting = _handlers.Where(h => h.Type.IsAssignableFrom(type)).Select(h => h.Handle).ToArray();
        foreach (var handle in fitting)
            if (handle(message)) return true;
        return false;
    }

    private readonly record struct Handler(Type Type, Func<object, bool> Handle);
}
