using Google.Protobuf;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Actors.Tests.Stores;

public sealed class RegionRangesTests
{
    private readonly RegionRanges _ranges = new();

    private static Region Range(ulong id, string start, string end) =>
        new() { Id = id, StartKey = ByteString.CopyFromUtf8(start), EndKey = ByteString.CopyFromUtf8(end) };

    /// <summary>The installation deletes the old, wide range: a neighbour that moved in before would lose its rows.</summary>
    [Fact]
    public void UntilASnapshotOfANarrowerRangeIsInstalledTheOldRangeStaysTaken()
    {
        _ranges.Own(Range(1, "", ""));
        Assert.True(_ranges.TryReserve(Range(1, "m", "")));
        Assert.False(_ranges.TryReserve(Range(2, "", "m")));
        Assert.Equal(1ul, _ranges.FindOverlapping(2, ByteString.CopyFromUtf8("a"), ByteString.CopyFromUtf8("b"))!.Id);
        _ranges.Own(Range(1, "m", ""));
        Assert.True(_ranges.TryReserve(Range(2, "", "m")));
    }

    [Fact]
    public void AReservationIsTakenAndGivenBack()
    {
        Assert.True(_ranges.TryReserve(Range(1, "a", "m")));
        Assert.False(_ranges.TryReserve(Range(2, "l", "z")));
        Assert.True(_ranges.TryReserve(Range(2, "m", "z")));
        _ranges.CancelReservation(1);
        Assert.True(_ranges.TryReserve(Range(3, "a", "c")));
    }

    [Fact]
    public void ASplitChangesAllPartsAtOnceAndReleaseFreesThem()
    {
        _ranges.Own(Range(1, "", ""));
        _ranges.Own(Range(1, "m", ""), Range(2, "", "m"));
        Assert.False(_ranges.TryReserve(Range(3, "a", "b")));
        _ranges.Release(2);
        Assert.True(_ranges.TryReserve(Range(3, "a", "b")));
    }
}
