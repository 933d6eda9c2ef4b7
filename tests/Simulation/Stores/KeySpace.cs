using Google.Protobuf;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Simulation.Stores;

/// <summary>The few keys of a run, in their three forms; every third one is in another column family.</summary>
internal sealed class KeySpace
{
    public KeySpace(APIVersion mode, int count)
    {
        Mode = mode;
        Raw = new RawKeySpace(mode, new KeyspaceId(0));
        Request = [.. Enumerable.Range(0, count).Select(i => Raw.ToRequestKey(System.Text.Encoding.ASCII.GetBytes($"k{i:00}")))];
        Region = [.. Request.Select(k => RegionKeys.FromRawRequestKey(mode, k))];
        Names = [.. Enumerable.Range(0, count).Select(i => $"k{i:00}")];
    }

    public APIVersion Mode { get; }

    public RawKeySpace Raw { get; }

    public IReadOnlyList<ByteString> Request { get; }

    public IReadOnlyList<ByteString> Region { get; }

    public IReadOnlyList<string> Names { get; }

    public int Count => Request.Count;

    public static string FamilyOf(int key) => (key % 6) switch { 2 => "lock", 5 => "write", _ => "" };

    public int IndexOf(ByteString requestKey)
    {
        for (var i = 0; i < Count; i++)
            if (Request[i].Equals(requestKey)) return i;
        return -1;
    }
}
