using System.Text;

namespace TiKvActors.Client.Tests;

internal static class Bytes
{
    public static byte[] B(this string text) => Encoding.UTF8.GetBytes(text);

    public static string? S(this byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);
}
