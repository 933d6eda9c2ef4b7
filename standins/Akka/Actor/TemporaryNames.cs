namespace Akka.Actor;

/// <summary>Short names of actors that have no name: $ and the number in base 64, lowest digit first.</summary>
internal static class TemporaryNames
{
    private const string Digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+~";

    public static string Encode(long number)
    {
        Span<char> text = stackalloc char[12];
        var length = 0;
        text[length++] = '$';
        do
        {
            text[length++] = Digits[(int)(number & 63)];
            number = (long)((ulong)number >> 6);
        }
        while (number != 0);
        return new string(text[..length]);
    }
}
