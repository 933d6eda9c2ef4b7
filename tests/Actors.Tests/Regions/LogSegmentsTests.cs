using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Actors.Tests.Regions;

public sealed class LogSegmentsTests
{
    private static Entry[] Entries(ulong first, ulong last) =>
        [.. Enumerable.Range((int)first, (int)(last - first + 1))
            .Select(i => new Entry { Index = (ulong)i, Term = 1, Data = ByteString.CopyFrom(new byte[68]) })];

    [Fact]
    public void TheEventBeforeTheOneWithTheFirstKeptEntryIsTheLastToDelete()
    {
        var segments = new LogSegments();
        segments.Append(Entries(6, 10), 3);
        segments.Append(Entries(11, 20), 5);
        Assert.Equal(2, segments.DeletableTo(7, 9));
        Assert.Equal(4, segments.DeletableTo(10, 9));
        Assert.Equal(4, segments.DeletableTo(15, 9));
        Assert.Equal(9, segments.DeletableTo(20, 9));
    }

    [Fact]
    public void AnOverlappingEventOverwritesTheSuffix()
    {
        var segments = new LogSegments();
        segments.Append(Entries(6, 10), 1);
        segments.Append(Entries(8, 9), 2);
        Assert.Equal((1, 2), segments.Locate(7, 20));
        Assert.Equal((2, 2), segments.Locate(8, 9));
        Assert.Null(segments.Locate(10, 10));
        Assert.Equal(400, segments.TotalBytes);
    }

    [Fact]
    public void TruncationDropsWholeEventsAndShortensOne()
    {
        var segments = new LogSegments();
        segments.Append(Entries(6, 10), 1);
        segments.Append(Entries(11, 20), 2);
        segments.TruncateTo(12);
        Assert.Equal(1, segments.Count);
        Assert.Equal(800, segments.TotalBytes);
        Assert.Null(segments.Locate(12, 12));
        Assert.Equal((2, 2), segments.Locate(13, 14));
    }

    [Fact]
    public void AHoleIsABug()
    {
        var segments = new LogSegments();
        segments.Append(Entries(6, 10), 1);
        Assert.Throws<TiKvActors.Raft.InvariantViolationException>(() => segments.Append(Entries(12, 13), 2));
    }

    [Fact]
    public void TheIndexThatKeepsSomeBytesCutsAtAnEvent()
    {
        var segments = new LogSegments();
        segments.Append(Entries(1, 10), 1);
        segments.Append(Entries(11, 20), 2);
        segments.Append(Entries(21, 30), 3);
        Assert.Equal(10ul, segments.IndexKeeping(2000));
        Assert.Equal(0ul, segments.IndexKeeping(5000));
    }
}
