using TiKvActors.Protocol.Keys;

namespace TiKvActors.Client.Calls;

/// <summary>What a call does, as text for messages; made into text only when there is something to say.</summary>
internal readonly record struct Operation(string What, ReadOnlyMemory<byte>? Key = null)
{
    public override string ToString() => Key is { } key ? $"{What} {KeyText.Brief(key.Span)}" : What;
}
