using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Placement;

public sealed class SafePointsTests
{
    private const long Noon = 1_700_000_000_000;
    private SafePoints _points = new();

    private SafePointDecision Take(SafePointDecision decision)
    {
        Assert.Null(decision.Refusal);
        if (decision.Event is { } change)
            _points.Apply(SafePointsChanged.Parser.ParseFrom(change.ToByteArray()));
        Assert.Equal((_points.Txn, _points.Gc), (decision.Txn, decision.Gc));
        return decision;
    }

    private string[] Barriers(long wall = Noon) => [.. _points.Barriers(wall).Select(b => $"{b.Id} {b.Ts}")];

    [Fact]
    public void TheLowestLivingBarrierHoldsTheTransactionsSafePointBack()
    {
        Take(_points.SetBarrier("backup", 50, 10, Noon));
        Take(_points.SetBarrier("feed", 30, 60, Noon));
        Assert.Equal(["feed 30", "backup 50"], Barriers());
        var blocked = Take(_points.AdvanceTxn(100, Noon));
        Assert.Equal((30ul, "feed"), (blocked.Txn, blocked.Blocker!.Id));
        Take(_points.RemoveBarrier("feed"));
        Assert.Equal((50ul, "backup"), (Take(_points.AdvanceTxn(100, Noon)).Txn, Take(_points.AdvanceTxn(100, Noon)).Blocker!.Id));
        // A barrier at the target does not hold it back: a read at the safe point is allowed.
        Assert.Null(Take(_points.AdvanceTxn(50, Noon)).Blocker);
        var free = Take(_points.AdvanceTxn(100, Noon + 10_001));
        Assert.Equal((100ul, null), (free.Txn, free.Blocker));
        Assert.Equal(["backup"], free.Event!.RemovedBarrierIds);
    }

    [Fact]
    public void ABarrierLastsItsTtlAndABitOfTheClock()
    {
        var barrier = Take(_points.SetBarrier("b", 5, 10, Noon)).Event!.Barriers[0];
        Assert.Equal([10L, 9, 0], new[] { Noon, Noon + 1, Noon + 10_000 }.Select(wall => SafePoints.TtlSeconds(barrier, wall)));
        Assert.Single(_points.Barriers(Noon + 10_000));
        Assert.Empty(_points.Barriers(Noon + 10_001));
        // Again, while it lasts: from now on.
        Take(_points.SetBarrier("b", 5, 10, Noon + 5_000));
        Assert.Single(_points.Barriers(Noon + 15_000));
        foreach (var forEver in new[] { long.MaxValue, long.MaxValue / 1_000_000_000 })
        {
            var eternal = Take(_points.SetBarrier("b", 5, forEver, Noon)).Event!.Barriers[0];
            Assert.Equal(long.MaxValue, SafePoints.TtlSeconds(eternal, long.MaxValue));
            Assert.Single(_points.Barriers(long.MaxValue));
        }
    }

    /// <summary>Otherwise it would be below the safe point that it let pass.</summary>
    [Fact]
    public void AnExpiredBarrierDoesNotComeBackWhenTheClockIsSetBack()
    {
        Take(_points.SetBarrier("b", 5, 10, Noon));
        Take(_points.AdvanceTxn(7, Noon + 20_000));
        Assert.Empty(_points.Barriers(Noon));
        Assert.Null(_points.Find("b"));
    }

    [Fact]
    public void BarriersOfAnyNumberOfNamesDoNotPileUp()
    {
        for (var i = 0; i < 100; i++)
            Take(_points.SetBarrier($"backup of {i}", 5, 10, Noon + (i * 5_000)));
        Assert.InRange(_points.ToSnapshot().Barriers.Count, 1, 4);
        // Expired itself, and prolonged all the same.
        Take(_points.SetBarrier("backup of 99", 6, 10, Noon + 10_000_000));
        Assert.Equal(["backup of 99 6"], Barriers(Noon + 10_000_000));
    }

