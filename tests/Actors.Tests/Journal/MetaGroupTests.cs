using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errors;
using TiKvActors.Storage;
using Command = TiKvActors.Protocol.MetaCommand.Types;
using Query = TiKvActors.Protocol.MetaQuery.Types;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>Nodes with real remoting and directories, which are members of the meta group.</summary>
public sealed class MetaGroupTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly MetaNodes _nodes = new("""
        tikv.region.log-compaction-threshold = 16 KiB
        tikv.region.log-limit = 64 KiB
        """);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    /// <summary>The very first start needs every member, later ones any majority. What was acknowledged is there whoever is away.</summary>
    [Fact]
    public async Task AnyMajorityGoesOnOnceAllHaveMet()
    {
        var (one, two, three) = (_nodes[0], _nodes[1], _nodes[2]);
        one.Start();
        two.Start();
        await Eventually.TrueAsync(() => Recorded(one) == 1 && Recorded(two) == 1, "two members have met");
        foreach (var node in new[] { one, two })
            Assert.Equal(RegionErrorKind.RegionNotInitialized, (await AskAsync(node, Append(1, "A"))).Error.Kind());
        three.Start();
        Assert.NotNull((await DoAsync(Append(1, "A"))).Result.Done);
        foreach (var unknown in new[] { new MetaRequest { Command = new MetaCommand() }, new MetaRequest { Query = new MetaQuery() } })
            Assert.Contains("does not know", (await AskAsync(await LeaderAsync(), unknown)).Error.Message, StringComparison.Ordinal);

        for (var n = 2; n <= 4; n++)
        {
            var leader = await LeaderAsync();
            await leader.StopAsync();
            // It may have been tried before: then it is a duplicate.
            Assert.NotNull((await DoAsync(Append(n, "A"))).Result.Done);
            Assert.Equal("A", (await DoAsync(Append(n, "B"))).Result.Fenced.Writer);
            leader.Start();
        }

        await _nodes.StopAsync();
        three.Start();
        two.Start();
        Assert.Equal([1, 2, 3, 4], (await DoAsync(ReadAll())).Answer.Events.Select(e => e.SequenceNr));
        one.Start();
        await AllAreEqualAsync();
    }

    [Fact]
    public async Task AMemberThatIsFarBehindGetsASnapshot()
    {
        _nodes.Start();
        await DoAsync(Append(1, "A"));
        var leader = await LeaderAsync();
        var lagging = _nodes.First(n => n != leader);
        var last = (await StatusAsync(lagging))!.LastIndex;
        await lagging.StopAsync();
        var written = 1;
        await Eventually.TrueAsync(
            async () =>
            {
                await DoAsync(Append(++written, "A", 8 << 10));
                return (await StatusAsync(leader))!.TruncatedIndex > last;
            },
            "the log is compacted past what the lagging member has");
        lagging.Start();
        await AllAreEqualAsync();
        Assert.Equal(written, (await DoAsync(ReadAll())).Answer.HighestSequenceNr);
    }

    [Fact]
    public async Task AMemberWhoseDirectoryWasLostIsRefused()
    {
        _nodes.Start();
        await DoAsync(Append(1, "A"));
        var lost = _nodes[2];
        await lost.StopAsync();
        Directory.Delete(lost.DataDirectory, true);
        lost.Start();
        await Eventually.TrueAsync(() => lost.Log.Of("TKA404").Count > 0, "the lost member hears that it is refused");
        Assert.All(lost.Log.Of("TKA404"), line => Assert.Contains("another directory", line));
        Assert.Equal(RegionErrorKind.RegionNotInitialized, (await AskAsync(lost, Append(2, "A"))).Error.Kind());
        Assert.NotNull((await DoAsync(Append(2, "A"))).Result.Done);
    }

    private static int Recorded(TestNode node) => node.Tikv.Engines?.MetaMembership?.Recorded.Count ?? 0;

    private static MetaRequest Append(long sequenceNr, string writer, int bytes = 1)
    {
        var e = new MetaEvent { SequenceNr = sequenceNr, Writer = writer, Payload = ByteString.CopyFrom(new byte[bytes]) };
        var append = new Command.AppendEvents { PersistenceId = "pd", Events = { e } };
        return new MetaRequest { Command = new MetaCommand { AppendEvents = append } };
    }

    private static MetaRequest ReadAll()
    {
        var read = new Query.ReadEvents { PersistenceId = "pd", ToSequenceNr = long.MaxValue, MaxEvents = 1000, MaxBytes = 1 << 20 };
        return new MetaRequest { Query = new MetaQuery { ReadEvents = read } };
    }

    private static Task<MetaResponse> AskAsync(TestNode node, MetaRequest request)
    {
        request.TimeoutMillis = (ulong)Patience.TotalMilliseconds;
        return node.System.ActorSelection("/user/tikv/meta").Ask<MetaResponse>(request, Patience);
    }

    /// <summary>Asks one running member after the other until one has an answer.</summary>
    private Task<MetaResponse> DoAsync(MetaRequest request) => Eventually.NotNullAsync(async () =>
    {
        foreach (var node in _nodes.Where(n => n.IsRunning && n.Tikv.Engines is not null))
        {
            if (await AskAsync(node, request) is { Error: null } response)
                return response;
        }

        return null;
    }, "a member answers");

    private Task<TestNode> LeaderAsync() => Eventually.NotNullAsync(async () =>
    {
        foreach (var node in _nodes.Where(n => n.IsRunning))
        {
            if (await StatusAsync(node) is { } status && status.Leader?.Id == status.Self.Id)
                return node;
        }

        return null;
    }, "a member leads");

    /// <summary>Null while the member does not run.</summary>
    private static async Task<RegionPeer.Status?> StatusAsync(TestNode node)
    {
        try
        {
            var path = $"/user/tikv/meta/region-{MetaRegion.Id}-{node.Number}";
            var peer = await node.System.ActorSelection(path).ResolveOne(TimeSpan.FromSeconds(5));
            return await peer.Ask<RegionPeer.Status>(RegionPeer.GetStatus.Instance, TimeSpan.FromSeconds(5));
        }
        catch (Exception e) when (e is ActorNotFoundException or AskTimeoutException)
        {
            return null;
        }
    }

    private Task AllAreEqualAsync() => Eventually.TrueAsync(
        () =>
        {
            var rows = _nodes.Select(Rows).ToList();
            return rows[0] is not null && rows.All(r => r == rows[0]);
        },
        "all members have the same rows at the same applied index");

    private static string? Rows(TestNode node)
    {
        if (node.Tikv.Engines is not { } engines)
            return null;
        using var snapshot = engines.Data.NewSnapshot();
        if (snapshot.ReadRegionState(MetaRegion.Id) is not { State: Protocol.RaftServerpb.PeerState.Normal })
            return null;
        var text = new System.Text.StringBuilder($"{snapshot.ReadApplyState(MetaRegion.Id)!.AppliedIndex}");
        using var cursor = snapshot.OpenCursor(ColumnFamily.Meta, [], []);
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            text.Append(Convert.ToHexString(cursor.Key)).Append('=').Append(Convert.ToHexString(cursor.Value)).Append(' ');
        return text.ToString();
    }
}
