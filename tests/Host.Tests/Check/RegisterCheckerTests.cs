using TiKvActors.Host.Check;

namespace TiKvActors.Host.Tests.Check;

public class RegisterCheckerTests
{
    [Fact]
    public void What_a_register_did_is_accepted()
    {
        for (var seed = 1; seed <= 2_000; seed++)
        {
            var history = new RandomRegister(seed).Run(clients: 1 + seed % 12, operationsEach: 30);
            Assert.True(RegisterChecker.Check(history).Verdict == RegisterVerdict.Linearizable, $"seed {seed}");
        }
    }

    [Fact]
    public void A_stale_read_is_refused() => IsRefused((history, end, random) =>
    {
        var reads = history.FindAll(o => o.Action == RegisterAction.Read);
        foreach (var read in reads.OrderBy(_ => random.Next()))
        {
            // The value of a write that was over before another certain write began, which was over before the read began.
            var later = history.Find(
                w => w is { Action: RegisterAction.Write, IsCertain: true, Value: not null } && w.Completed < read.Invoked);
            var earlier = later is null
                ? null
                : history.Find(w => w is { Action: RegisterAction.Write, IsCertain: true, Value: not null } && w.Completed < later.Invoked);
            if (earlier is null || history.Exists(o => !o.IsCertain && o.Value == earlier.Value)) continue;
            return [.. history.Select(o => o == read ? o with { Found = earlier.Value } : o)];
        }

        return null;
    });

    [Fact]
    public void A_lost_update_is_refused() => IsRefused((history, end, _) =>
    {
        history.Add(RegisterOperation.Write("before", end + 1_100, end + 1_101));
        history.Add(RegisterOperation.Write("lost", end + 1_102, end + 1_103));
        history.Add(RegisterOperation.Read("before", end + 1_104, end + 1_105));
        return history;
    });

    [Fact]
    public void Two_swaps_of_the_same_value_are_refused() => IsRefused((history, end, _) =>
    {
        history.Add(RegisterOperation.Write("before", end + 1_100, end + 1_101));
        history.Add(RegisterOperation.Swap("before", "one", end + 1_102, end + 1_110));
        history.Add(RegisterOperation.Swap("before", "two", end + 1_102, end + 1_110));
        return history;
    });

    [Fact]
    public void A_value_from_nowhere_is_refused() => IsRefused((history, _, random) =>
    {
        var reads = history.FindAll(o => o.Action == RegisterAction.Read);
        if (reads.Count == 0) return null;
        var read = reads[random.Next(reads.Count)];
        return [.. history.Select(o => o == read ? o with { Found = "nobody wrote this" } : o)];
    });

    [Fact]
    public void A_resurrected_delete_is_refused() => IsRefused((history, end, _) =>
    {
        history.Add(RegisterOperation.Write("dead", end + 1_100, end + 1_101));
        history.Add(RegisterOperation.Write(null, end + 1_102, end + 1_103));
        history.Add(RegisterOperation.Read("dead", end + 1_104, end + 1_105));
        return history;
    });

    [Fact]
    public void An_unknown_write_may_take_effect_late_once_or_never()
    {
        var put = RegisterOperation.Write("v", 0, RegisterOperation.Never, isCertain: false);
        Assert.True(IsLinearizable(put, Read(null, 10, 11), Read("v", 20, 21)));
        Assert.True(IsLinearizable(put, Read(null, 10, 11), Read(null, 20, 21)));
        Assert.False(IsLinearizable(put, Read("v", 10, 11), RegisterOperation.Write("w", 12, 13), Read("w", 14, 15), Read("v", 16, 17)));
        Assert.False(IsLinearizable(put with { Invoked = 15 }, Read("v", 10, 11)));
    }

    /// <summary>The search against the definition: every subset of the uncertain operations, in every order.</summary>
    [Fact]
    public void Small_histories_are_judged_as_the_definition_does()
    {
        var random = new Random(1);
        var verdicts = new int[2];
        for (var i = 0; i < 100_000; i++)
        {
            var history = Enumerable.Range(0, random.Next(2, 7)).Select(_ => RandomOperation(random)).ToList();
            var expected = ExistsOrder(history, null);
            verdicts[expected ? 1 : 0]++;
            Assert.True(
                RegisterChecker.Check(history).Verdict == (expected ? RegisterVerdict.Linearizable : RegisterVerdict.NotLinearizable),
                string.Join('\n', history));
        }

        Assert.All(verdicts, count => Assert.True(count > 10_000));
    }

    [Fact]
    public void Many_concurrent_writes_stay_cheap()
    {
        var history = Enumerable.Range(0, 60).Select(i => RegisterOperation.Write($"v{i}", i, 1_000 + i)).ToList();
        history.AddRange(
            Enumerable.Range(0, 40).Select(i => RegisterOperation.Write(null, 500 + i, RegisterOperation.Never, isCertain: false)));
        history.AddRange(Enumerable.Range(0, 20).Select(i => Read($"v{i * 3}", 100, 1_100)));
        history.AddRange(Enumerable.Range(0, 20).Select(i => Read(null, 2_000 + 10 * i, 2_005 + 10 * i)));
        Assert.Equal(RegisterVerdict.Linearizable, RegisterChecker.Check(history).Verdict);
    }

