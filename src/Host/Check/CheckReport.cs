using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Check;

/// <summary>What became of a check. <see cref="Print"/> shows it.</summary>
internal sealed class CheckReport
{
    private const int PrintedFindings = 3;
    private const int PrintedGaps = 3;

    private readonly IReadOnlyList<HistoryOperation> _history;
    private readonly HistoryVerdict _verdict;
    private readonly TimeSpan _checkTime;
    private readonly CheckedFaults? _faults;
    private readonly List<long> _writes;
    private readonly List<long> _reads;

    private CheckReport(IReadOnlyList<HistoryOperation> history, HistoryVerdict verdict, TimeSpan checkTime, CheckedFaults? faults)
    {
        (_history, _verdict, _checkTime, _faults) = (history, verdict, checkTime, faults);
        var successes = history.Where(o => o.Outcome == HistoryOutcome.Ok).ToLookup(o => o.IsWrite, o => o.Completed);
        (_writes, _reads) = ([.. successes[true]], [.. successes[false]]);
    }

    /// <summary>Nothing was done is no proof of anything.</summary>
    public bool HasPassed => _verdict.IsLinearizable && _writes.Count + _reads.Count > 0
        && (_faults is null || (_faults.Difference is null && _faults.HasResumed(_writes)));

    /// <param name="faults">Null: the history was recorded elsewhere.</param>
    /// <exception cref="FormatException">A file is no history.</exception>
    public static CheckReport Of(IEnumerable<string> historyFiles, CheckedFaults? faults)
    {
        var history = HistoryReader.Read(historyFiles);
        var watch = Stopwatch.StartNew();
        var verdict = HistoryChecker.Check(history);
        return new CheckReport(history, verdict, watch.Elapsed, faults);
    }

    public void Print(Output output)
    {
        if (output.Json) PrintJson(output);
        else PrintText(output);
    }

    private IEnumerable<(HistoryKind Kind, int Ok, int Failed, int Unknown, int Lost)> Kinds() => Enum.GetValues<HistoryKind>()
        .Select(kind =>
        {
            var all = _history.Where(o => o.Kind == kind).ToList();
            return (kind, all.Count(o => o.Outcome == HistoryOutcome.Ok), all.Count(o => o.Outcome == HistoryOutcome.Failed),
                all.Count(o => o.Outcome == HistoryOutcome.Unknown), all.Sum(o => o.LostTries));
        });

