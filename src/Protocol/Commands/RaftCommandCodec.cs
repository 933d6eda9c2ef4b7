using Google.Protobuf;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Protocol.Commands;

/// <summary>
/// Commands as they stand in a Raft entry: one version byte, then a <see cref="RaftCmdRequest"/>. An entry without data
/// (a new leader's first) carries no command.
/// </summary>
public static class RaftCommandCodec
{
    public const byte Version = 1;

    public static ByteString Encode(RaftCmdRequest command)
    {
        var bytes = new byte[1 + command.CalculateSize()];
        bytes[0] = Version;
        command.WriteTo(bytes.AsSpan(1));
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <exception cref="UnknownRaftCommandVersionException">A newer program wrote it: the peer must stop, not skip it.</exception>
    /// <exception cref="InvalidDataException">Corrupt.</exception>
    public static RaftCmdRequest Decode(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty || data[0] != Version)
            throw new UnknownRaftCommandVersionException(data.IsEmpty ? null : data[0]);
        return RaftCmdRequest.Parser.Parse(data[1..]);
    }
}

/// <param name="version">Null: no version byte at all.</param>
public sealed class UnknownRaftCommandVersionException(byte? version) : Exception(
    $"unknown Raft command version {version?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "(none)"}, "
        + $"this program knows {RaftCommandCodec.Version}: "
    + "was the data directory used by a newer program?");
