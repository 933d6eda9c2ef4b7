using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Tests.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;
using PeerMachine = TiKvActors.Actors.Regions.Peer;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Regions;

/// <summary>
/// Stores with pure peers on one thread: messages, journals and data in memory, time by hand. Everything that can be done is done at once,
/// unless a test cuts a store off or holds its journal.
/// </summary>
internal sealed class PeerCluster
{
    private readonly Dictionary<(ulong Store, ulong Region), Replica> _replicas = [];
    private readonly Queue<RaftMessage> _network = new();
    private readonly HashSet<ulong> _cutOff = [];
    private readonly HashSet<ulong> _heldJournals = [];
    private readonly Func<PeerConfig, PeerConfig> _configure;
    private int _seed = 1;

    public PeerCluster(int stores, Func<PeerConfig, PeerConfig>? configure = null, ulong regionId = 1)
    {
        _configure = configure ?? (c => c);
        var region = new Region { Id = regionId, RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 } };
        for (var i = 1; i <= stores; i++)
        {
            region.Peers.Add(new Protocol.Metapb.Peer { Id = 10 + (ulong)i, StoreId = (ulong)i });
            Stores[(ulong)i] = new MemoryStore();
        }

        foreach (var peer in region.Peers)
            Create(peer.StoreId, peer, region);
    }

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(10);

    public Dictionary<ulong, MemoryStore> Stores { get; } = [];

    public IEnumerable<Replica> Replicas => _replicas.Values;

    public Replica this[ulong store, ulong region] => _replicas[(store, region)];

    public bool Has(ulong store, ulong region) => _replicas.ContainsKey((store, region));

    public Replica LeaderOf(ulong region) =>
        _replicas.Values.Single(r => r.Peer.Region.Id == region && r.Peer.IsLeader && !_cutOff.Contains(r.StoreId));

    public bool HasLeader(ulong region) =>
        _replicas.Values.Any(r => r.Peer.Region.Id == region && r.Peer.IsLeader && !_cutOff.Contains(r.StoreId));

    public void CutOff(ulong store) => _cutOff.Add(store);

    public void Reconnect(ulong store) => _cutOff.Remove(store);

    public void HoldJournal(ulong store) => _heldJournals.Add(store);

    public void ReleaseJournal(ulong store) => _heldJournals.Remove(store);

    /// <summary>Ticks and runs until the region has a leader.</summary>
    public Replica Elect(ulong region = 1)
    {
        for (var i = 0; i < 200; i++)
        {
            if (HasLeader(region) && LeaderOf(region) is var leader && leader.Peer.AppliedIndex == leader.Peer.LastIndex)
                return leader;
            Tick();
        }

        throw new InvalidOperationException($"no leader of region {region} after 200 ticks");
    }

    public void Tick(int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            Now += TimeSpan.FromMilliseconds(100);
            foreach (var replica in _replicas.Values.ToList())
                replica.Peer.Tick(Now);
            Run();
        }
    }

    public void Submit(Replica replica, params RegionRequest[] requests)
    {
        foreach (var request in requests)
            replica.Peer.Submit(request, Now);
        Run();
    }

    /// <summary>A crash: what was not in the journal or in the store is gone.</summary>
    public Replica Restart(ulong store, ulong region)
    {
        var old = _replicas[(store, region)];
        return _replicas[(store, region)] = new Replica(
            this, store, old.Peer.Self, Stores[store].States[region].Region, old.Journal, NextRandom());
    }

    public void Run()
    {
        var busy = true;
        while (busy)
        {
            busy = false;
            foreach (var replica in _replicas.Values.ToList())
                busy |= replica.Work();
            for (var n = _network.Count; n > 0; n--, busy = true)
                Deliver(_network.Dequeue());
        }
    }

    private Random NextRandom() => new(_seed++);

    private void Create(ulong store, Protocol.Metapb.Peer self, Region region)
    {
        Stores[store].PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = region });
        Stores[store].PutApplyState(region.Id, RegionState.InitialApplyState());
        _replicas[(store, region.Id)] = new Replica(this, store, self, region, new MemoryJournal(), NextRandom());
    }

    private void Deliver(RaftMessage message)
    {
        var (from, to) = (message.FromPeer.StoreId, message.ToPeer.StoreId);
        if (_cutOff.Contains(from) || _cutOff.Contains(to))
            return;
        // What crosses a wire is a copy.
        message = RaftMessage.Parser.ParseFrom(message.ToByteArray());
        if (!_replicas.TryGetValue((to, message.RegionId), out var replica))
        {
            if (message.IsTombstone || message.Message is null || !PeerMachine.MayCreatePeer(message.Message)
                || Stores[to].States.ContainsKey(message.RegionId))
                return;
            replica = _replicas[(to, message.RegionId)] = new Replica(
                this, to, message.ToPeer, new Region { Id = message.RegionId }, new MemoryJournal(), NextRandom());
        }

        replica.Peer.Step(message, Now);
    }

    internal sealed class MemoryJournal
    {
        public List<(long SequenceNr, RaftAdvanced Event)> Events { get; } = [];

        public RaftTruncated? Snapshot { get; set; }

        public long LastSequenceNr { get; set; }
    }

    /// <summary>The shell of one peer.</summary>
    internal sealed class Replica
    {
        private readonly PeerCluster _cluster;
        private readonly Queue<RaftAdvanced> _persisting = new();
        private RegionApplier? _applier;

        public Replica(PeerCluster cluster, ulong store, Protocol.Metapb.Peer self, Region region, MemoryJournal journal, Random random)
        {
            _cluster = cluster;
            StoreId = store;
            Journal = journal;
            var initialized = region.Peers.Count > 0;
            var memory = cluster.Stores[store];
            var entries = new List<Entry>();
            var segments = new LogSegments();
            var hardState = journal.Snapshot?.HardState;
            foreach (var (sequenceNr, advanced) in journal.Events)
            {
                hardState = advanced.HardState;
                if (advanced.Entries.Count == 0)
                    continue;
                entries.RemoveAll(e => e.Index >= advanced.Entries[0].Index);
                entries.AddRange(advanced.Entries);
                segments.Append(advanced.Entries, sequenceNr);
            }

            var truncated = journal.Snapshot?.Index ?? (initialized ? RegionState.InitialLogIndex : 0);
            entries.RemoveAll(e => e.Index <= truncated);
            segments.TruncateTo(truncated);
            var neverRan = hardState is null;
            hardState ??= initialized
                ? new HardState { Term = RegionState.InitialLogTerm, Commit = RegionState.InitialLogIndex }
                : new HardState();
            var config = cluster._configure(
                new PeerConfig { StoreId = store, Raft = new RaftConfig { Id = 1, MaxPendingBytes = 64 << 20 } });
            Peer = new PeerMachine(config, new PeerInitialState
            {
                Region = region,
                Self = self,
                AppliedIndex = initialized ? memory.Applied[region.Id].AppliedIndex : 0,
                HardState = hardState,
                TruncatedIndex = truncated,
                TruncatedTerm = journal.Snapshot?.Term ?? (initialized ? RegionState.InitialLogTerm : 0),
                Entries = entries,
                Segments = segments,
                LastSequenceNr = journal.LastSequenceNr,
                NeverRan = neverRan,
            }, random, cluster.Now);
            if (initialized)
                _applier = new RegionApplier(
                    region, self.Id, store, memory.Applied[region.Id].AppliedIndex, memory.Applied[region.Id].TruncatedState);
        }

        public ulong StoreId { get; }

        public PeerMachine Peer { get; }

        public MemoryJournal Journal { get; }

        public List<PeerOutput> Outputs { get; } = [];

        public bool IsDestroyed { get; private set; }

        /// <summary>Set by a test that wants to see entries handed out before they are applied.</summary>
        public bool HoldApply { get; set; }

        /// <summary>Set by a test whose disk is slow: syncs that were asked for are in <see cref="HeldSyncs"/>.</summary>
        public bool HoldSyncs { get; set; }

        public List<long> HeldSyncs { get; } = [];

        private readonly Queue<IReadOnlyList<Entry>> _held = new();

        private MemoryStore Memory => _cluster.Stores[StoreId];

        public bool Work()
        {
            if (IsDestroyed)
                return false;
            var worked = PersistNext();
            if (!HoldApply)
            {
                while (_held.TryDequeue(out var entries))
                {
                    Apply(entries);
                    worked = true;
                }
            }

            if (!Peer.HasOutput)
                return worked;
            var output = Peer.TakeOutput(_cluster.Now);
            foreach (var message in output.Messages)
                _cluster._network.Enqueue(message);
            if (output.Persist is { } advanced)
                _persisting.Enqueue(advanced);
            if (output.Apply.Count > 0)
                _held.Enqueue(output.Apply);
            foreach (var read in output.Reads)
                ((TestRead)read.Request).Serve(Memory);
            foreach (var swap in output.CompareAndSwapReads)
                Peer.CompareAndSwapRead(swap, Memory.Data.GetValueOrDefault(swap.Key));
            foreach (var reply in output.Replies)
                reply.Deliver();
            foreach (var read in output.LogReads)
                Peer.ProvideEntries(read.Read, ReadLog(read));
            foreach (var request in output.SnapshotRequests)
                Peer.ProvideSnapshot(request.To, Memory.States[Peer.Region.Id].Region, Memory.Applied[Peer.Region.Id].AppliedIndex);
            if (output.PullSnapshot is { } announced)
                Peer.SnapshotStaged(announced, _cluster.Now);
            if (output.Install is { } install)
                Install(install);
            if (output.SyncData is { } sync && HoldSyncs)
                HeldSyncs.Add(sync);
            else if (output.SyncData is { } now)
                Peer.DataSynced(now);
            if (output.Truncate is { } truncate)
                Truncate(truncate);
            foreach (var split in output.SplitIdsWanted)
                GiveIds(split);
            foreach (var split in output.Splits)
                StartCreated(split);
            if (output.GiveUp)
                _cluster._replicas.Remove((StoreId, Peer.Region.Id));
            if (output.Destroy)
            {
                IsDestroyed = true;
                Memory.States[Peer.Region.Id] = new RegionLocalState { State = PeerState.Tombstone, Region = Peer.Region };
                _cluster._replicas.Remove((StoreId, Peer.Region.Id));
            }

            return true;
        }

        private bool PersistNext()
        {
            if (_cluster._heldJournals.Contains(StoreId) || !_persisting.TryDequeue(out var advanced))
                return false;
            // What the journal holds is what was said when it was asked.
            Journal.Events.Add((++Journal.LastSequenceNr, RaftAdvanced.Parser.ParseFrom(advanced.ToByteArray())));
            Peer.Persisted(Journal.LastSequenceNr, _cluster.Now);
            return true;
        }

        private void Apply(IReadOnlyList<Entry> entries)
        {
            var effects = new List<ApplyEffect>();
            _applier!.Apply(entries, Memory, effects);
            _applier.WriteApplied(Memory);
            Peer.Applied(_applier.AppliedIndex, effects, _cluster.Now);
        }

        private List<Entry> ReadLog(LogReadTask task)
        {
            var entries = new List<Entry>();
            foreach (var (_, advanced) in Journal.Events.Where(
                e => e.SequenceNr >= task.FromSequenceNr && e.SequenceNr <= task.ToSequenceNr && e.Event.Entries.Count > 0))
            {
                entries.RemoveAll(e => e.Index >= advanced.Entries[0].Index);
                entries.AddRange(advanced.Entries.Where(e => e.Index >= task.Read.FirstIndex && e.Index <= task.Read.LastIndex));
            }

            return entries;
        }

        private void Install(InstallTask install)
        {
            var from = _cluster.Stores[install.Message.FromPeer.StoreId];
            Memory.DeleteRange("", install.Region.StartKey, install.Region.EndKey);
            foreach (var (key, value) in from.Data.Where(d => KeyRange.Contains(install.Region, d.Key)))
                Memory.Data[key] = value;
            var apply = new RaftApplyState { AppliedIndex = install.Record.Snapshot.Index, TruncatedState = install.Record.Snapshot };
            Memory.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = install.Region });
            Memory.PutApplyState(install.Region.Id, apply);
            Journal.Events.Clear();
            Journal.Snapshot = new RaftTruncated
            {
                HardState = install.Record.HardState,
                Index = install.Record.Snapshot.Index,
                Term = install.Record.Snapshot.Term
            };
            _applier = new RegionApplier(install.Region, Peer.Self.Id, StoreId, apply.AppliedIndex, apply.TruncatedState);
            _held.Clear();
            Peer.Installed(install.Region, Journal.LastSequenceNr, _cluster.Now);
        }

        private void Truncate(TruncateTask task)
        {
            Journal.Snapshot = task.Snapshot;
            Journal.Events.RemoveAll(e => e.SequenceNr <= task.SequenceNr);
            Peer.Truncated();
        }

        private void GiveIds(SplitRequest split)
        {
            var ids = split.SplitKeys.Select(_ =>
            {
                var id = _cluster._nextId;
                _cluster._nextId += 1 + (ulong)Peer.Region.Peers.Count;
                return new Protocol.Pdpb.SplitID
                {
                    NewRegionId = id,
                    NewPeerIds = { Enumerable.Range(1, Peer.Region.Peers.Count).Select(n => id + (ulong)n) }
                };
            }).ToList();
            Peer.ProposeSplit(split, ids);
        }

        private void StartCreated(SplitTask split)
        {
            foreach (var region in split.Created)
            {
                var self = region.Peers.Single(p => p.StoreId == StoreId);
                var replica = _cluster._replicas[(StoreId, region.Id)] = new Replica(
                    _cluster, StoreId, self, region, new MemoryJournal(), _cluster.NextRandom());
                if (split.Campaign)
                    replica.Peer.Campaign(_cluster.Now);
            }
        }
    }

    private ulong _nextId = 1000;
}

