using System.Threading.Channels;
using Akka.Actor;
using Akka.Persistence;

namespace TiKvActors.Tests.Shared.Persistence;

/// <summary>What every journal plugin does.</summary>
public abstract class JournalPluginTests : PluginTests
{
    protected const long All = long.MaxValue;

    protected string Writer { get; } = Guid.NewGuid().ToString();

    protected IActorRef Journal => Akka.Persistence.Persistence.Instance.Apply(System).JournalFor(PluginId);

    protected abstract string PluginId { get; }

    // ---- Replay: ranges and limits, each inclusive

    [Theory]
    [InlineData(0, All, All, new long[] { 1, 2, 3, 4, 5 })]
    [InlineData(1, All, All, new long[] { 1, 2, 3, 4, 5 })]
    [InlineData(3, All, All, new long[] { 3, 4, 5 })]
    [InlineData(6, All, All, new long[] { })]
    [InlineData(0, 3, All, new long[] { 1, 2, 3 })]
    [InlineData(0, 99, All, new long[] { 1, 2, 3, 4, 5 })]
    [InlineData(0, 0, All, new long[] { })]
    [InlineData(0, All, 3, new long[] { 1, 2, 3 })]
    [InlineData(0, All, 99, new long[] { 1, 2, 3, 4, 5 })]
    [InlineData(2, 4, All, new long[] { 2, 3, 4 })]
    [InlineData(2, 4, 2, new long[] { 2, 3 })]
    [InlineData(2, 2, All, new long[] { 2 })]
    [InlineData(2, 4, 1, new long[] { 2 })]
    [InlineData(2, 4, 0, new long[] { })]
    [InlineData(3, 2, All, new long[] { })]
    public async Task A_replay_gives_what_is_within_its_bounds_and_its_limit(long from, long to, long max, long[] expected)
    {
        await Write(Id, 1, 5);
        await Write($"{Id}2", 1, 2);
        await HoldsAlsoAfterReopening(async () =>
        {
            var replay = await Replay(Id, from, to, max);
            Assert.Equal(expected, replay.Numbers);
            Assert.Equal(5, replay.Highest);
        });
    }

    [Fact]
    public async Task What_was_written_comes_back_as_it_was()
    {
        await Write(Id, 1, 2);
        await HoldsAlsoAfterReopening(async () =>
        {
            var events = (await Replay(Id)).Events;
            Assert.All(events, e =>
            {
                Assert.Equal((Id, Writer, "", false), (e.PersistenceId, e.WriterGuid, e.Manifest, e.IsDeleted));
                Assert.Equal(Event($"{Id} {e.SequenceNr}"), e.Payload);
                Assert.Equal(1_700_000_000, e.Timestamp);
            });
        });
    }

    [Fact]
    public async Task An_id_that_nobody_wrote_has_no_events_and_the_number_0()
    {
        await Write(Id, 1, 5);
        await HoldsAlsoAfterReopening(async () =>
        {
            foreach (var id in new[] { Id[..^1] + "3", Id[..^2], $"{Id}/3", "" })
            {
                var replay = await Replay(id);
                Assert.Empty(replay.Numbers);
                Assert.Equal(0, replay.Highest);
            }
        });
    }

    // ---- Deletion

    [Theory]
    [InlineData(0, new long[] { 1, 2, 3, 4, 5 })]
    [InlineData(1, new long[] { 2, 3, 4, 5 })]
    [InlineData(3, new long[] { 4, 5 })]
    [InlineData(4, new long[] { 5 })]
    [InlineData(5, new long[] { })]
    [InlineData(6, new long[] { })]
    [InlineData(All, new long[] { })]
    public async Task Deletion_takes_what_is_up_to_its_number_and_keeps_the_highest(long to, long[] left)
    {
        await Write(Id, 1, 5);
        await Write($"{Id}2", 1, 3);
        await Delete(Id, to);
        await HoldsAlsoAfterReopening(async () =>
        {
            var replay = await Replay(Id);
            Assert.Equal(left, replay.Numbers);
            Assert.Equal(5, replay.Highest);
            Assert.Equal(5, (await Replay(Id, 0, 0, 0)).Highest);
            Assert.Equal([1, 2, 3], (await Replay($"{Id}2")).Numbers);
        });
    }

