using Google.Protobuf;
using TiKvActors.Actors.Gateway;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Tests.Gateway;

public sealed class RawKeysTests
{
    /// <summary>A scan whose page ends at a key of maximum length goes on from that key's successor.</summary>
    [Theory]
    [InlineData(APIVersion.V1)]
    [InlineData(APIVersion.V1Ttl)]
    [InlineData(APIVersion.V2)]
    public void ABoundMayBeTheSuccessorOfALongestKey(APIVersion mode)
    {
        Assert.Null(RawKeys.CheckKey(Key(mode, RequestLimits.MaxKeyBytes), mode));
        Assert.Contains("max key size exceeded", RawKeys.CheckKey(Key(mode, RequestLimits.MaxKeyBytes + 1), mode));
        Assert.Null(RawKeys.CheckRange(Key(mode, RequestLimits.MaxKeyBytes + 1), Key(mode, RequestLimits.MaxKeyBytes + 1), mode));
        Assert.Contains("max key size exceeded", RawKeys.CheckRange(
            Key(mode, RequestLimits.MaxKeyBytes + 2), Key(mode, RequestLimits.MaxKeyBytes + 2), mode));
    }

    private static ByteString Key(APIVersion mode, int userBytes) =>
        ByteString.CopyFrom([.. mode == APIVersion.V2 ? "r\0\0\0"u8 : default, .. new byte[userBytes]]);
}
