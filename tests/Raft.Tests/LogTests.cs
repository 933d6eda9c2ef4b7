using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft.Tests;

public class LogTests
{
    private static Entry Entry(ulong index, ulong term, int bytes = 0) =>
        new() { Index = index, Term = term, Data = ByteString.CopyFrom(new byte[bytes]) };

    /// <summary>Entries from 6 on, with these terms; everything durable.</summary>
    private static RaftLog Log(params ulong[] terms) => new("test", new RaftInitialState
    {
        HardState = new HardState { Term = 9, Commit = 5 },
        AppliedIndex = 5,
        TruncatedIndex = 5,
        TruncatedTerm = 5,
        Entries = [.. terms.Select((t, i) => Entry(6 + (ulong)i, t))],
    });

    private static void Write(RaftLog log)
    {
        log.BeginWrite();
        log.EndWrite(snapshot: false);
    }

    [Fact]
    public void Terms_are_known_for_the_whole_log_and_the_entry_before_it()
    {
        var log = Log(5, 6, 6, 8);
        Assert.Equal([null, 5UL, 5, 6, 6, 8, null], Enumerable.Range(4, 7).Select(i => log.TermAt((ulong)i)));
    }

    [Fact]
    public void Merging_replaces_the_conflicting_suffix_and_takes_back_its_durability()
    {
        var log = Log(6, 6, 6);
        Assert.Equal(8UL, log.DurableIndex);

        Assert.Equal(8UL, log.Merge(6, [Entry(7, 7), Entry(8, 7)]));

        Assert.Equal(6UL, log.DurableIndex);
        Assert.Equal([7UL, 8], log.BeginWrite().Select(e => e.Index));
        log.EndWrite(snapshot: false);
        Assert.Equal(8UL, log.DurableIndex);
    }

    [Fact]
    public void A_write_in_flight_counts_only_as_far_as_it_was_not_replaced()
    {
        var log = Log(6);
        log.Merge(6, [Entry(7, 6), Entry(8, 6)]);
        log.BeginWrite();
        log.Merge(7, [Entry(8, 7), Entry(9, 7)]);
        log.EndWrite(snapshot: false);

        Assert.Equal(7UL, log.DurableIndex);
        Assert.Equal([8UL, 9], log.BeginWrite().Select(e => e.Index));
    }

    [Fact]
    public void A_snapshot_makes_nothing_durable_until_it_is_installed()
    {
        var log = Log(6);
        log.Merge(6, [Entry(7, 6)]);
        log.BeginWrite();
        log.Restore(new Snapshot { Metadata = new SnapshotMetadata { Index = 20, Term = 8 } });
        log.EndWrite(snapshot: false);
        Assert.Equal((0UL, 20UL, 20UL), (log.DurableIndex, log.LastIndex, log.Committed));

        log.Merge(20, [Entry(21, 8)]);
        Assert.Empty(log.BeginWrite());
        log.EndWrite(snapshot: true);

        Assert.Equal((20UL, 20UL), (log.DurableIndex, log.Applied));
        Assert.Equal([21UL], log.BeginWrite().Select(e => e.Index));
    }

    [Fact]
    public void Committed_entries_are_never_replaced()
    {
        var log = Log(6, 6);
        log.CommitTo(7);
        var e = Assert.Throws<InvariantViolationException>(() => log.Merge(6, [Entry(7, 7)]));
        Assert.Contains("entry 7 of term 6 is committed (7) but a leader sends term 7", e.Message);
    }

    [Fact]
    public void Committing_beyond_the_log_is_a_bug_with_its_numbers()
    {
        var e = Assert.Throws<InvariantViolationException>(() => Log(6, 6).CommitTo(12));
        Assert.Equal("commit 12 > last index 7 (test): was the log truncated?", e.Message);
    }

    [Fact]
    public void A_journal_without_its_end_is_refused()
    {
        var initial = new RaftInitialState { HardState = new HardState { Commit = 9 }, AppliedIndex = 5, TruncatedIndex = 5 };
        Assert.Contains(
            "committed 9 > last index 5", Assert.Throws<InvariantViolationException>(() => new RaftLog("test", initial)).Message);
    }

