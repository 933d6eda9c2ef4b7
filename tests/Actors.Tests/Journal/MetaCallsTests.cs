using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>Calls to the meta group in a time of the test's own.</summary>
public sealed class MetaCallsTests
{
    private static readonly MetaCallSettings _settings = new(
        Deadline: TimeSpan.FromSeconds(10), AttemptTimeout: TimeSpan.FromSeconds(2), RetryBackoff: TimeSpan.FromMilliseconds(100));

    private static readonly MetaMember[] _members =
        [.. Enumerable.Range(1, 3).Select(i => new MetaMember { Id = (ulong)i, Address = $"host-{i}:1" })];

    private readonly MetaCalls<string> _calls = new(_members, nearest: 1, _settings);
    private TimeSpan _now = TimeSpan.FromHours(1);

    [Fact]
    public void TheNearestMemberIsAskedFirstAndTheLeaderItNamesNextAndThenAlways()
    {
        Call("a");
        var first = Attempt(to: 2);
        Assert.Equal(2000UL, first.TimeoutMillis);
        Answer(first, NotLeader(3));
        Done(Attempt(to: 3), "a");
        Call("b");
        Done(Attempt(to: 3), "b");
        Assert.Null(_calls.NextEvent);
    }

    /// <summary>A leader that only the newer table knows is followed; members that have left are not asked any more.</summary>
    [Fact]
    public void MembersChangeWhileCallsAreUnderWay()
    {
        Call("a");
        var first = Attempt(to: 2);
        _calls.SetMembers([_members[1], new MetaMember { Id = 4, Address = "host-4:1" }]);
        Answer(first, NotLeader(4));
        var second = Attempt(to: 4);
        _calls.SetMembers([new MetaMember { Id = 5, Address = "host-5:1" }]);
        Answer(second, NotLeader(0));
        Nothing();
        Pass(_settings.RetryBackoff);
        Done(Attempt(to: 5), "a");
    }

    [Fact]
    public void WithoutALeaderTheMembersAreAskedInTurnWithAPauseBetween()
    {
        Call("a");
        foreach (var to in new[] { 2, 3, 1, 2 })
        {
            Answer(Attempt(to), to == 1 ? RegionErrors.RegionNotInitialized(MetaRegion.Id) : NotLeader(0));
            Nothing();
            Pass(_settings.RetryBackoff);
        }

        Done(Attempt(to: 3), "a");
    }

    [Fact]
    public void MembersThatNameEachOtherAreNotAskedWithoutAPause()
    {
        Call("a");
        var attempts = 0;
        for (var to = 2; _calls.Attempts.Count > 0; attempts++, to = 5 - to)
            Answer(Attempt(to), NotLeader(5 - (ulong)to));
        Assert.Equal(_members.Length, attempts);
        Pass(_settings.RetryBackoff);
        Assert.Single(_calls.Attempts);
    }

    [Fact]
    public void AMemberThatIsBusyOrFullIsAskedAgain()
    {
        Call("a");
        foreach (var error in new[] { RegionErrors.ServerIsBusy("x", TimeSpan.Zero), RegionErrors.DiskFull(2, "x"), RegionErrors.UndeterminedResult("x") })
        {
            Answer(Attempt(to: 2), error);
            Nothing();
            Pass(_settings.RetryBackoff);
        }

        Done(Attempt(to: 2), "a");
    }

    [Fact]
    public void AMemberThatDoesNotAnswerIsGivenUpAndItsLateAnswerStillCounts()
    {
        Call("a");
        var silent = Attempt(to: 2);
        Pass(_settings.AttemptTimeout);
        var second = Attempt(to: 3);
        // The error of an attempt that was given up says nothing about the one under way.
        Answer(silent, NotLeader(1));
        Nothing();
        Done(silent, "a");
        Answer(second, error: null);
        Assert.Empty(_calls.Outcomes);
    }

