using TiKvActors.Storage.Journal;

namespace TiKvActors.Storage.Tests;

public class JournalRecordsTests
{
    [Theory]
    [InlineData(0, "", "", "", 0, 0)]
    [InlineData(127, "m", "ü", "w", 127, 1)]
    [InlineData(128, "m", "ü", "w", 128, 1)]
    [InlineData(1000, "manifest", "adapter", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", 1_700_000_000_000, 300)]
    [InlineData(-1, "m", "", "", long.MaxValue, 5)]
    [InlineData(16_384, "m", "", "", -1, 5)]
    public void Events_come_back_as_they_were(int serializerId, string manifest, string adapter, string writer, long timestamp, int payload)
    {
        var stored = new StoredEvent(42, serializerId, manifest, adapter, writer, timestamp, default);
        var bytes = Enumerable.Range(0, payload).Select(i => (byte)i).ToArray();
        var read = JournalRecords.DecodeEvent("file", Keys.Event(1, 42), JournalRecords.Encode(stored with { Payload = bytes }));
        Assert.Equal(stored, read with { Payload = default });
        Assert.Equal(bytes, read.Payload.ToArray());
    }

    [Fact]
    public void Long_texts_come_back_too()
    {
        var manifest = new string('é', 200);
        var read = JournalRecords.DecodeEvent(
            "file", Keys.Event(1, 1), JournalRecords.Encode(new StoredEvent(1, 1, manifest, manifest, manifest, 1, new byte[1])));
        Assert.Equal(manifest, read.WriterGuid);
        Assert.Equal(1, read.Payload.Length);
    }

    [Fact]
    public void The_layout_is_the_documented_one()
    {
        var record = JournalRecords.Encode(new StoredEvent(1, 1000, "jRA", "", "w", 300, TestStore.Bytes("payload")));
        Assert.Equal("01" + "E807" + "036A5241" + "00" + "0177" + "AC02" + "7061796C6F6164", Convert.ToHexString(record));
        record = JournalRecords.Encode(new StoredSnapshot(1, 7, "m", 1, TestStore.Bytes("p")));
        Assert.Equal("01" + "07" + "016D" + "01" + "70", Convert.ToHexString(record));
    }
}
