namespace TiKvActors.Tests.Shared;

/// <summary>
/// Damaged copies of valid inputs: bits and bytes changed, pieces cut, repeated and moved, lengths made enormous, inputs spliced.
/// </summary>
internal sealed class Mutations(Random random, IReadOnlyList<byte[]> corpus)
{
    public byte[] Next()
    {
        var bytes = new List<byte>(Pick());
        for (var i = random.Next(1, 5); i > 0; i--)
            Mutate(bytes);
        return [.. bytes];
    }

    private byte[] Pick() => corpus[random.Next(corpus.Count)];

    private void Mutate(List<byte> bytes)
    {
        if (bytes.Count == 0)
            bytes.Add(0);
        var at = random.Next(bytes.Count);
        var count = random.Next(1, Math.Min(16, bytes.Count - at) + 1);
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 3:
                bytes.RemoveRange(at, count);
                break;
            case 4:
                bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, count));
                break;
            case 5:
                // As a length field this is the largest there is, in any encoding.
                for (var i = at; i < at + count; i++)
                    bytes[i] = 0xff;
                break;
            case 6:
                // The same as protobuf has it.
                bytes.InsertRange(at, [0xff, 0xff, 0xff, 0xff, 0x07]);
                break;
            case 7:
                var other = Pick();
                bytes.RemoveRange(at, bytes.Count - at);
                bytes.AddRange(other.Skip(random.Next(other.Length + 1)));
                break;
            default:
                var noise = new byte[random.Next(64)];
                random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
        }
    }
}
