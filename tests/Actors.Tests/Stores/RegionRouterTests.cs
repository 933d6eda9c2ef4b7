using Google.Protobuf;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Actors.Tests.Stores;

public sealed class RegionRouterTests
{
    private readonly RegionRouter _router = new();

    private static Region Range(ulong id, string start, string end) => new() { Id = id, StartKey = ByteString.CopyFromUtf8(start), EndKey = ByteString.CopyFromUtf8(end) };

    /// <summary>The installation deletes the old, wide range: a neighbour that moved in before would lose its rows.</summary>
    [Fact]
    public void UntilASnapshotOfANarrowerRangeIsInstalledTheOldRangeStaysTaken()
    {
        _router.Own(Range(1, "", ""));
        Assert.True(_router.TryReserve(Range(1, "m", "")));
        Assert.False(_router.TryReserve(Range(2, "", "m")));
        Assert.Equal(1ul, _router.FindOverlapping(2, ByteString.CopyFromUtf8("a"), ByteString.CopyFromUtf8("b"))!.Id);
        _router.Own(Range(1, "m", ""));
        Assert.True(_router.TryReserve(Range(2, "", "m")));
    }

    [Fact]
    public void AReservationIsTakenAndGivenBack()
    {
        Assert.True(_router.TryReserve(Range(1, "a", "m")));
        Assert.False(_router.TryReserve(Range(2, "l", "z")));
        Assert.True(_router.TryReserve(Range(2, "m", "z")));
        _router.CancelReservation(1);
        Assert.True(_router.TryReserve(Range(3, "a", "c")));
    }

    [Fact]
    public void ASplitChangesAllPartsAtOnceAndReleaseFreesThem()
    {
        _router.Own(Range(1, "", ""));
        _router.Own(Range(1, "m", ""), Range(2, "", "m"));
        Assert.False(_router.TryReserve(Range(3, "a", "b")));
        _router.Release(2);
        Assert.True(_router.TryReserve(Range(3, "a", "b")));
    }
}
