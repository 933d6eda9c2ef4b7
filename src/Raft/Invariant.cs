using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace TiKvActors.Raft;

/// <summary>Checks that stay on in release builds. A broken one is a bug: it stops the peer that found it.</summary>
public static class Invariant
{
    /// <exception cref="InvariantViolationException"><paramref name="holds"/> is false; the message is formatted only then.</exception>
    public static void Check(
        [DoesNotReturnIf(false)] bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref MessageHandler message)
    {
        if (!holds) throw new InvariantViolationException(message.ToString());
    }

    /// <summary>Formats the message of a failed check, and does nothing for one that holds.</summary>
    [InterpolatedStringHandler]
    public ref struct MessageHandler
    {
        private DefaultInterpolatedStringHandler _inner;
        private readonly bool _enabled;

        public MessageHandler(int literalLength, int formattedCount, bool holds, out bool shouldAppend)
        {
            _enabled = shouldAppend = !holds;
            _inner = _enabled ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
        }

        public void AppendLiteral(string value) => _inner.AppendLiteral(value);

        public void AppendFormatted<T>(T value) => _inner.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string? format) => _inner.AppendFormatted(value, format);

        public override string ToString() => _enabled ? _inner.ToStringAndClear() : "";
    }
}

/// <summary>A condition that the code relies on does not hold: a bug here, or damaged data. Never caught to go on.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);
