using System.Globalization;
using RocksDbSharp;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Journal;

namespace TiKvActors.Storage.Tests;

/// <summary>
/// One bit of one file of a store is wrong: the store refuses to open and names the file, or whoever reads what is damaged gets
/// an exception, or everything is as it was. <c>TKV_FLIPS</c> sets how many.
/// </summary>
public sealed class BitFlipTests : IClassFixture<BitFlipTests.Original>, IDisposable
{
    private readonly Original _original;
    private readonly TestStore _copy = new(open: false);

    public BitFlipTests(Original original)
    {
        _original = original;
        _copy.Options = Original.Options;
    }

    public void Dispose() => _copy.Dispose();

    /// <summary>Rows of the data engine's log that are not synced may be lost, so its logs are not touched here.</summary>
    [Fact]
    public void A_flipped_bit_is_noticed_or_makes_no_difference()
    {
        var flips = int.Parse(Environment.GetEnvironmentVariable("TKV_FLIPS") ?? "200", CultureInfo.InvariantCulture);
        var outcomes = new Dictionary<string, int>();
        for (var seed = 1; seed <= flips; seed++)
        {
            var random = new Random(seed);
            CopyOriginal();
            var kinds = _original.Files.GroupBy(Kind).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
            var ofKind = kinds[random.Next(kinds.Count)].ToList();
            var file = ofKind[random.Next(ofKind.Count)];
            var path = Path.Combine(_copy.Directory, file);
            var (offset, bit) = (random.NextInt64(new FileInfo(path).Length), random.Next(8));
            Flip(path, offset, bit);
            var outcome = $"{Kind(file)}: {Outcome($"seed {seed}: bit {bit} at {offset} of {file}")}";
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        var told = string.Join(", ", outcomes.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Key} {o.Value}"));
        Console.WriteLine($"{flips} flipped bits: {told}");
        // Else nothing was tested.
        string[] expected = ["raft/MANIFEST: refused", "data/MANIFEST: refused", "raft/CURRENT: refused", "data/CURRENT: refused"];
        foreach (var seen in expected.Concat(["raft/log: refused", "raft/sst: an exception", "data/sst: an exception"]))
            Assert.True(outcomes.ContainsKey(seen), $"never \"{seen}\": {told}");
    }

    /// <summary>RocksDB alone takes it for the end of the file, and opens the store as it was before.</summary>
    [Theory]
    [InlineData("raft")]
    [InlineData("data")]
    public void A_record_of_the_manifest_with_a_wrong_length_is_refused_wherever_it_is(string engine)
    {
        CopyOriginal();
        var manifest = Path.Combine(_copy.Directory, _original.Files.Single(f => Kind(f) == $"{engine}/MANIFEST"));
        var whole = File.ReadAllBytes(manifest);
        var records = 0;
        for (var at = 0; at < whole.Length; at += 7 + BitConverter.ToUInt16(whole, at + 4), records++)
        {
            for (var bit = 0; bit < 16; bit++)
            {
                File.WriteAllBytes(manifest, whole);
                Flip(manifest, at + 4 + bit / 8, bit % 8);
                var refusal = Assert.Throws<CorruptionException>(() => _copy.Reopen());
                Assert.StartsWith($"corruption in {manifest}: offset {at}: ", refusal.Message, StringComparison.Ordinal);
            }
        }

        Assert.True(records > 3, $"{records} records");
    }

    [Theory]
    [InlineData("raft/CURRENT")]
    [InlineData("data/CURRENT")]
    [InlineData("raft/MANIFEST")]
    [InlineData("data/MANIFEST")]
    [InlineData("raft/sst")]
    [InlineData("data/sst")]
    public void A_file_that_is_gone_is_named_and_nothing_is_made_in_its_place(string kind)
    {
        var refused = 0;
        foreach (var name in _original.Files.Where(f => Kind(f) == kind))
        {
            CopyOriginal();
            var file = Path.Combine(_copy.Directory, name);
            var kept = File.ReadAllBytes(file);
            File.Delete(file);
            // The copy was taken from a running store, which may just have made, or finished with, a table file.
            if (Record.Exception(() => _copy.Reopen()) is not { } exception)
            {
                Assert.Equal("equal", Outcome($"{file} is gone"));
                continue;
            }

            refused++;
            var refusal = Assert.IsType<CorruptionException>(exception);
            // RocksDB tells the name that a table file had in older versions.
            Assert.Contains(Path.GetFileNameWithoutExtension(file), refusal.Message, StringComparison.Ordinal);
            Assert.Contains(CorruptionException.Remedy, refusal.Message, StringComparison.Ordinal);
            // Whoever finds the file again has everything.
            File.WriteAllBytes(file, kept);
            Assert.Equal("equal", Outcome("the file is back"));
        }

        Assert.True(refused > 0, $"no {kind} was missed");
    }

    /// <summary>A loss of power may leave this: the record was never acted on.</summary>
    [Theory]
    [InlineData("cut")]
    [InlineData("zeros")]
    public void A_torn_end_of_the_manifest_is_no_damage(string how)
    {
        CopyOriginal();
        var manifest = Path.Combine(_copy.Directory, _original.Files.Single(f => Kind(f) == "data/MANIFEST"));
        using (var file = new FileStream(manifest, FileMode.Append))
            file.Write(how == "zeros" ? new byte[40] : [1, 2, 3, 4, 40, 0, 1, 5, 6]);
        Assert.Equal("equal", Outcome(how));
    }

    /// <summary>Such as raft/sst, data/MANIFEST.</summary>
    private static string Kind(string file)
    {
        var kind = Path.GetExtension(file) is [_, ..] extension ? extension[1..] : Path.GetFileName(file).Split('-')[0];
        return $"{Path.GetDirectoryName(file)}/{kind}";
    }

    private static void Flip(string file, long offset, int bit)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.Position = offset;
        var old = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(old ^ 1 << bit));
    }

    private void CopyOriginal()
    {
        _copy.Close();
        if (Directory.Exists(_copy.Directory)) Directory.Delete(_copy.Directory, true);
        JournalEngineTests.CopyFolder(_original.Directory, _copy.Directory);
    }

    private string Outcome(string damage)
    {
        try
        {
            _copy.Reopen();
        }
        catch (StorageException e)
        {
            Assert.Contains(_copy.Directory, e.Message, StringComparison.Ordinal);
            return "refused";
        }

        var isDamaged = false;
        foreach (var id in _original.Events.Keys) Read(() => Assert.Equal(_original.Events[id], Original.EventsOf(_copy, id)));
        using (var snapshot = _copy.Engines.Data.NewSnapshot())
        {
            foreach (var (key, value) in _original.Rows)
                Read(() => Assert.Equal(value, snapshot.Get(ColumnFamily.Default, TestStore.Bytes(key))));
            Read(() => Assert.Equal(_original.Rows.Where(r => r.Value is not null).Select(r => r.Key), Original.Scan(snapshot)));
        }

        return isDamaged ? "an exception" : "equal";

        void Read(Action read)
        {
            try
            {
                read();
            }
            catch (Exception e) when (e is RocksDbException or CorruptionException)
            {
                isDamaged = true;
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException)
            {
                throw new InvalidOperationException($"{damage} was not noticed: {e.Message}");
            }
        }
    }

    /// <summary>A store with several table files in both engines and with something in its logs, as a crash leaves it.</summary>
    public sealed class Original : IDisposable
    {
        private readonly TestStore _store = new(open: false);
        private readonly TestStore _crashed = new(open: false);

        public Original()
        {
            _store.Options = Options;
            _store.Reopen().SetIdent(new StoreIdent { ClusterId = 1, StoreId = 2 });
            for (var round = 1; round <= 3; round++)
            {
                Write(round);
                // A clean end, so that the rest is what a recovery makes table files of.
                if (round < 3) _store.Reopen();
            }

            _store.Engines.Data.Sync();
            JournalEngineTests.CopyFolder(_store.Directory, _crashed.Directory);
            Files = System.IO.Directory.GetFiles(_crashed.Directory, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(_crashed.Directory, f))
                .Where(f => Path.GetDirectoryName(f) is "raft" or "data")
                .Where(f => Kind(f).Split('/')[1] is "sst" or "MANIFEST" or "CURRENT" || Kind(f) == "raft/log")
                .Where(f => new FileInfo(Path.Combine(_crashed.Directory, f)).Length > 0)
                .Order(StringComparer.Ordinal)
                .ToArray();
        }

        internal static Stores.StoreEnginesOptions Options => new()
        {
            Settings = StorageSettings.Default with
            {
                Data = StorageSettings.Default.Data with { WriteBufferBytes = 64 << 10 },
                Raft = StorageSettings.Default.Raft with { WriteBufferBytes = 64 << 10 },
            },
        };

        public string Directory => _crashed.Directory;

        /// <summary>Relative to the store's directory.</summary>
        public IReadOnlyList<string> Files { get; }

        /// <summary>A null value was deleted.</summary>
        public SortedDictionary<string, byte[]?> Rows { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, List<string>> Events { get; } = [];

        public void Dispose()
        {
            _store.Dispose();
            _crashed.Dispose();
        }

        internal static List<string> EventsOf(TestStore store, string id) =>
        [
            .. store.Engines.Journal.ReadEvents(id, 1, long.MaxValue, long.MaxValue)
                .Select(e => $"{e.SequenceNr} {Convert.ToHexString(e.Payload.Span)}"),
        ];

        internal static List<string> Scan(Data.DataSnapshot snapshot)
        {
            var keys = new List<string>();
            using var cursor = snapshot.OpenCursor(ColumnFamily.Default, [], []);
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) keys.Add(System.Text.Encoding.UTF8.GetString(cursor.Key));
            return keys;
        }

        private void Write(int round)
        {
            var random = new Random(round);
            var appends = new List<Task>();
            for (var i = 1; i <= 150; i++)
            {
                var id = $"region/{i % 3}/1";
                var payload = new byte[random.Next(400, 800)];
                random.NextBytes(payload);
                var number = (round - 1) * 50 + (i + 2) / 3;
                var record = JournalRecords.Encode(new StoredEvent(number, 1, "", "", "", 0, payload));
                appends.Add(_store.Engines.Journal.AppendAsync(id, [(number, record)]));
            }

            Task.WaitAll(appends);
            for (var i = 0; i < 300; i++)
            {
                var key = $"key {random.Next(500):000}";
                using var batch = _store.Engines.Data.NewBatch();
                var value = random.Next(5) == 0 ? null : new byte[random.Next(200, 600)];
                Rows[key] = value;
                random.NextBytes(value ?? []);
                if (value is null) batch.Delete(ColumnFamily.Default, TestStore.Bytes(key));
                else batch.Put(ColumnFamily.Default, TestStore.Bytes(key), value);

                _store.Engines.Data.Write(batch);
            }

            foreach (var id in Enumerable.Range(0, 3).Select(i => $"region/{i}/1")) Events[id] = EventsOf(_store, id);
        }
    }
}