    private void PrintText(Output output)
    {
        output.Table(
            ["operations", "ok", "failed", "unknown", "lost tries"],
            Kinds().Select(k => new[] { HistorySplitter.NameOf(k.Kind), Text(k.Ok), Text(k.Failed), Text(k.Unknown), Text(k.Lost) }));
        if (_faults is not null) PrintFaults(output, _faults);
        output.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"checked    {_verdict.Operations:N0} operations on {_verdict.Keys:N0} keys in {_checkTime.TotalSeconds:0.0} s"));
        foreach (var finding in _verdict.Findings.OrderBy(f => f.CounterExample.Count).Take(PrintedFindings))
            output.Line(finding.Describe(_verdict.Start));
        if (_verdict.Findings.Count > PrintedFindings)
            output.Line(string.Create(CultureInfo.InvariantCulture, $"... and {_verdict.Findings.Count - PrintedFindings} more keys"));
        output.Line($"verdict    {Verdict}");
    }

    private void PrintFaults(Output output, CheckedFaults faults)
    {
        output.Line("");
        output.Table(["faults", "done", "overlapping", "one way", "seconds", "not possible"], Kinds(faults).Select(k => new[]
        {
            PlannedFault.NameOf(k.Kind),
            Text(k.Done.Count),
            Text(k.Done.Count(f => f.Overlapped)),
            Text(k.Done.Count(f => f.Plan.IsOneWay)),
            Seconds(k.Done),
            Text(k.Impossible),
        }));
        output.Line("");
        output.Line($"several    faults at once for {Seconds(faults.TimeWithSeveral)} of {Seconds(faults.Length)} s");
        var resumptions = faults.Resumptions(_writes);
        var worst = resumptions.Count == 0 ? "" : $"; afterwards writes went on within {Seconds(resumptions[0].Length)} s";
        output.Line($"majority   away {Text(faults.TimesWithoutMajority)} times, {Seconds(faults.TimeWithoutMajority)} s{worst}");
        foreach (var (what, gap) in Gaps(faults))
        {
            var cause = string.Join("; ", faults.Under(gap).Select(f => f.What));
            output.Line($"no {what,-8}for {Seconds(gap.Length)} s: {(cause.Length == 0 ? "no fault was under way" : cause)}");
        }

        output.Line($"replicas   {(faults.Difference is null ? "equal" : $"DIFFERENT: {faults.Difference}")}");
    }

    private static IEnumerable<(FaultKind Kind, List<FaultDone> Done, int Impossible)> Kinds(CheckedFaults faults) =>
        Enum.GetValues<FaultKind>()
            .Select(kind => (kind, faults.Log.Done.Where(f => f.Plan.Kind == kind).ToList(), faults.Log.Impossible(kind)));

    private IEnumerable<(string What, ServiceGap Gap)> Gaps(CheckedFaults faults) =>
        ServiceGaps.Longest(_writes, faults.Began, faults.Ended, PrintedGaps).Select(g => ("write", g))
            .Concat(ServiceGaps.Longest(_reads, faults.Began, faults.Ended, PrintedGaps).Select(g => ("read", g)));

    private string Verdict => HasPassed ? "linearizable"
        : !_verdict.IsLinearizable
            ? _verdict.Findings.Any(f => f.Verdict == RegisterVerdict.NotLinearizable) ? "NOT LINEARIZABLE" : "UNDECIDED"
        : _faults?.Difference is not null ? "REPLICAS DIFFER"
        : _writes.Count + _reads.Count == 0 ? "NOTHING SUCCEEDED"
        : "SERVICE DID NOT RESUME";

    private void PrintJson(Output output) => output.JsonLine(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("operations");
        foreach (var (kind, ok, failed, unknown, lost) in Kinds())
        {
            json.WriteStartObject(HistorySplitter.NameOf(kind));
            json.WriteNumber("ok", ok);
            json.WriteNumber("failed", failed);
            json.WriteNumber("unknown", unknown);
            json.WriteNumber("lostTries", lost);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        if (_faults is not null) WriteFaults(json, _faults);
        json.WriteNumber("keys", _verdict.Keys);
        json.WriteNumber("checkSeconds", Math.Round(_checkTime.TotalSeconds, 3));
        json.WriteStartArray("findings");
        foreach (var finding in _verdict.Findings) json.WriteStringValue(finding.Describe(_verdict.Start));
        json.WriteEndArray();
        json.WriteBoolean("passed", HasPassed);
        json.WriteString("verdict", Verdict.ToLowerInvariant());
        json.WriteEndObject();
    });

    private void WriteFaults(Utf8JsonWriter json, CheckedFaults faults)
    {
        json.WriteStartObject("faults");
        foreach (var (kind, done, impossible) in Kinds(faults))
        {
            json.WriteStartObject(PlannedFault.NameOf(kind));
            json.WriteNumber("done", done.Count);
            json.WriteNumber("overlapping", done.Count(f => f.Overlapped));
            json.WriteNumber("oneWay", done.Count(f => f.Plan.IsOneWay));
            json.WriteNumber("seconds", Rounded(new TimeSpan(done.Sum(f => LengthOf(f).Ticks))));
            json.WriteNumber("notPossible", impossible);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteNumber("seconds", Rounded(faults.Length));
        json.WriteNumber("severalFaultsSeconds", Rounded(faults.TimeWithSeveral));
        json.WriteNumber("withoutMajority", faults.TimesWithoutMajority);
        json.WriteNumber("withoutMajoritySeconds", Rounded(faults.TimeWithoutMajority));
        json.WriteNumber("resumedWithinSeconds", Rounded(faults.Resumptions(_writes).FirstOrDefault().Length));
        json.WriteStartArray("gaps");
        foreach (var (what, gap) in Gaps(faults))
        {
            json.WriteStartObject();
            json.WriteString("of", what);
            json.WriteNumber("seconds", Rounded(gap.Length));
            json.WriteStartArray("faults");
            foreach (var fault in faults.Under(gap)) json.WriteStringValue(fault.What);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteBoolean("replicasEqual", faults.Difference is null);
    }

    private static TimeSpan LengthOf(FaultDone fault) => new ServiceGap(fault.Began, fault.Ended).Length;

    private static string Seconds(List<FaultDone> done) => Seconds(new TimeSpan(done.Sum(f => LengthOf(f).Ticks)));

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("N1", CultureInfo.InvariantCulture);

    private static double Rounded(TimeSpan time) => Math.Round(time.TotalSeconds, 3);

    private static string Text(int number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
