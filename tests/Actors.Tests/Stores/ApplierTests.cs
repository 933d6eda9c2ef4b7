using System.Collections;
using System.Threading.Channels;
using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Actors.Tests.Regions;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;
using Region = TiKvActors.Protocol.Metapb.Region;
using Request = TiKvActors.Protocol.RaftCmdpb.Request;

namespace TiKvActors.Actors.Tests.Stores;

public sealed class ApplierTests
{
    private static readonly RegionEpoch Epoch = new() { ConfVer = 1, Version = 1 };

    /// <summary>
    /// Invariant 3: rows and the applied index that covers them are written together, also if what comes next cannot be applied.
    /// </summary>
    [Fact]
    public async Task RowsThatShareABatchWithAFailureKeepTheirAppliedIndex()
    {
        var folder = Directory.CreateTempSubdirectory("applier");
        try
        {
            using var engines = StoreEngines.Open(folder.FullName);
            var system = ActorSystem.Create("applier");
            try
            {
                var applier = system.ActorOf(Applier.Props(engines.Data, 1 << 20, new StoreQueues()));
                var answers = Channel.CreateUnbounded<object>();
                var peer = system.ActorOf(Props.Create(() => new Recorder(answers.Writer)));
                var region = new Region { Id = 1, RegionEpoch = Epoch };
                var truncated = new RaftTruncatedState { Index = 5, Term = 5 };
                applier.Tell(new Applier.Register(peer, new RegionApplier(region, 11, 1, 5, truncated)));
                // The first application waits until all that follows is in the mailbox: so they come into one batch.
                using var gate = new ManualResetEventSlim();
                applier.Tell(new Applier.Apply(1, new GatedEntries(gate, [EntryOf(6, Requests.Put("a", "1"))])));
                var unknown = new Request { CmdType = CmdType.Invalid };
                applier.Tell(new Applier.Apply(1, [EntryOf(7, Requests.Put("b", "2")), EntryOf(8, unknown)]));
                applier.Tell(new Applier.Unregister(1), peer);
                gate.Set();

                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                Assert.IsType<Applier.Failed>(await answers.Reader.ReadAsync(patience.Token));
                Assert.IsType<Applier.Unregistered>(await answers.Reader.ReadAsync(patience.Token));
                using var snapshot = engines.Data.NewSnapshot();
                Assert.NotNull(snapshot.Get(ColumnFamily.Default, Requests.Bytes("a").Span));
                Assert.Null(snapshot.Get(ColumnFamily.Default, Requests.Bytes("b").Span));
                Assert.Equal(6ul, engines.Data.ReadApplyState(1)?.AppliedIndex);
            }
            finally
            {
                await system.Terminate();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The new peer's journal is synced: after a loss of power it must not be there without the region.</summary>
    [Fact]
    public void ASplitIsDurableBeforeItsRegionsPeerStarts()
    {
        var folder = Directory.CreateTempSubdirectory("applier");
        try
        {
            using var engines = StoreEngines.Open(folder.FullName);
            var region = new Region { Id = 1, RegionEpoch = Epoch, Peers = { new Protocol.Metapb.Peer { Id = 11, StoreId = 1 } } };
            var syncsWhenTold = new List<(ulong Applied, long Syncs)>();
            using var applier = new EntryApplier<string>(
                engines.Data, 1 << 20, (_, m) => syncsWhenTold.Add((((Applier.Applied)m).AppliedIndex, engines.Data.Syncs)), () => { },
                Akka.Event.NoLogger.Instance);
            applier.Register("peer", new RegionApplier(region, 11, 1, 5, new RaftTruncatedState { Index = 5, Term = 5 }));
            var before = engines.Data.Syncs;

            applier.Apply(1, [EntryOf(6, Requests.Put("a", "1"))]);
            applier.Write();
            applier.Apply(1, [SplitAt(7, "m")]);
            applier.Write();

            Assert.Equal([(6ul, before), (7ul, before + 1)], syncsWhenTold);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>What an entry put before one behind it failed is gone with it, for the next incarnation too.</summary>
    [Fact]
    public void ASplitThatWasRolledBackIsAppliedByTheNextIncarnation()
    {
        var folder = Directory.CreateTempSubdirectory("applier");
        try
        {
            using var engines = StoreEngines.Open(folder.FullName);
            var told = new List<object>();
            using var applier = new EntryApplier<string>(
                engines.Data, 1 << 20, (_, m) => told.Add(m), () => { }, Akka.Event.NoLogger.Instance);
            Register();
            var ofNoVersion = new Entry
            {
                Index = 7,
                Term = 6,
                EntryType = EntryType.EntryNormal,
                Data = Google.Protobuf.ByteString.CopyFrom(0xff)
            };
            applier.Apply(1, [SplitAt(6, "m"), ofNoVersion]);
            Assert.IsType<Applier.Failed>(Assert.Single(told));
            applier.Unregister(1);
            Register();
            applier.Apply(1, [SplitAt(6, "m")]);
            applier.Write();

            var split = Assert.IsType<ApplyEffect.Split>(Assert.Single(Assert.IsType<Applier.Applied>(told[1]).Effects));
            Assert.Equal(2ul, Assert.Single(split.Created).Id);

            void Register() => applier.Register("peer", new RegionApplier(
                new Region { Id = 1, RegionEpoch = Epoch.Clone(), Peers = { new Protocol.Metapb.Peer { Id = 11, StoreId = 1 } } },
                11, 1, 5, new RaftTruncatedState { Index = 5, Term = 5 }));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The new region came by a snapshot and was removed, then an old snapshot brought its rows with its parent's.</summary>
    [Fact]
    public void ASplitLeavesNoRowsOfAPartThatWasHereAndIsGone()
    {
        var store = new MemoryStore();
        var region = new Region { Id = 1, RegionEpoch = Epoch, Peers = { new Protocol.Metapb.Peer { Id = 11, StoreId = 1 } } };
        store.Put("", Requests.Bytes("a"), Requests.Bytes("1"));
        store.Put("", Requests.Bytes("z"), Requests.Bytes("2"));
        var gone = new Region { Id = 2, StartKey = Requests.Bytes("m"), RegionEpoch = new RegionEpoch { ConfVer = 2, Version = 2 } };
        store.PutRegionState(RegionState.Tombstone(gone, new Protocol.Metapb.Peer { Id = 12, StoreId = 1 }));

        var effects = new List<ApplyEffect>();
        new RegionApplier(region, 11, 1, 5, new RaftTruncatedState { Index = 5, Term = 5 }).Apply([SplitAt(6, "m")], store, effects);

        Assert.Empty(Assert.IsType<ApplyEffect.Split>(Assert.Single(effects)).Created);
        Assert.Equal([Requests.Bytes("a")], store.Data.Keys);
        Assert.Equal(PeerState.Tombstone, store.States[2].State);
    }

    private static Entry SplitAt(ulong index, string key) => EntryOf(index, new RaftCmdRequest
    {
        AdminRequest = new AdminRequest
        {
            CmdType = AdminCmdType.BatchSplit,
            Splits = new BatchSplitRequest
            {
                Requests = { new Protocol.RaftCmdpb.SplitRequest { SplitKey = Requests.Bytes(key), NewRegionId = 2, NewPeerIds = { 12 } } },
            },
        },
    });

    private static Entry EntryOf(ulong index, Request request) => EntryOf(index, new RaftCmdRequest { Requests = { request } });

    private static Entry EntryOf(ulong index, RaftCmdRequest command)
    {
        command.Header = new RaftRequestHeader { RegionId = 1, RegionEpoch = Epoch };
        return new Entry { Index = index, Term = 6, EntryType = EntryType.EntryNormal, Data = RaftCommandCodec.Encode(command) };
    }

    private sealed class Recorder(ChannelWriter<object> messages) : UntypedActor
    {
        protected override void OnReceive(object message) => Assert.True(messages.TryWrite(message));
    }

    private sealed class GatedEntries(ManualResetEventSlim gate, IReadOnlyList<Entry> entries) : IReadOnlyList<Entry>
    {
        public int Count => entries.Count;

        public Entry this[int index] => entries[index];

        public IEnumerator<Entry> GetEnumerator()
        {
            gate.Wait();
            return entries.GetEnumerator();
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