    // Paper 5.3, end: both sides skip whole terms when they look for the place where their logs agree.
    [Theory]
    [InlineData(9, 6, 8, 6)]
    [InlineData(9, 8, 9, 8)]
    [InlineData(9, 7, 8, 6)]
    [InlineData(8, 5, 6, 5)]
    [InlineData(9, 4, 4, 0)]
    [InlineData(30, 6, 30, 0)]
    [InlineData(3, 6, 3, 0)]
    public void Conflicts_are_found_by_term(ulong index, ulong term, ulong foundIndex, ulong foundTerm) =>
        Assert.Equal((foundIndex, foundTerm), Log(5, 6, 6, 8).FindConflictByTerm(index, term));

    [Fact]
    public void Compaction_keeps_the_terms_of_what_is_left_also_when_the_entries_are_evicted()
    {
        var log = Log(6, 6, 7, 7, 8);
        log.CommitTo(10);
        log.HandOutTo(10);
        log.ApplyTo(8);
        log.Evict(0, long.MaxValue);
        Assert.Equal((11UL, 0L), (log.FirstCachedIndex, log.CachedBytes));

        log.Compact(8);

        Assert.Equal((8UL, 7UL), (log.TruncatedIndex, log.TruncatedTerm));
        Assert.Equal([null, 7UL, 7, 8], new ulong[] { 7, 8, 9, 10 }.Select(log.TermAt));
        log.Append(Entry(11, 8));
        Assert.Equal([11UL], log.Slice(11, 11, 0).Select(e => e.Index));
    }

    [Fact]
    public void Eviction_spares_what_is_not_durable_and_what_is_still_to_be_applied()
    {
        var log = Log();
        for (ulong i = 6; i < 16; i++) log.Append(Entry(i, 6, bytes: 52));
        log.Evict(0, 0);
        Assert.Equal(1000, log.CachedBytes);

        Write(log);
        log.Evict(0, 500);
        Assert.Equal(500, log.CachedBytes);

        log.CommitTo(15);
        log.HandOutTo(13);
        log.Evict(0, 500);
        Assert.Equal(14UL, log.FirstCachedIndex);
    }

    [Fact]
    public void A_slice_has_at_least_one_entry_and_else_keeps_the_limit()
    {
        var log = Log();
        for (ulong i = 6; i < 10; i++) log.Append(Entry(i, 6, bytes: 52));
        Assert.Single(log.Slice(6, 9, 1));
        Assert.Equal(2, log.Slice(6, 9, 299).Count);
        Assert.Equal(4, log.Slice(6, 9, long.MaxValue).Count);
    }

    // The table of runs answers like a plain list of terms, whatever is appended, cut off at either end, and asked.
    [Fact]
    public void The_term_table_equals_a_list_of_terms() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<byte[]>(draws =>
        {
            var table = new TermTable();
            var terms = new List<ulong>();
            ulong first = 1, term = 1;
            foreach (var draw in draws)
            {
                var last = first + (ulong)terms.Count - 1;
                if (draw % 8 == 0 && terms.Count > 1)
                {
                    var cut = first + 1 + draw % ((ulong)terms.Count - 1);
                    table.RemoveFrom(cut);
                    terms.RemoveRange((int)(cut - first), (int)(last + 1 - cut));
                }
                else if (draw % 8 == 1 && terms.Count > 1)
                {
                    var keep = first + draw % (ulong)terms.Count;
                    table.RemoveBefore(keep);
                    terms.RemoveRange(0, (int)(keep - first));
                    first = keep;
                }
                else
                {
                    term = Math.Max(term, terms.LastOrDefault()) + (ulong)(draw / 100);
                    table.Append(first + (ulong)terms.Count, term);
                    terms.Add(term);
                }
                term = terms[^1];
                for (var i = 0; i < terms.Count; i++)
                    if (table.At(first + (ulong)i) != terms[i]) return false;
                var found = table.LastWithTermAtMost(first + (ulong)terms.Count - 1, draw);
                var expected = terms.FindLastIndex(t => t <= draw);
                if (expected >= 0 ? found != first + (ulong)expected : found >= first) return false;
            }
            return true;
        }));
}
