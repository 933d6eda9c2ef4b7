using TiKvActors.Protocol.Keys;

namespace TiKvActors.Host.Transfer;

/// <summary>
/// A line of <c>raw import</c> and <c>raw export</c>: <c>key TAB value</c>, both escaped so that neither holds a tab or a newline.
/// </summary>
public readonly record struct TransferLine(byte[] Key, byte[] Value)
{
    /// <exception cref="FormatException">No tab, an empty key, or a malformed escape.</exception>
    public static TransferLine Parse(ReadOnlySpan<char> line)
    {
        var tab = line.IndexOf('\t');
        if (tab < 0) throw new FormatException("no tab between key and value");
        if (tab == 0) throw new FormatException("the key is empty");
        if (line[(tab + 1)..].Contains('\t')) throw new FormatException("more than one tab; write a tab inside a key or value as \\x09");
        return new TransferLine(KeyText.Parse(line[..tab]), KeyText.Parse(line[(tab + 1)..]));
    }

    public static string Format(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => $"{KeyText.Escape(key)}\t{KeyText.Escape(value)}";
}