    [Fact]
    public async Task A_replay_that_begins_among_what_is_deleted_gives_the_rest()
    {
        await Write(Id, 1, 10);
        await Delete(Id, 6);
        await HoldsAlsoAfterReopening(async () =>
        {
            Assert.Equal([7, 8], (await Replay(Id, 3, All, 2)).Numbers);
            Assert.Equal([7], (await Replay(Id, 6, 7, All)).Numbers);
            Assert.Empty((await Replay(Id, 1, 6, All)).Numbers);
        });
    }

    [Fact]
    public async Task Deletions_add_up_and_an_earlier_one_again_takes_nothing_back()
    {
        await Write(Id, 1, 10);
        await Delete(Id, 3);
        await Delete(Id, 7);
        await Delete(Id, 2);
        await HoldsAlsoAfterReopening(async () => Assert.Equal([8, 9, 10], (await Replay(Id)).Numbers));
    }

    [Fact]
    public async Task Numbers_go_on_after_everything_was_deleted()
    {
        await Write(Id, 1, 5);
        await Delete(Id, All);
        await HoldsAlsoAfterReopening(async () => Assert.Equal(5, (await Replay(Id)).Highest));
        await Write(Id, 6, 7);
        await HoldsAlsoAfterReopening(async () =>
        {
            var replay = await Replay(Id);
            Assert.Equal([6, 7], replay.Numbers);
            Assert.Equal(7, replay.Highest);
        });
        await Delete(Id, 7);
        await HoldsAlsoAfterReopening(async () => Assert.Equal(7, (await Replay(Id)).Highest));
    }

    [Fact]
    public async Task Deleting_for_an_id_that_nobody_wrote_succeeds_and_makes_none()
    {
        await Delete("nobody", 5);
        await HoldsAlsoAfterReopening(async () => Assert.Equal(0, (await Replay("nobody")).Highest));
        await Write("nobody", 1, 1);
        await HoldsAlsoAfterReopening(async () => Assert.Equal([1], (await Replay("nobody")).Numbers));
    }

    [Fact]
    public async Task A_deletion_covers_the_writes_before_it_and_none_after_it()
    {
        var (actor, received) = Listener.Start(System);
        // Nothing is awaited in between: the journal has them in its mailbox together.
        Journal.Tell(Writes(Id, 1, 5, actor));
        Journal.Tell(new DeleteMessagesTo(Id, 3, actor));
        Journal.Tell(Writes(Id, 6, 8, actor));
        Journal.Tell(new ReplayMessages(0, All, All, Id, actor));
        await Answers(received, 8 + 2 + 1);
        await HoldsAlsoAfterReopening(async () =>
        {
            var replay = await Replay(Id);
            Assert.Equal([4, 5, 6, 7, 8], replay.Numbers);
            Assert.Equal(8, replay.Highest);
        });
    }

    // ---- Writing

    [Fact]
    public async Task A_write_is_answered_for_the_batch_then_for_each_event_in_order()
    {
        var (actor, received) = Listener.Start(System);
        Journal.Tell(Writes(Id, 1, 3, actor));
        Assert.IsType<WriteMessagesSuccessful>(await received.ReadAsync().AsTask().WaitAsync(Patience));
        for (var n = 1; n <= 3; n++)
        {
            var success = Assert.IsType<WriteMessageSuccess>(await received.ReadAsync().AsTask().WaitAsync(Patience));
            Assert.Equal((n, 1), (success.Persistent.SequenceNr, success.ActorInstanceId));
        }
    }

    [Fact]
    public async Task A_replay_sees_every_write_that_was_sent_before_it()
    {
        for (var n = 1L; n <= 50; n++)
        {
            var (actor, received) = Listener.Start(System);
            Journal.Tell(Writes(Id, n, n, actor));
            Journal.Tell(new ReplayMessages(0, All, All, Id, actor));
            var answers = await Answers(received, 2 + (int)n + 1);
            Assert.Equal(n, answers.OfType<RecoverySuccess>().Single().HighestSequenceNr);
        }
    }

