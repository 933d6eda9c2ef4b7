using System.Globalization;
using System.Text;

namespace TiKvActors.Host.Grpc;

/// <summary>How <c>grpc-message</c> carries any text: printable ASCII as it is, other bytes of its UTF-8 as <c>%XX</c>.</summary>
internal static class StatusMessage
{
    public static string Encode(string message)
    {
        if (message.AsSpan().ContainsAnyExceptInRange(' ', '~') || message.Contains('%', StringComparison.Ordinal))
        {
            var text = new StringBuilder(message.Length + 16);
            foreach (var octet in Encoding.UTF8.GetBytes(message))
            {
                if (octet is >= (byte)' ' and <= (byte)'~' and not (byte)'%') text.Append((char)octet);
                else text.Append('%').Append(octet.ToString("X2", CultureInfo.InvariantCulture));
            }

            return text.ToString();
        }

        return message;
    }
}
