using System.Text;
using TiKvActors.Host.Terminal;
using TiKvActors.Host.Transfer;

namespace TiKvActors.Host.Tests;

public class ImporterTests
{
    private readonly Dictionary<string, string> _stored = [];

    [Fact]
    public async Task Every_line_is_stored_and_the_later_of_two_with_one_key_wins()
    {
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"k{i % 7_001}\tv{i}\n"));
        var importer = new Importer(PutAsync, (_, _) => { });
        await importer.RunAsync(new StringReader(text), 1, CancellationToken.None);
        Assert.Equal(20_000, importer.ImportedLines);
        Assert.Equal(20_000, importer.Keys);
        Assert.Equal(7_001, _stored.Count);
        for (var i = 20_000 - 7_001; i < 20_000; i++) Assert.Equal($"v{i}", _stored[$"k{i % 7_001}"]);
    }

    [Fact]
    public async Task Several_batches_are_under_way_but_not_more_than_allowed()
    {
        var (underWay, most) = (0, 0);
        var full = new TaskCompletionSource();
        var importer = new Importer(async (_, _) =>
        {
            most = Math.Max(most, ++underWay);
            if (underWay == Importer.BatchesInFlight) full.SetResult();
            await full.Task;
            underWay--;
        }, (_, _) => { });
        await importer.RunAsync(
            new StringReader(string.Concat(Enumerable.Range(0, Importer.BatchKeys * Importer.BatchesInFlight).Select(i => $"k{i}\tv\n"))),
            1, CancellationToken.None);
        Assert.Equal(Importer.BatchesInFlight, most);
    }

    [Fact]
    public async Task A_malformed_line_is_named_and_what_came_before_it_is_stored()
    {
        var importer = new Importer(PutAsync, (_, _) => { });
        var error = await Assert.ThrowsAsync<CommandException>(() =>
            importer.RunAsync(new StringReader("a\t1\nb\t2\nno tab\nc\t3\n"), 1, CancellationToken.None));
        Assert.Equal("line 3: no tab between key and value", error.Message);
        Assert.Equal(2, importer.ImportedLines);
        Assert.Equal(["a", "b"], _stored.Keys.Order());
    }

    [Fact]
    public async Task After_a_failed_put_the_import_goes_on_from_the_last_acknowledged_line()
    {
        var lines = string.Concat(Enumerable.Range(1, 5_000).Select(i => $"k{i:D5}\tv{i}\n"));
        var importer = new Importer((batch, cancellation) => batch.Any(l => Encoding.UTF8.GetString(l.Key) == "k03000")
            ? Task.FromException(new TimeoutException("no answer"))
            : PutAsync(batch, cancellation), (_, _) => { });
        await Assert.ThrowsAsync<TimeoutException>(() => importer.RunAsync(new StringReader(lines), 1, CancellationToken.None));
        Assert.InRange(importer.ImportedLines, 1, 2_999);
        for (var i = 1; i <= importer.ImportedLines; i++) Assert.Equal($"v{i}", _stored[$"k{i:D5}"]);

        var again = new Importer(PutAsync, (_, _) => { });
        await again.RunAsync(new StringReader(lines), importer.ImportedLines + 1, CancellationToken.None);
        Assert.Equal(5_000, _stored.Count);
        Assert.Equal(5_000, again.ImportedLines);
    }

    [Theory]
    [InlineData("\tvalue", "the key is empty")]
    [InlineData("key", "no tab between key and value")]
    [InlineData("a\tb\tc", "more than one tab; write a tab inside a key or value as \\x09")]
    public void A_line_that_is_not_key_tab_value_is_refused(string line, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => TransferLine.Parse(line)).Message);

    [Fact]
    public void A_line_takes_any_bytes_there_and_back()
    {
        var key = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        var value = "tab\t newline\n backslash\\ ünï"u8.ToArray();
        var line = TransferLine.Format(key, value);
        Assert.DoesNotContain('\n', line);
        var parsed = TransferLine.Parse(line);
        Assert.Equal(key, parsed.Key);
        Assert.Equal(value, parsed.Value);
    }

    private async Task PutAsync(IReadOnlyList<TransferLine> lines, CancellationToken cancellation)
    {
        await Task.Yield();
        lock (_stored)
            foreach (var line in lines)
                _stored[Encoding.UTF8.GetString(line.Key)] = Encoding.UTF8.GetString(line.Value);
    }
}
