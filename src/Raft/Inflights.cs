namespace TiKvActors.Raft;

/// <summary>The window of append messages that a follower has not acknowledged, bounded in number and in bytes.</summary>
internal sealed class Inflights(int maxMessages, long maxBytes)
{
    private readonly Queue<(ulong LastIndex, long Bytes)> _messages = new();
    private long _bytes;

    public int Count => _messages.Count;

    public bool IsFull => _messages.Count >= maxMessages || _bytes >= maxBytes;

    public void Add(ulong lastIndex, long bytes)
    {
        _messages.Enqueue((lastIndex, bytes));
        _bytes += bytes;
    }

    public void FreeTo(ulong index)
    {
        while (_messages.TryPeek(out var oldest) && oldest.LastIndex <= index)
            _bytes -= _messages.Dequeue().Bytes;
    }

    public void Clear()
    {
        _messages.Clear();
        _bytes = 0;
    }
}
