using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Client.Calls;

/// <summary>
/// What the replicas of the region that a call is about said when they were asked last. The parts of a batch call share it: it is about
/// the latest region. Any thread.
/// </summary>
internal sealed class RegionInquiry
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, (bool Answered, string What)> _heard = [];
    private Region? _region;

    /// <param name="answered">False: it could not be reached, or was silent.</param>
    /// <param name="what">Its error, or why there is no answer.</param>
    public void Heard(Region region, ulong storeId, bool answered, string what)
    {
        lock (_gate)
        {
            if (_region?.Id != region.Id) _heard.Clear();
            _region = region;
            _heard[storeId] = (answered, what);
        }
    }

    /// <summary>A try that the call's own end cut short: it says nothing about a store that has been heard of.</summary>
    public void HeardNothingYet(Region region, ulong storeId, string what)
    {
        lock (_gate)
        {
            if (_region?.Id == region.Id && _heard.ContainsKey(storeId)) return;
        }

        Heard(region, storeId, answered: false, what);
    }

    /// <summary>No majority of the voters can be reached, as far as all of them were asked.</summary>
    public bool LacksQuorum
    {
        get
        {
            lock (_gate)
            {
                var voters = Voters();
                return voters.Count > 0 && voters.TrueForAll(_heard.ContainsKey)
                    && voters.Count(store => _heard[store].Answered) <= voters.Count / 2;
            }
        }
    }

    /// <summary>The region, its replicas, and who answered what.</summary>
    public string Describe()
    {
        lock (_gate)
        {
            if (_region is null) return "no replica was asked";
            var replicas = Voters().Select(store => !_heard.TryGetValue(store, out var heard) ? $"store {store} was not asked"
                : heard.Answered ? $"store {store} answered: {heard.What}"
                : $"store {store} did not answer: {heard.What}");
            return $"of its {Voters().Count} voters, {string.Join("; ", replicas)}";
        }
    }

    public override string ToString() => $"region {_region?.Id} has no {(LacksQuorum ? "quorum" : "leader that answers")} ({Describe()})";

    private List<ulong> Voters() => [.. _region?.Peers.Where(p => p.Role != PeerRole.Learner).Select(p => p.StoreId) ?? []];
}
