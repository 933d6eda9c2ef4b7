using Akka.Event;
using Akka.Pattern;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace TiKvActors.StandIns.Tests.Persistence;

/// <summary>The filter by itself: events are written as number and writer, as in "1a 2a 3b".</summary>
public class ReplayFilterTests
{
    [Theory]
    [InlineData("1a 2a 3a", "1a 2a 3a")]
    [InlineData("1a 2a 3b 4b", "1a 2a 3b 4b")] // an ordinary restart
    [InlineData("1a 2a 3a 2b 3b", "1a 2b 3b")] // the newer writer began anew at 2
    [InlineData("1a 2b 2a 3b 3a", "1a 2b 3b")] // both went on
    [InlineData("1a 2b 3c 3b 4c", "1a 2b 3c 4c")] // a third one
    [InlineData("1a 1a 2a", "1a 1a 2a")] // one stored event that an adapter made two of
    public void Repair_drops_what_an_older_writer_left_beside_a_newer_one(string stored, string released) =>
        Assert.Equal(released, Filtered(ReplayFilterMode.RepairByDiscardOld, stored));

    [Theory]
    [InlineData("1a 2a 3b 4b")]
    [InlineData("1a 2a 3a 2b 3b")]
    [InlineData("1a 3a 2a")]
    public void Warn_and_off_let_everything_through_in_its_order(string stored)
    {
        Assert.Equal(stored, Filtered(ReplayFilterMode.Warn, stored));
        Assert.Equal(stored, Filtered(ReplayFilterMode.Disabled, stored));
    }

    [Theory]
    [InlineData("1a 2a 3a 2b")]
    [InlineData("1a 2b 2a")]
    [InlineData("1a 3a 2a")]
    public void Fail_says_which_event_and_which_writer(string stored)
    {
        var failure = Assert.Throws<IllegalStateException>(() => Filtered(ReplayFilterMode.Fail, stored));
        Assert.Matches(@"event \d of 'id' by writer [ab]", failure.Message);
    }

    [Fact]
    public void Only_a_window_of_events_is_held_back()
    {
        var released = new List<long>();
        var filter = New(ReplayFilterMode.RepairByDiscardOld, 3, p => released.Add(p.SequenceNr));
        for (var i = 1; i <= 5; i++) filter.Offer(new Persistent("", i, "id", writerGuid: "a"));
        Assert.Equal([1L, 2L], released);
        filter.Complete();
        Assert.Equal([1L, 2L, 3L, 4L, 5L], released);
    }

    private static string Filtered(ReplayFilterMode mode, string stored)
    {
        var released = new List<string>();
        var filter = New(mode, 100, p => released.Add(p.SequenceNr + p.WriterGuid));
        foreach (var e in stored.Split(' ')) filter.Offer(new Persistent("", e[0] - '0', "id", writerGuid: e[1..]));
        filter.Complete();
        return string.Join(" ", released);
    }

    private static ReplayFilter New(ReplayFilterMode mode, int window, Action<IPersistentRepresentation> release) =>
        new("id", mode, window, 10, NoLogger.Instance, release);
}