    [Fact]
    public async Task Ids_that_are_written_at_the_same_time_do_not_meet()
    {
        const int ids = 200;
        await Task.WhenAll(Enumerable.Range(0, ids).Select(async i =>
        {
            await Write($"id/{i}", 1, 1 + i % 5);
            if (i % 3 == 0) await Delete($"id/{i}", 1);
            await Write($"id/{i}", 2 + i % 5, 8);
        }));
        await HoldsAlsoAfterReopening(async () =>
        {
            var replays = await Task.WhenAll(Enumerable.Range(0, ids).Select(i => Replay($"id/{i}")));
            for (var i = 0; i < ids; i++)
            {
                Assert.Equal(Enumerable.Range(1, 8).Skip(i % 3 == 0 ? 1 : 0).Select(n => (long)n), replays[i].Numbers);
                Assert.All(replays[i].Events, e => Assert.Equal(Event($"id/{i} {e.SequenceNr}"), e.Payload));
            }
        });
    }

    [Theory]
    [MemberData(nameof(Payloads))]
    public async Task Every_kind_of_payload_comes_back_equal(string manifest)
    {
        var (actor, received) = Listener.Start(System);
        Journal.Tell(new WriteMessages([Single(1, Samples[manifest], actor)], actor, 1));
        await Answers(received, 2);
        await HoldsAlsoAfterReopening(async () =>
        {
            Assert.Equal(Samples[manifest], (await Replay(Id)).Events.Single().Payload);
            Assert.Equal((1000, manifest), StoredWith());
        });
    }

    /// <summary>Serializer and manifest of the only event of <see cref="PluginTests.Id"/>, as they are stored.</summary>
    protected abstract (int SerializerId, string Manifest) StoredWith();

    protected sealed record Replayed(IReadOnlyList<IPersistentRepresentation> Events, long Highest)
    {
        public IEnumerable<long> Numbers => Events.Select(e => e.SequenceNr);
    }

    protected async Task<Replayed> Replay(string id, long from = 0, long to = All, long max = All)
    {
        var (actor, received) = Listener.Start(System);
        Journal.Tell(new ReplayMessages(from, to, max, id, actor));
        var events = new List<IPersistentRepresentation>();
        while (true)
        {
            switch (await received.ReadAsync().AsTask().WaitAsync(Patience))
            {
                case ReplayedMessage replayed:
                    events.Add(replayed.Persistent);
                    break;
                case RecoverySuccess success:
                    return new Replayed(events, success.HighestSequenceNr);
                case ReplayMessagesFailure failure:
                    throw failure.Cause;
            }
        }
    }

    protected async Task Write(string id, long first, long last)
    {
        if (last < first) return;
        var (actor, received) = Listener.Start(System);
        Journal.Tell(Writes(id, first, last, actor));
        var answers = await Answers(received, 1 + (int)(last - first + 1));
        Assert.All(answers.Skip(1), a => Assert.IsType<WriteMessageSuccess>(a));
    }

    protected async Task Delete(string id, long to)
    {
        var (actor, received) = Listener.Start(System);
        Journal.Tell(new DeleteMessagesTo(id, to, actor));
        Assert.Equal(new DeleteMessagesSuccess(to), (await Answers(received, 1))[0]);
    }

    protected static async Task<List<object>> Answers(ChannelReader<object> received, int count)
    {
        var answers = new List<object>();
        while (answers.Count < count) answers.Add(await received.ReadAsync().AsTask().WaitAsync(Patience));
        return answers;
    }

    protected WriteMessages Writes(string id, long first, long last, IActorRef actor) => new(
        [.. Enumerable.Range(0, (int)(last - first + 1)).Select(i => new AtomicWrite(Represent(first + i, Event($"{id} {first + i}"), actor, id)))], actor, 1);

    protected AtomicWrite Single(long number, object payload, IActorRef actor) => new(Represent(number, payload, actor));

    protected Persistent Represent(long number, object payload, IActorRef actor, string? id = null) =>
        new(payload, number, id ?? Id, "", false, actor, Writer, 1_700_000_000);
}