    [Fact]
    public void WhatCannotBeIsRefusedWithBothValues()
    {
        Take(_points.AdvanceTxn(10, Noon));
        Take(_points.AdvanceGc(8));
        Refused(_points.AdvanceTxn(9, Noon), "10", "9");
        Refused(_points.AdvanceGc(7), "8", "7");
        Refused(_points.AdvanceGc(11), "11", "10");
        Refused(_points.SetBarrier("b", 9, 1, Noon), "9", "10");
        Refused(_points.SetBarrier("b", 10, 0, Noon), "0 s");
        Refused(_points.SetBarrier("b", 10, -1, Noon), "-1 s");
        Refused(_points.SetBarrier("", 10, 1, Noon), "id");
        Refused(_points.SetBarrier(SafePoints.GcWorker, 10, 1, Noon), SafePoints.GcWorker);
        Refused(_points.RemoveBarrier(SafePoints.GcWorker), SafePoints.GcWorker);
        Refused(_points.SetBarrier(new string('b', 257), 10, 1, Noon), "257", "256");
        Take(_points.SetBarrier("b", 10, 1, Noon));

        static void Refused(SafePointDecision decision, params string[] named)
        {
            Assert.Null(decision.Event);
            Assert.All(named, n => Assert.Contains(n, decision.Refusal, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void WhoKnowsOneSafePointOnlyMovesBothUpToTheLowestBarrier()
    {
        Assert.Equal((40ul, 40ul), Both(40));
        Assert.Null(_points.AdvanceBoth(40, Noon).Event);
        Assert.Null(_points.AdvanceBoth(0, Noon).Event);
        Assert.Equal((40ul, 40ul), Both(39));
        Take(_points.AdvanceTxn(60, Noon));
        Assert.Equal((60ul, 50ul), Both(50));
        Take(_points.SetBarrier("b", 70, 10, Noon));
        Assert.Equal((70ul, 70ul), Both(80));
        Assert.Equal((80ul, 80ul), Both(80, Noon + 10_001));

        (ulong Txn, ulong Gc) Both(ulong target, long wall = Noon)
        {
            var decision = Take(_points.AdvanceBoth(target, wall));
            return (decision.Txn, decision.Gc);
        }
    }

    [Fact]
    public void AMadePromiseIsAnEventEvenIfItChangesNothing()
    {
        Take(_points.SetBarrier("b", 5, long.MaxValue, Noon));
        Assert.NotNull(_points.SetBarrier("b", 5, long.MaxValue, Noon).Event);
        Assert.NotNull(_points.RemoveBarrier("absent").Event);
        Assert.Null(_points.AdvanceTxn(0, Noon).Event);
    }

    /// <summary>Against a model that only knows which barriers were promised until when.</summary>
    [Fact]
    public void WhateverHappensNothingDecreasesAndNoLivingBarrierIsPassed()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var promised = new Dictionary<string, (ulong Ts, long Until)>();
            var (wall, latest) = (Noon, Noon);
            var (txn, gc) = (0ul, 0ul);
            _points = new SafePoints();
            for (var step = 0; step < 80; step++)
            {
                // The clock of the node that has PD, now and then set back or forward.
                wall += random.Next(10) == 0 ? random.Next(-30_000, 30_000) : random.Next(0, 3_000);
                latest = Math.Max(latest, wall);
                var target = (ulong)random.Next(0, (step * 3) + 10);
                var id = $"b{random.Next(4)}";
                switch (random.Next(6))
                {
                    case 0:
                        var ttl = random.Next(1, 20);
                        if (Tried(_points.SetBarrier(id, target, ttl, wall)))
                            promised[id] = (target, wall + (ttl * 1000));
                        break;
                    case 1:
                        Tried(_points.RemoveBarrier(id));
                        promised.Remove(id);
                        break;
                    case 2:
                        Tried(_points.AdvanceTxn(target, wall));
                        break;
                    case 3:
                        Tried(_points.AdvanceGc(target));
                        break;
                    case 4:
                        Tried(_points.AdvanceBoth(target, wall));
                        break;
                    default:
                        var copy = new SafePoints();
                        copy.Apply(SafePointsChanged.Parser.ParseFrom(_points.ToSnapshot().ToByteArray()));
                        Assert.Equal(_points.ToSnapshot(), copy.ToSnapshot());
                        _points = copy;
                        break;
                }

                var at = $"seed {seed}, step {step}";
                Assert.True(_points.Txn >= txn && _points.Gc >= gc && _points.Gc <= _points.Txn, at);
                (txn, gc) = (_points.Txn, _points.Gc);
                // Alive at every time that any clock has shown.
                foreach (var (name, (ts, until)) in promised.Where(p => p.Value.Until >= latest))
                {
                    Assert.True(ts >= txn, $"{at}: the safe point {txn} has passed {name} at {ts}");
                    Assert.True(_points.Barriers(wall).Any(b => b.Id == name && b.Ts == ts), $"{at}: {name} is not there");
                }
            }
        }

        bool Tried(SafePointDecision decision)
        {
            if (decision.Event is { } change)
                _points.Apply(change);
            return decision.Refusal is null;
        }
    }
}
