using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace TiKvActors.Host.Management;

/// <summary>Everything that this process measures when asked (observable instruments), in Prometheus' text format 0.0.4.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Our own, and .NET's of the process.</summary>
    private static readonly string[] _meters = ["TiKvActors", "System.Runtime"];

    public static string Read()
    {
        var families = new SortedDictionary<string, StringBuilder>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.IsObservable && _meters.Contains(instrument.Meter.Name)) self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(families, i, value.ToString(CultureInfo.InvariantCulture), tags));
        listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Add(families, i, value.ToString(CultureInfo.InvariantCulture), tags));
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Add(families, i, value.ToString("R", CultureInfo.InvariantCulture), tags));
        listener.Start();
        listener.RecordObservableInstruments();
        return string.Concat(families.Values);
    }

    private static void Add(
        SortedDictionary<string, StringBuilder> families, Instrument instrument, string value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var isCounter = instrument.GetType().Name.StartsWith("ObservableCounter", StringComparison.Ordinal);
        var name = Name(instrument.Name) + (isCounter ? "_total" : "");
        if (!families.TryGetValue(name, out var family))
        {
            families.Add(name, family = new StringBuilder());
            family.Append("# HELP ").Append(name).Append(' ').Append(Escape(instrument.Description ?? "")).Append('\n');
            family.Append("# TYPE ").Append(name).Append(isCounter ? " counter\n" : " gauge\n");
        }

        family.Append(name);
        for (var i = 0; i < tags.Length; i++)
        {
            family.Append(i == 0 ? '{' : ',').Append(Name(tags[i].Key)).Append("=\"")
                .Append(Escape(tags[i].Value?.ToString() ?? "").Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }

        family.Append(tags.Length > 0 ? "} " : " ").Append(value).Append('\n');
    }

    private static string Name(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '_'));

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