/// <summary>A store's data engine.</summary>
internal sealed class MemoryStore : IRegionBatch
{
    public SortedDictionary<ByteString, ByteString> Data { get; } = new(Comparer<ByteString>.Create(KeyRange.Compare));

    public Dictionary<ulong, RegionLocalState> States { get; } = [];

    public Dictionary<ulong, RaftApplyState> Applied { get; } = [];

    public void Put(string cf, ByteString key, ByteString value) => Data[key] = value;

    public void Delete(string cf, ByteString key) => Data.Remove(key);

    public void DeleteRange(string cf, ByteString startKey, ByteString endKey)
    {
        foreach (var key in Data.Keys.Where(k => KeyRange.Compare(k, startKey) >= 0 && (endKey.IsEmpty || KeyRange.Compare(k, endKey) < 0))
            .ToList())
            Data.Remove(key);
    }

    public void DeleteData(Region region) => DeleteRange("", region.StartKey, region.EndKey);

    public void PutRegionState(RegionLocalState state) => States[state.Region.Id] = state;

    public void PutApplyState(ulong regionId, RaftApplyState state) => Applied[regionId] = state;

    public RegionLocalState? ReadRegionState(ulong regionId) => States.GetValueOrDefault(regionId);

    public MemoryMetaRows Meta { get; } = new();

    IMetaRows IRegionBatch.Meta => Meta;
}
