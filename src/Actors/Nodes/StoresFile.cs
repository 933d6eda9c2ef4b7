using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Actors.Nodes;

/// <summary>
/// The other stores' addresses as PD last told them, in the file <c>stores</c> of the data directory (a <see cref="PlacementSnapshot"/>
/// with stores alone): a store finds its peers without PD. Only a hint, so it is replaced as a whole and not synced.
/// </summary>
internal sealed class StoresFile
{
    private readonly string _file;
    private readonly IReadOnlyList<Protocol.Metapb.Store> _atStart;

    private StoresFile(string file, IReadOnlyList<Protocol.Metapb.Store> atStart, Exception? damage = null)
    {
        _file = file;
        _atStart = atStart;
        Damage = damage;
    }

    /// <summary>
    /// Why nothing could be made of the file, so that the table is empty until PD tells the stores again. Null if all is well.
    /// </summary>
    public Exception? Damage { get; }

    private sealed class Written
    {
        public static readonly Written Instance = new();
    }

    /// <summary>Reads the disk.</summary>
    /// <exception cref="IOException"/>
    public static StoresFile Load(string directory)
    {
        var file = Path.Combine(directory, "stores");
        if (!File.Exists(file))
            return new StoresFile(file, []);
        var bytes = File.ReadAllBytes(file);
        try
        {
            return new StoresFile(file, [.. PlacementSnapshot.Parser.Parse(bytes).Stores]);
        }
        catch (InvalidDataException e)
        {
            // Not synced, so a crash of the machine may leave anything.
            return new StoresFile(file, [], e);
        }
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
