using FsCheck;
using FsCheck.Fluent;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Snapshots;
using TiKvActors.Storage.Stores;
using MetaMember = TiKvActors.Protocol.Metapb.Peer;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>The meta group's entries through a store's applier into the real engine, and out of it again.</summary>
public sealed class MetaEngineTests : IDisposable
{
    private static readonly Region Meta = new()
    {
        Id = MetaRegion.Id,
        RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 },
        Peers = { new MetaMember { Id = 1, StoreId = 1 }, new MetaMember { Id = 2, StoreId = 2 } },
    };

    private static readonly Region Rows = new()
    {
        Id = 7,
        RegionEpoch = Meta.RegionEpoch,
        Peers = { new MetaMember { Id = 8, StoreId = 1 } },
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("meta-engine");

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Batches of any size, beside another region's rows, with the store closed and opened in between.</summary>
    [Fact]
    public void RandomHistoriesAreTheSameInTheEngine()
    {
        var runs = 0;
        var steps = MetaStep.Random.ListOf().Resize(60);
        var histories = steps.SelectMany(_ => Gen.Choose(1, 7), (list, batch) => (Steps: list.ToList(), Batch: batch)).ToArbitrary();
        var property = Prop.ForAll(histories, history => Run($"store-{++runs}", history.Steps, history.Batch));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(15), property);
    }

    private void Run(string name, List<MetaStep> steps, int batch)
    {
        var (model, memory) = (new MetaModel(), new MemoryMetaRows());
        var index = RegionState.InitialLogIndex;
        foreach (var part in steps.Chunk(Math.Max(1, steps.Count / 3)))
        {
            using var engines = Open(name);
            List<MetaResult> expected = [], found = [];
            using (var applier = Applier(engines.Data, index, found))
            {
                foreach (var (i, step) in part.Index())
                {
                    var command = model.ToCommand(step);
                    expected.Add(model.Execute(command));
                    MetaStateMachine.Execute(command, memory);
                    applier.Apply(MetaRegion.Id, [EntryOf(++index, new RaftCmdRequest { MetaCommand = command })]);
                    applier.Apply(Rows.Id, [RowOf(index)]);
                    if ((i + 1) % batch == 0)
                        applier.Write();
                }

                applier.Write();
            }

            Assert.Equal(expected, found);
            Assert.Equal(index, engines.Data.ReadApplyState(MetaRegion.Id)!.AppliedIndex);
        }

        using var reopened = Open(name);
        using var snapshot = reopened.Data.NewSnapshot();
        MetaAssert.Equal(model, new MetaSnapshotView(snapshot));
        Assert.Equal(memory.All, All(snapshot));
        Assert.Equal(index - RegionState.InitialLogIndex, RangeChecksum.OfRegion(snapshot, [], []).TotalKvs);
    }

    /// <summary>Everything of the group, and nothing but it, comes by a snapshot; rows of other regions stay where they are.</summary>
    [Fact]
    public void ASnapshotBringsTheGroupsRowsAndTouchesNoOthers()
    {
        using var sender = Open("sender");
        using var receiver = Open("receiver");
        var model = new MetaModel();
        var index = Fill(sender.Data, model, Gen.Sample(MetaStep.Random, 400));
        // What the receiver had before is gone afterwards.
        Fill(receiver.Data, new MetaModel(), Gen.Sample(MetaStep.Random, 40));
        var rows = ChecksumOfRows(receiver.Data);
        Assert.NotEqual(0ul, rows.TotalKvs);

        var at = new RaftTruncatedState { Index = index, Term = 6 };
        using (var reader = new RegionSnapshotReader(sender.Data, MetaRegion.Id))
        {
            using var staged = StagedSnapshot.Begin(receiver.Data, MetaRegion.Id, at.Index, at.Term);
            for (var chunk = 0ul; !staged.IsComplete; chunk++)
                staged.Add(reader.ReadChunk(chunk));
        }

        // The store's own start leaves what is staged for the group alone, and its state too.
        Assert.DoesNotContain(PeerStates.ReadAll(receiver.Data, 1).Peers, p => p.RegionId == MetaRegion.Id);
        Assert.DoesNotContain(PeerStates.Unstarted(receiver.Data, 1, new HashSet<ulong>()), p => p.RegionId == MetaRegion.Id);
        SnapshotInstallation.Record(receiver.Data, Meta, new ApplyingSnapshot { HardState = new HardState { Term = 6 }, Snapshot = at });
        using (var staged = StagedSnapshot.Find(receiver.Data, MetaRegion.Id, at.Index, at.Term)!)
            SnapshotInstallation.Finish(receiver.Data, MetaRegion.Id, staged);

        using var snapshot = receiver.Data.NewSnapshot();
        MetaAssert.Equal(model, new MetaSnapshotView(snapshot));
        using var original = sender.Data.NewSnapshot();
        Assert.Equal(All(original), All(snapshot));
        Assert.Equal(rows, ChecksumOfRows(receiver.Data));
        Assert.Equal(index, receiver.Data.ReadApplyState(MetaRegion.Id)!.AppliedIndex);
    }

    [Fact]
    public void TheGroupTakesNoRowsAndOtherRegionsNoCommandsOfTheGroup()
    {
        using var engines = Open("mixed");
        var told = new List<object>();
        using var applier = new EntryApplier<string>(engines.Data, 1 << 20, (_, m) => told.Add(m), () => { }, Akka.Event.NoLogger.Instance);
        applier.Register("meta", new RegionApplier(Meta, 1, 1, 5, new RaftTruncatedState()));
        applier.Register("rows", new RegionApplier(Rows, 8, 1, 5, new RaftTruncatedState()));
        applier.Apply(MetaRegion.Id, [EntryOf(6, new RaftCmdRequest { Requests = { Regions.Requests.Put("row", "value") } })]);
        var command = new MetaModel().ToCommand(new MetaStep(0, 0, 0, 1, 0));
        applier.Apply(Rows.Id, [EntryOf(6, new RaftCmdRequest { MetaCommand = command }, Rows.Id)]);
        applier.Write();
        Assert.Equal(2, told.OfType<Applier.Failed>().Count());
    }

    private StoreEngines Open(string name) => StoreEngines.Open(Path.Combine(_folder.FullName, name));

    private static ulong Fill(DataEngine engine, MetaModel model, IEnumerable<MetaStep> steps)
    {
        var index = RegionState.InitialLogIndex;
        using var applier = Applier(engine, index, []);
        foreach (var step in steps)
        {
            var command = model.ToCommand(step);
            model.Execute(command);
            applier.Apply(MetaRegion.Id, [EntryOf(++index, new RaftCmdRequest { MetaCommand = command })]);
            applier.Apply(Rows.Id, [RowOf(index)]);
        }

        applier.Write();
        return index;
    }

    private static EntryApplier<string> Applier(DataEngine engine, ulong appliedIndex, List<MetaResult> results)
    {
        using (var batch = engine.NewBatch())
        {
            batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = Meta });
            batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = Rows });
            engine.Write(batch);
        }

        var applier = new EntryApplier<string>(engine, 1 << 20, (_, told) =>
        {
            var applied = Assert.IsType<Applier.Applied>(told);
            results.AddRange(applied.Effects.Cast<ApplyEffect.Executed>().Select(e => e.Result));
        }, () => { }, Akka.Event.NoLogger.Instance);
        applier.Register("meta", new RegionApplier(Meta, 1, 1, appliedIndex, new RaftTruncatedState()));
        applier.Register("rows", new RegionApplier(Rows, 8, 1, appliedIndex, new RaftTruncatedState()));
        return applier;
    }

    private static RangeChecksum ChecksumOfRows(DataEngine engine)
    {
        using var snapshot = engine.NewSnapshot();
        return RangeChecksum.OfRegion(snapshot, [], []);
    }

    private static List<(string Key, string Value)> All(DataSnapshot snapshot)
    {
        var rows = new List<(string, string)>();
        using var cursor = snapshot.OpenCursor(ColumnFamily.Meta, [], []);
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            rows.Add((Convert.ToHexString(cursor.Key), Convert.ToHexString(cursor.Value)));
        return rows;
    }

    private static Entry RowOf(ulong index) =>
        EntryOf(index, new RaftCmdRequest { Requests = { Regions.Requests.Put($"row {index}", "value") } }, Rows.Id);

    private static Entry EntryOf(ulong index, RaftCmdRequest command, ulong regionId = MetaRegion.Id)
    {
        command.Header = new RaftRequestHeader { RegionId = regionId, RegionEpoch = Meta.RegionEpoch };
        return new Entry { Index = index, Term = 6, EntryType = EntryType.EntryNormal, Data = RaftCommandCodec.Encode(command) };
    }
}
