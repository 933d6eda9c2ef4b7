using System.Diagnostics;
using System.Globalization;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Check;

/// <summary>What became of a check. <see cref="Print"/> shows it.</summary>
internal sealed class CheckReport
{
    private const int PrintedFindings = 3;

    private readonly IReadOnlyList<HistoryOperation> _history;
    private readonly HistoryVerdict _verdict;
    private readonly TimeSpan _checkTime;
    private readonly Nemesis? _nemesis;
    private readonly string? _difference;

    private CheckReport(IReadOnlyList<HistoryOperation> history, HistoryVerdict verdict, TimeSpan checkTime, Nemesis? nemesis, string? difference) =>
        (_history, _verdict, _checkTime, _nemesis, _difference) = (history, verdict, checkTime, nemesis, difference);

    /// <summary>Nothing was done is no proof of anything.</summary>
    public bool HasPassed => _verdict.IsLinearizable && _difference is null && _history.Any(o => o.Outcome == HistoryOutcome.Ok);

    /// <param name="nemesis">Null: the history was recorded elsewhere.</param>
    /// <param name="difference">Of the replicas; null if there is none.</param>
    /// <exception cref="FormatException">A file is no history.</exception>
    public static CheckReport Of(IEnumerable<string> historyFiles, Nemesis? nemesis, string? difference)
    {
        var history = HistoryReader.Read(historyFiles);
        var watch = Stopwatch.StartNew();
        var verdict = HistoryChecker.Check(history);
        return new CheckReport(history, verdict, watch.Elapsed, nemesis, difference);
    }

    public void Print(Output output)
    {
        if (output.Json) PrintJson(output);
        else PrintText(output);
    }

    private IEnumerable<(HistoryKind Kind, int Ok, int Failed, int Unknown, int Lost)> Kinds() => Enum.GetValues<HistoryKind>().Select(kind =>
    {
        var all = _history.Where(o => o.Kind == kind).ToList();
        return (kind, all.Count(o => o.Outcome == HistoryOutcome.Ok), all.Count(o => o.Outcome == HistoryOutcome.Failed), all.Count(o => o.Outcome == HistoryOutcome.Unknown), all.Sum(o => o.LostTries));
    });

    private void PrintText(Output output)
    {
        output.Table(
            ["operations", "ok", "failed", "unknown", "lost tries"],
            Kinds().Select(k => new[] { HistorySplitter.NameOf(k.Kind), Text(k.Ok), Text(k.Failed), Text(k.Unknown), Text(k.Lost) }));
        if (_nemesis is not null)
        {
            output.Line("");
            output.Table(["faults", "done", "not possible"], Enum.GetValues<FaultKind>().Select(k => new[]
            {
                k.ToString().ToLowerInvariant(), Text(_nemesis.Done.GetValueOrDefault(k)), Text(_nemesis.Impossible.GetValueOrDefault(k)),
            }));
            output.Line("");
            output.Line($"replicas   {(_difference is null ? "equal" : $"DIFFERENT: {_difference}")}");
        }

        output.Line(string.Create(CultureInfo.InvariantCulture, $"checked    {_verdict.Operations:N0} operations on {_verdict.Keys:N0} keys in {_checkTime.TotalSeconds:0.0} s"));
        foreach (var finding in _verdict.Findings.OrderBy(f => f.CounterExample.Count).Take(PrintedFindings)) output.Line(finding.Describe(_verdict.Start));
        if (_verdict.Findings.Count > PrintedFindings) output.Line(string.Create(CultureInfo.InvariantCulture, $"... and {_verdict.Findings.Count - PrintedFindings} more keys"));
        output.Line($"verdict    {Verdict}");
    }

    private string Verdict => HasPassed ? "linearizable"
        : !_verdict.IsLinearizable ? _verdict.Findings.Any(f => f.Verdict == RegisterVerdict.NotLinearizable) ? "NOT LINEARIZABLE" : "UNDECIDED"
        : _difference is not null ? "REPLICAS DIFFER"
        : "NOTHING SUCCEEDED";

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
        if (_nemesis is not null)
        {
            json.WriteStartObject("faults");
            foreach (var kind in Enum.GetValues<FaultKind>())
            {
                json.WriteStartObject(kind.ToString().ToLowerInvariant());
                json.WriteNumber("done", _nemesis.Done.GetValueOrDefault(kind));
                json.WriteNumber("notPossible", _nemesis.Impossible.GetValueOrDefault(kind));
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteBoolean("replicasEqual", _difference is null);
        }

        json.WriteNumber("keys", _verdict.Keys);
        json.WriteNumber("checkSeconds", Math.Round(_checkTime.TotalSeconds, 3));
        json.WriteStartArray("findings");
        foreach (var finding in _verdict.Findings) json.WriteStringValue(finding.Describe(_verdict.Start));
        json.WriteEndArray();
        json.WriteBoolean("passed", HasPassed);
        json.WriteString("verdict", Verdict.ToLowerInvariant());
        json.WriteEndObject();
    });

    private static string Text(int number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
