using System.Text;
using Google.Protobuf;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Storage.Tests;

/// <summary>A directory of its own that is gone afterwards, and the engines in it, opened as often as a test wants.</summary>
internal sealed class TestStore : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("storage-tests-");
    private StoreEngines? _engines;

    public TestStore(bool open = true)
    {
        if (open) Reopen();
    }

    public string Directory => Path.Combine(_folder.FullName, "store");

    public StoreEnginesOptions Options { get; set; } = new();

    public StoreEngines Engines => _engines ?? throw new InvalidOperationException("the store is closed");

    public FailPoints FailPoints => Options.FailPoints;

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static Region RegionOf(ulong id, string start, string end) => new()
    {
        Id = id,
        StartKey = ByteString.CopyFromUtf8(start),
        EndKey = ByteString.CopyFromUtf8(end),
        RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 },
        Peers = { new Peer { Id = id + 1, StoreId = 1 } },
    };

    public StoreEngines Reopen()
    {
        Close();
        return _engines = StoreEngines.Open(Directory, Options);
    }

    public void Close()
    {
        _engines?.Dispose();
        _engines = null;
    }

    public void Dispose()
    {
        Close();
        _folder.Delete(true);
    }
}
