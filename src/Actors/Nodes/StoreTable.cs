using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Nodes;

/// <summary>
/// The other stores' addresses as PD last told them, in the file <c>stores</c> of the data directory (a <see cref="PlacementSnapshot"/> with stores
/// alone): a store finds its peers without PD. Only a hint, so it is replaced as a whole and not synced.
/// </summary>
internal sealed class StoreTable
{
    private readonly string _file;
    private readonly IReadOnlyList<Protocol.Metapb.Store> _atStart;

    private StoreTable(string file, IReadOnlyList<Protocol.Metapb.Store> atStart)
    {
        _file = file;
        _atStart = atStart;
    }

    private sealed class Written
    {
        public static readonly Written Instance = new();
    }

    /// <summary>Reads the disk.</summary>
    public static StoreTable Load(string directory)
    {
        var file = Path.Combine(directory, "stores");
        var stores = File.Exists(file) ? PlacementSnapshot.Parser.ParseFrom(File.ReadAllBytes(file)).Stores.ToList() : [];
        return new StoreTable(file, stores);
    }

    public IReadOnlyList<Protocol.Metapb.Store> Read() => _atStart;

    public void Write(IReadOnlyList<Protocol.Metapb.Store> stores, IActorRef slowWorker, IActorRef sender)
    {
        var bytes = new PlacementSnapshot { Stores = { stores } }.ToByteArray();
        slowWorker.Tell(new SlowWorker.Run("writing the table of stores", () =>
        {
            var temporary = _file + ".tmp";
            File.WriteAllBytes(temporary, bytes);
            File.Move(temporary, _file, overwrite: true);
            return Written.Instance;
        }), sender);
    }

    public static bool IsWritten(object message) => message is Written;
}
