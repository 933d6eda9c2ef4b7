using Google.Protobuf;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Protocol.Tests;

public class RegionErrorsTests
{
    private static readonly Region Region = new()
    {
        Id = 7,
        StartKey = ByteString.CopyFromUtf8("a"),
        EndKey = ByteString.CopyFromUtf8("m"),
        RegionEpoch = new RegionEpoch { ConfVer = 2, Version = 5 },
    };

    public static TheoryData<RegionErrorKind, Error> Made => new()
    {
        { RegionErrorKind.StoreNotMatch, RegionErrors.StoreNotMatch(1, 2) },
        { RegionErrorKind.RegionNotFound, RegionErrors.RegionNotFound(7) },
        { RegionErrorKind.MismatchPeerId, RegionErrors.MismatchPeerId(8, 9) },
        { RegionErrorKind.NotLeader, RegionErrors.NotLeader(7, new Peer { Id = 8, StoreId = 2 }) },
        { RegionErrorKind.NotLeader, RegionErrors.NotLeader(7, null) },
        { RegionErrorKind.StaleCommand, RegionErrors.StaleCommand("term 5, now 7") },
        { RegionErrorKind.EpochNotMatch, RegionErrors.EpochNotMatch(null, []) },
        { RegionErrorKind.KeyNotInRegion, RegionErrors.KeyNotInRegion(ByteString.CopyFromUtf8("z"), Region) },
        { RegionErrorKind.ServerIsBusy, RegionErrors.ServerIsBusy("full", TimeSpan.FromMilliseconds(50)) },
        { RegionErrorKind.RaftEntryTooLarge, RegionErrors.RaftEntryTooLarge(7, 10, 8) },
        { RegionErrorKind.ReadIndexNotReady, RegionErrors.ReadIndexNotReady(7, "new leader") },
        { RegionErrorKind.ProposalInMergingMode, RegionErrors.ProposalInMergingMode(7) },
        { RegionErrorKind.RegionNotInitialized, RegionErrors.RegionNotInitialized(7) },
        { RegionErrorKind.UndeterminedResult, RegionErrors.UndeterminedResult("the peer stopped") },
    };

    [Theory, MemberData(nameof(Made))]
    public void Every_error_has_its_field_alone_and_a_message(RegionErrorKind kind, Error error)
    {
        Assert.Equal(kind, error.Kind());
        Assert.NotEmpty(error.Message);
        Assert.Single(Error.Descriptor.Fields.InDeclarationOrder(), f => f.Name != "message" && f.Accessor.HasValue(error));
    }

    [Fact]
    public void Every_field_of_an_error_has_a_kind()
    {
        foreach (var field in Error.Descriptor.Fields.InDeclarationOrder().Where(f => f.Name != "message"))
        {
            var error = new Error();
            field.Accessor.SetValue(error, Filled.Message(field.MessageType, new Random(1)));
            Assert.Equal(field.PropertyName, error.Kind().ToString());
        }
        Assert.Equal(RegionErrorKind.Unknown, new Error { Message = "?" }.Kind());
    }

    [Fact]
    public void Messages_carry_the_numbers()
    {
        var error = RegionErrors.EpochNotMatch(new RegionEpoch { ConfVer = 2, Version = 4 }, [Region]);
        Assert.Equal("epoch not match: request conf_ver 2 version 4, now region 7 conf_ver 2 version 5", error.Message);
        Assert.Equal(Region, Assert.Single(error.EpochNotMatch.CurrentRegions));
        Assert.Equal(50ul, RegionErrors.ServerIsBusy("full", TimeSpan.FromMilliseconds(50)).ServerIsBusy.BackoffMs);
        Assert.Equal(
            "key \"z\" is not in region 7 [\"a\", \"m\")", RegionErrors.KeyNotInRegion(ByteString.CopyFromUtf8("z"), Region).Message);
    }
}