    [Fact]
    public void AMemberWhoseConnectionEndsIsNotWaitedForAndNotAskedForSomeTime()
    {
        Call("a");
        var first = Attempt(to: 2);
        _calls.Lost("host-2:1", _now);
        Nothing();
        Pass(_settings.RetryBackoff);
        var second = Attempt(to: 3);
        // Whoever has not noticed yet names it.
        Answer(second, NotLeader(2));
        var third = Attempt(to: 3);
        Answer(third, NotLeader(1));
        Done(Attempt(to: 1), "a");
        Call("b");
        Answer(Attempt(to: 1), NotLeader(2));
        Answer(Attempt(to: 3), NotLeader(0));
        _calls.Found("host-2:1");
        Pass(_settings.RetryBackoff);
        Answer(Attempt(to: 1), NotLeader(2));
        Done(Attempt(to: 2), "b");
        Assert.NotEqual(0UL, first.Id);
    }

    [Fact]
    public void IfAllConnectionsHaveEndedTheyAreTriedAgain()
    {
        Call("a");
        Attempt(to: 2);
        foreach (var member in _members)
            _calls.Lost(member.Address, _now);
        Pass(_settings.RetryBackoff);
        Done(Attempt(to: 2), "a");
    }

    [Fact]
    public void CallsWithTheSameKeyGoOneAfterTheOtherAndOthersDoNotWait()
    {
        Call("a 1");
        Call("a 2");
        Call("b 1");
        var (a, b) = (_calls.Attempts[0].Request, _calls.Attempts[1].Request);
        Assert.Equal(2, _calls.Attempts.Count);
        _calls.Attempts.Clear();
        Done(b, "b 1");
        Nothing();
        Done(a, "a 1");
        Done(Attempt(to: 2), "a 2");
    }

