using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Faults;

/// <summary>The stores of a playground that is not running, compared by what is in their directories.</summary>
internal static class Replicas
{
    /// <summary>Every region has the same content in all stores.</summary>
    /// <returns>False if they have not applied the same entries, so that they cannot be compared.</returns>
    /// <exception cref="LostWriteException">Replicas differ.</exception>
    public static bool AreEqual(string root)
    {
        var replicas = Directory.GetDirectories(root, "store-*").SelectMany(Read).ToLookup(r => r.RegionId);
        if (replicas.Count == 0) throw new LostWriteException($"there is no region in {root}");
        foreach (var region in replicas)
        {
            var first = region.First();
            if (region.Any(r => r.AppliedIndex != first.AppliedIndex)) return false;
            if (region.Any(r => r.Content != first.Content)) throw new LostWriteException($"replicas differ: {string.Join("; ", region)}");
        }

        return true;
    }

    private static List<Replica> Read(string directory)
    {
        using var engines = StoreEngines.Open(directory);
        using var snapshot = engines.Data.NewSnapshot();
        return engines.Data.ReadRegionStates()
            .Where(s => s.State == PeerState.Normal)
            .Select(s => new Replica(
                s.Region.Id,
                Path.GetFileName(directory),
                engines.Data.ReadApplyState(s.Region.Id)!.AppliedIndex,
                RangeChecksum.OfRegion(snapshot, s.Region.StartKey.Span, s.Region.EndKey.Span)))
            .ToList();
    }

    private sealed record Replica(ulong RegionId, string Store, ulong AppliedIndex, RangeChecksum Content);
}
