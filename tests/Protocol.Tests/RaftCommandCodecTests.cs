using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Protocol.Tests;

public class RaftCommandCodecTests
{
    [Fact]
    public void Commands_round_trip_behind_a_version_byte()
    {
        var command = (RaftCmdRequest)Filled.Message(RaftCmdRequest.Descriptor, new Random(7));
        var data = RaftCommandCodec.Encode(command);
        Assert.Equal(1, data[0]);
        Assert.Equal(command, RaftCommandCodec.Decode(data.Span));
    }

    [Fact]
    public void An_unknown_version_is_named() =>
        Assert.Contains(
            "version 2, this program knows 1",
            Assert.Throws<UnknownRaftCommandVersionException>(() => RaftCommandCodec.Decode([2, 0])).Message);

    [Fact]
    public void Empty_data_is_no_command() => Assert.Throws<UnknownRaftCommandVersionException>(() => RaftCommandCodec.Decode([]));

    [Theory]
    [InlineData("010A7F")]
    [InlineData("010AFFFFFFFF0794")]
    [InlineData("010A0F08F0A2B88EEB8812FFFFFFFF070AC3BC103F8A5F")]
    public void Corruption_is_not_taken_for_a_command(string data) =>
        Assert.Throws<InvalidDataException>(() => RaftCommandCodec.Decode(Convert.FromHexString(data)));
}