    [Fact]
    public void AtItsDeadlineACallFailsWithWhatIsKnown()
    {
        Call("a 1");
        Answer(Attempt(to: 2), RegionErrors.DiskFull(2, "2 MiB left"));
        Pass(_settings.Deadline / 2);
        Attempt(to: 2);
        Call("a 2");
        Pass(_settings.Deadline / 2 - TimeSpan.FromTicks(1));
        Assert.Empty(_calls.Outcomes);
        _calls.Attempts.Clear();
        Pass(TimeSpan.FromTicks(1));
        var failed = Assert.Single(_calls.Outcomes);
        Assert.Equal("a 1", failed.Caller);
        Assert.Contains("within 10 s (member ", failed.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("whether it has stored what it was given is unknown", failed.Failure!.Message, StringComparison.Ordinal);
        _calls.Outcomes.Clear();
        // The next one has its own time left.
        Assert.Equal(2000UL, Assert.Single(_calls.Attempts).Request.TimeoutMillis);
        Pass(_settings.Deadline);
        Assert.Equal("a 2", Assert.Single(_calls.Outcomes).Caller);
        Assert.Null(_calls.NextEvent);
    }

    [Fact]
    public void ALastAttemptHasTheTimeThatIsLeft()
    {
        Call("a");
        foreach (var left in new[] { 2000, 2000, 2000, 2000, 2000 })
        {
            Assert.Equal((ulong)left, Assert.Single(_calls.Attempts).Request.TimeoutMillis);
            _calls.Attempts.Clear();
            Assert.Empty(_calls.Outcomes);
            Pass(_settings.AttemptTimeout);
        }

        Assert.Single(_calls.Outcomes);
        Assert.Empty(_calls.Attempts);
    }

    [Fact]
    public void WhatIsTooLargeFailsAtOnce()
    {
        Call("a");
        Answer(Attempt(to: 2), RegionErrors.RaftEntryTooLarge(MetaRegion.Id, 9, 8));
        Assert.Contains("too large", Assert.Single(_calls.Outcomes).Failure!.Message, StringComparison.Ordinal);
        Assert.Null(_calls.NextEvent);
    }

    /// <summary>Members that answer anything, late or never: each call has one outcome, by its deadline, and those with the same key in order.</summary>
    [Fact]
    public void EveryCallEndsOnceAndInTime()
    {
        for (var seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var calls = new MetaCalls<(int Key, int Number)>(_members, random.Next(3), _settings);
            var begun = new Dictionary<(int, int), TimeSpan>();
            var last = new int[3];
            var late = new List<MetaRequest>();
            var now = TimeSpan.Zero;
            var numbers = 0;
            while (numbers < 60 || calls.NextEvent is not null || calls.Outcomes.Count > 0)
            {
                if (numbers < 60 && random.Next(3) == 0)
                {
                    var caller = (Key: random.Next(3), Number: ++numbers);
                    begun.Add(caller, now);
                    calls.Start($"{caller.Key}", new MetaRequest { Command = new MetaCommand() }, caller, now);
                }

                late.AddRange(calls.Attempts.Select(a => a.Request));
                calls.Attempts.Clear();
                while (late.Count > 0 && random.Next(2) == 0)
                {
                    var at = random.Next(late.Count);
                    calls.Receive(random.Next(4) switch
                    {
                        0 => new MetaResponse { Id = late[at].Id, Result = new MetaResult() },
                        1 => new MetaResponse { Id = late[at].Id, Error = NotLeader((ulong)random.Next(5)) },
                        2 => new MetaResponse { Id = late[at].Id, Error = RegionErrors.ServerIsBusy("x", TimeSpan.Zero) },
                        _ => new MetaResponse { Id = 1_000_000, Result = new MetaResult() },
                    }, now);
                    if (random.Next(3) > 0)
                        late.RemoveAt(at);
                }

                var address = _members[random.Next(3)].Address;
                if (random.Next(4) == 0)
                    calls.Lost(address, now);
                else
                    calls.Found(address);

                foreach (var outcome in calls.Outcomes)
                {
                    Assert.True(begun.Remove(outcome.Caller, out var since), $"seed {seed}: {outcome.Caller} ended twice");
                    Assert.InRange(now - since, TimeSpan.Zero, _settings.Deadline);
                    Assert.True(outcome.Failure is null || now - since == _settings.Deadline, $"seed {seed}: {outcome.Caller} failed before its deadline");
                    Assert.True(outcome.Failure is not null || outcome.Caller.Number > last[outcome.Caller.Key], $"seed {seed}: {outcome.Caller} came late");
                    if (outcome.Failure is null)
                        last[outcome.Caller.Key] = outcome.Caller.Number;
                }

                calls.Outcomes.Clear();
                var step = TimeSpan.FromMilliseconds(random.Next(700));
                now = calls.NextEvent is { } next && next < now + step ? next : now + step;
                calls.Advance(now);
            }

            Assert.Empty(begun);
        }
    }

    private static Error NotLeader(ulong leader) =>
        RegionErrors.NotLeader(MetaRegion.Id, leader == 0 ? null : new Peer { Id = leader, StoreId = leader });

    /// <param name="caller">Its first letter is the key.</param>
    private void Call(string caller) => _calls.Start(caller[..1], new MetaRequest { Command = new MetaCommand() }, caller, _now);

    private MetaRequest Attempt(int to)
    {
        var attempt = Assert.Single(_calls.Attempts);
        Assert.Equal((ulong)to, attempt.To.Id);
        _calls.Attempts.Clear();
        return attempt.Request;
    }

    private void Nothing()
    {
        Assert.Empty(_calls.Attempts);
        Assert.Empty(_calls.Outcomes);
    }

    /// <param name="error">Null: it is done.</param>
    private void Answer(MetaRequest attempt, Error? error)
    {
        var response = new MetaResponse { Id = attempt.Id };
        if (error is null)
            response.Result = new MetaResult { Done = new MetaResult.Types.Done() };
        else
            response.Error = error;
        _calls.Receive(response, _now);
    }

    private void Done(MetaRequest attempt, string caller)
    {
        Answer(attempt, error: null);
        var outcome = Assert.Single(_calls.Outcomes);
        Assert.Equal(caller, outcome.Caller);
        Assert.NotNull(outcome.Response);
        _calls.Outcomes.Clear();
    }

    private void Pass(TimeSpan time)
    {
        _now += time;
        Assert.True(_calls.NextEvent is null || _calls.NextEvent <= _now || _calls.Attempts.Count == 0, "time has passed, and nobody saw it");
        _calls.Advance(_now);
    }
}
