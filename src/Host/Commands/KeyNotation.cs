using System.CommandLine;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Host.Commands;

/// <summary>Keys and values on the command line: UTF-8 with <c>\xNN</c> escapes, or hexadecimal with <c>--hex</c>.</summary>
internal sealed class KeyNotation
{
    private readonly Option<bool> _hex = new("--hex") { Description = "Keys and values are hexadecimal, in and out", Recursive = true };

    public void AddTo(Command command) => command.Add(_hex);

    public bool IsHex(ParseResult parsed) => parsed.GetValue(_hex);

    public byte[] Parse(ParseResult parsed, string name, string text)
    {
        try
        {
            return IsHex(parsed) ? Convert.FromHexString(text) : KeyText.Parse(text);
        }
        catch (FormatException e)
        {
            var reason = IsHex(parsed) ? "hexadecimal is an even number of the digits 0-9 and a-f" : e.Message;
            throw new Terminal.CommandException(Terminal.ExitCode.BadUsage, $"{name} \"{text}\": {reason}");
        }
    }

    public string Format(ParseResult parsed, ReadOnlySpan<byte> bytes) =>
        IsHex(parsed) ? Convert.ToHexStringLower(bytes) : KeyText.Escape(bytes);
}