    [Fact]
    public void A_counterexample_is_minimal()
    {
        for (var seed = 1; seed <= 100; seed++)
        {
            var history = new RandomRegister(seed).Run(clients: 6, operationsEach: 40);
            var end = history.Max(o => o.Completed == RegisterOperation.Never ? 0 : o.Completed) + 2_000;
            history.Add(RegisterOperation.Write("dead", end, end + 1));
            history.Add(RegisterOperation.Write(null, end + 2, end + 3));
            history.Add(Read("dead", end + 4, end + 5));
            var finding = HistoryChecker.Find("k", history)!;
            Assert.Equal(["dead", null, null], finding.CounterExample.Select(o => o.Value));
        }
    }

    [Fact]
    public void A_counterexample_is_without_the_deletes_that_explain_nothing()
    {
        var history = new List<RegisterOperation>();
        for (var i = 0; i < 300; i += 10)
        {
            history.Add(RegisterOperation.Write($"v{i}", i, i + 1));
            history.Add(RegisterOperation.Write(null, i + 2, i + 8));
            history.Add(Read(null, i + 3, i + 9));
        }

        history.Add(RegisterOperation.Write("lost", 400, 401));
        history.Add(Read(null, 402, 403));
        Assert.Equal(["lost", null], HistoryChecker.Find("k", history)!.CounterExample.Select(o => o.Value));
    }

    [Fact]
    public void A_counterexample_is_printed_with_times_and_callers()
    {
        HistoryOperation[] history =
        [
            new()
            {
                Process = "a",
                Number = 1,
                Client = 1,
                Kind = HistoryKind.Put,
                Keys = ["k"],
                Values = ["old"],
                Invoked = 5_000_000,
                Completed = 6_000_000,
                Outcome = HistoryOutcome.Ok
            },
            new()
            {
                Process = "a",
                Number = 2,
                Client = 1,
                Kind = HistoryKind.Get,
                Keys = ["k"],
                Values = ["old"],
                Invoked = 6_100_000,
                Completed = 6_200_000,
                Outcome = HistoryOutcome.Ok
            },
            new()
            {
                Process = "b",
                Number = 1,
                Client = 2,
                Kind = HistoryKind.Put,
                Keys = ["k"],
                Values = ["new"],
                Invoked = 7_000_000,
                Completed = 8_500_000,
                Outcome = HistoryOutcome.Ok
            },
            new()
            {
                Process = "a",
                Number = 3,
                Client = 1,
                Kind = HistoryKind.Scan,
                Start = "a",
                End = "z",
                Limit = 10,
                Keys = ["k"],
                Values = ["old"],
                Invoked = 9_000_000,
                Completed = 9_250_000,
                Outcome = HistoryOutcome.Ok
            },
        ];
        var verdict = HistoryChecker.Check(history);
        var expected = """
            key "k" is not linearizable. No order explains these 3 of its 4 operations:
                 invoked ms  completed ms
                      0.000         1.000  process a, client 1, operation 1 (put): wrote "old"
                      2.000         3.500  process b, client 2, operation 1 (put): wrote "new"
                      4.000         4.250  process a, client 1, operation 3 (scan): found "old"
            """;
        Assert.Equal(expected, Assert.Single(verdict.Findings).Describe(verdict.Start), ignoreLineEndingDifferences: true);
    }

    private static void IsRefused(Func<List<RegisterOperation>, long, Random, List<RegisterOperation>?> mutate)
    {
        var mutated = 0;
        for (var seed = 1; seed <= 500; seed++)
        {
            var register = new RandomRegister(seed);
            if (mutate(register.Run(clients: 1 + seed % 8, operationsEach: 20), register.End, new Random(seed)) is not { } history)
                continue;
            mutated++;
            Assert.True(RegisterChecker.Check(history).Verdict == RegisterVerdict.NotLinearizable, $"seed {seed}");
        }

        Assert.True(mutated > 250, $"only {mutated} histories could be mutated");
    }

    private static RegisterOperation Read(string? found, long invoked, long completed) => RegisterOperation.Read(found, invoked, completed);

    private static bool IsLinearizable(params RegisterOperation[] history) =>
        RegisterChecker.Check(history).Verdict == RegisterVerdict.Linearizable;

    private static RegisterOperation RandomOperation(Random random)
    {
        string?[] values = [null, "a", "b", "c"];
        long invoked = random.Next(12);
        var completed = invoked + random.Next(8);
        string? Any() => values[random.Next(values.Length)];
        var isCertain = random.Next(4) != 0;
        var until = isCertain || random.Next(2) == 0 ? completed : RegisterOperation.Never;
        return random.Next(5) switch
        {
            < 2 => RegisterOperation.Read(Any(), invoked, completed),
            < 4 => RegisterOperation.Write(Any(), invoked, until, isCertain: isCertain),
            _ => RegisterOperation.Swap(Any(), Any(), invoked, until, isCertain: isCertain),
        };
    }

    private static bool ExistsOrder(IReadOnlyList<RegisterOperation> left, string? value)
    {
        if (!left.Any(o => o.IsCertain)) return true;
        foreach (var next in left)
        {
            // Nothing that must come before it, and is not left out, is left.
            if (left.Any(o => !ReferenceEquals(o, next) && o.IsCertain && o.Completed < next.Invoked)) continue;
            if (next.Action != RegisterAction.Write && next.Found != value) continue;
            // Uncertain ones whose time is over have not taken place.
            var rest = left.Where(o => !ReferenceEquals(o, next) && (o.IsCertain || o.Completed >= next.Invoked)).ToList();
            if (ExistsOrder(rest, next.Action == RegisterAction.Read ? value : next.Value)) return true;
        }

        return false;
    }
}
