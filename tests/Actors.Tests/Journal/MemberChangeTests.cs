using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Stores;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Actors.Tests.Placement;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using Command = TiKvActors.Protocol.MetaCommand.Types;
using Role = TiKvActors.Protocol.MetaMembersResponse.Types.Role;
using Verdict = TiKvActors.Protocol.MetaMembersResponse.Types.Verdict;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>Members are added, replaced and removed while the group is used; nodes with real remoting and directories.</summary>
public sealed class MemberChangeTests : IAsyncLifetime
{
    private const string Config = """
        tikv.region.log-compaction-threshold = 16 KiB
        tikv.region.log-limit = 64 KiB
        tikv.meta.member-check-interval = 100ms
        """;

    private MetaNodes _nodes = new(Config);
    private long _written;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    /// <summary>It waits until it is added, has what was written before, and a majority is counted with it.</summary>
    [Fact]
    public async Task AFourthMemberIsAddedWhileWritesAndPdGoOn()
    {
        _nodes[0].RunsPd = true;
        _nodes.Start();
        await WriteAsync(_nodes[0], 5);
        var pd = _nodes[0].System.ActorSelection("/user/tikv/pd");
        var cluster = await pd.ClusterIdAsync();
        var four = _nodes.Add(4);
        four.Start();
        await Eventually.TrueAsync(() => four.Log.Of("TKA421").Count > 0, "the new node is told to wait");
        Assert.Contains($"./tkv ctl member add 4 {four.Tikv.Address}", four.Log.Of("TKA421")[0], StringComparison.Ordinal);
        Assert.False(four.Tikv.Engines!.MetaMembership!.Added);

        var add = MemberTableTests.Add(4, four.Tikv.Address);
        Assert.Equal(Verdict.Accepted, (await AskAsync(_nodes[1], add)).Verdict);
        await BecomesAsync(4, Role.Voter, async () =>
        {
            await WriteAsync(_nodes[2], 1);
            await pd.AllocateIdAsync(cluster);
        });
        // Whoever is asked, and again.
        var again = await AskAsync(four, add);
        Assert.Equal((Verdict.Accepted, 4), (again.Verdict, again.Members.Count));
        Assert.Equal([true, true, true, true], again.Members.Select(m => m.Listed));
        Assert.Equal([true, true, true, false], (await AskAsync(_nodes[0], add)).Members.Select(m => m.Listed));
        await WriteAsync(four, 1);
        await AllAreEqualAsync(_nodes);

        // Three of four.
        await _nodes[2].StopAsync();
        await WriteAsync(four, 1);
        await pd.AllocateIdAsync(cluster);
    }

    [Fact]
    public async Task TheLeaderIsRemovedAndItsNodeGoesOnWithoutIt()
    {
        _nodes.Start();
        await WriteAsync(_nodes[0], 3);
        var leader = await LeaderAsync();
        var id = (ulong)leader.Number;
        Assert.Equal(Verdict.Accepted, (await AskAsync(leader, MemberTableTests.Remove(id))).Verdict);
        await BecomesAsync(id, Role.Removed, () => WriteAsync(leader, 1));
        await Eventually.TrueAsync(
            () => State(leader) is PeerState.Tombstone && leader.Log.Of("TKA425").Count > 0, "the removed member has gone");
        await WriteAsync(leader, 1);
        await leader.StopAsync();
        leader.Start();
        // It finds the others, and nobody makes it a member again.
        await WriteAsync(leader, 1);
        await Eventually.TrueAsync(() => leader.Log.Of("TKA425").Count > 1, "it says once more that it was removed");
        Assert.Equal(PeerState.Tombstone, State(leader));
        var again = await AskAsync(leader, MemberTableTests.Add(id, leader.Tikv.Address));
        Assert.Contains("never comes back", again.Why, StringComparison.Ordinal);
        Assert.Equal(Verdict.NotFound, (await AskAsync(leader, MemberTableTests.Remove(9))).Verdict);

        // Two are left, and both are needed.
        var away = _nodes.First(n => n != leader && n.IsRunning);
        await away.StopAsync();
        var last = _nodes.First(n => n != leader && n.IsRunning);
        await Eventually.TrueAsync(
            async () => (await AskAsync(last, MemberTableTests.Remove((ulong)away.Number))).Verdict == Verdict.Unknown,
            "there is no majority");
    }

    /// <summary>With the same id it is refused for ever; another one takes its place, at its address.</summary>
    [Fact]
    public async Task AMemberWhoseDirectoryWasLostIsReplaced()
    {
        _nodes.Start();
        await WriteAsync(_nodes[0], 3);
        var lost = _nodes[2];
        await lost.StopAsync();
        Directory.Delete(lost.DataDirectory, true);
        await Eventually.TrueAsync(
            async () => (await ListAsync(_nodes[0]))?.Single(m => m.Id == 3).Answers == false, "the lost member is missed");
        var refused = await AskAsync(_nodes[0], MemberTableTests.Remove(2));
        Assert.Equal(Verdict.Refused, refused.Verdict);
        Assert.Contains("no majority would be left", refused.Why, StringComparison.Ordinal);

        var four = _nodes.Add(4, port: lost.Port);
        var address = $"127.0.0.1:{lost.Port}";
        Assert.Equal(Verdict.Accepted, (await AskAsync(_nodes[1], MemberTableTests.Replace(3, 4, address))).Verdict);
        four.Start();
        await BecomesAsync(3, Role.Removed, () => WriteAsync(_nodes[0], 1));
        await BecomesAsync(4, Role.Voter, () => WriteAsync(four, 1));
        await _nodes[0].StopAsync();
        await WriteAsync(four, 1);
        _nodes[0].Start();
        await AllAreEqualAsync([_nodes[0], _nodes[1], four]);

        // The new one's directory is lost as well.
        await four.StopAsync();
        Directory.Delete(four.DataDirectory, true);
        four.Start();
        await Eventually.TrueAsync(() => four.Log.Of("TKA404").Count > 0, "the lost member hears that it is refused");
        Assert.Contains("./tkv ctl member replace 4", four.Log.Of("TKA404")[0], StringComparison.Ordinal);
        Assert.Null(State(four));
        await WriteAsync(_nodes[0], 1);
    }

    /// <summary>
    /// Of the first configuration one is left, and it is stopped, too: those that were added are a majority, and everybody finds them with
    /// the lists of the first day.
    /// </summary>
    [Fact]
    public async Task WithTheOldListsEverybodyFindsTheNewGroup()
    {
        _nodes.Start();
        await WriteAsync(_nodes[0], 3);
        var (four, five, user) = (_nodes.Add(4), _nodes.Add(5), _nodes.Add(6, isMember: false));
        foreach (var node in new[] { four, five, user })
        {
            node.Start();
            await node.Tikv.Started;
        }

        foreach (var (old, next) in new[] { (_nodes[0], four), (_nodes[1], five) })
        {
            var replace = MemberTableTests.Replace((ulong)old.Number, (ulong)next.Number, next.Tikv.Address);
            Assert.Equal(Verdict.Accepted, (await AskAsync(user, replace)).Verdict);
            await BecomesAsync((ulong)next.Number, Role.Voter, () => WriteAsync(user, 1));
            await BecomesAsync((ulong)old.Number, Role.Removed, () => WriteAsync(user, 1));
            await old.StopAsync();
        }

        await WriteAsync(user, 1);
        await Eventually.TrueAsync(
            () => File.Exists(Path.Combine(user.DataDirectory, "members")) && MetaClient.Get(user.System).Members.All(m => m.Id >= 3),
            "the node that only uses the group knows its members");
        await _nodes.StopAsync();
        foreach (var node in new[] { four, five, user })
        {
            node.Config = _nodes.Config;
            node.Start();
        }

        await WriteAsync(user, 1);
        await WriteAsync(four, 1);
        await AllAreEqualAsync([four, five]);
        var seen = await Eventually.NotNullAsync(() => ListAsync(user), "the group says whom it has");
        Assert.Equal([Role.Removed, Role.Removed, Role.Voter, Role.Voter, Role.Voter], seen.Select(m => m.Role));
        _nodes[2].Start();
        await AllAreEqualAsync([_nodes[2], four, five]);
    }

    [Fact]
    public async Task TheOnlyMemberIsReplaced()
    {
        await _nodes.DisposeAsync();
        _nodes = new MetaNodes(Config, members: 1);
        _nodes.Start();
        await WriteAsync(_nodes[0], 3);
        Assert.Contains("last voter", (await AskAsync(_nodes[0], MemberTableTests.Remove(1))).Why, StringComparison.Ordinal);
        var two = _nodes.Add(2);
        two.Start();
        Assert.Equal(Verdict.Accepted, (await AskAsync(_nodes[0], MemberTableTests.Replace(1, 2, two.Tikv.Address))).Verdict);
        await BecomesAsync(1, Role.Removed, () => WriteAsync(_nodes[0], 1));
        await _nodes[0].StopAsync();
        await WriteAsync(two, 1);
        await two.StopAsync();
        two.Start();
        await WriteAsync(two, 1);
    }

    /// <summary>By two operators at once, while writes go on; five bear the loss of any two.</summary>
    [Fact]
    public async Task FromThreeMembersToFiveAndBack()
    {
        _nodes.Start();
        await WriteAsync(_nodes[0], 3);
        var (four, five) = (_nodes.Add(4), _nodes.Add(5));
        four.Start();
        // It is known before it has begun.
        var added = await Task.WhenAll(
            AskAsync(_nodes[1], MemberTableTests.Add(4, four.Tikv.Address)),
            AskAsync(_nodes[2], MemberTableTests.Add(5, $"127.0.0.1:{five.Port}")));
        Assert.All(added, a => Assert.Equal(Verdict.Accepted, a.Verdict));
        await BecomesAsync(4, Role.Voter, () => WriteAsync(_nodes[0], 1));
        five.Start();
        await BecomesAsync(5, Role.Voter, () => WriteAsync(_nodes[0], 1));
        await AllAreEqualAsync(_nodes);
        foreach (var away in new[] { new[] { _nodes[0], four }, [five, _nodes[1]] })
        {
            await Task.WhenAll(away.Select(n => n.StopAsync()));
            await WriteAsync(_nodes[2], 2);
            foreach (var node in away)
                node.Start();
        }

        await AllAreEqualAsync(_nodes);
        await Eventually.TrueAsync(
            async () => await ListAsync(four) is { } list && list.All(m => m.Answers), "the leader has heard from all of them");
        // Whoever leads.
        var removed = await Task.WhenAll(
            AskAsync(four, MemberTableTests.Remove(4)),
            AskAsync(_nodes[0], MemberTableTests.Remove(5)),
            AskAsync(five, MemberTableTests.Remove(5)));
        Assert.All(removed, r => Assert.Equal((Verdict.Accepted, ""), (r.Verdict, r.Why)));
        await BecomesAsync(4, Role.Removed, () => WriteAsync(four, 1));
        await BecomesAsync(5, Role.Removed, () => WriteAsync(five, 1));
        await AllAreEqualAsync(_nodes.Take(3));
        await _nodes[1].StopAsync();
        await WriteAsync(four, 1);
    }

    /// <summary>It was admitted, and has no data yet: its node opens its engines anew, again and again.</summary>
    [Fact]
    public async Task AMemberThatFailsRightAfterItsAdmissionGoesOnWhereItWas()
    {
        _nodes.Start();
        await WriteAsync(_nodes[0], 3);
        var four = _nodes.Add(4);
        four.Start();
        await four.Tikv.Started;
        var failures = 0;
        four.Tikv.FailPoints.Set(StoreFailPoints.BeforePeerCreation, () =>
        {
            Interlocked.Increment(ref failures);
            throw new IOException("the test's");
        });
        Assert.Equal(Verdict.Accepted, (await AskAsync(_nodes[0], MemberTableTests.Add(4, four.Tikv.Address))).Verdict);
        await Eventually.TrueAsync(() => Volatile.Read(ref failures) >= 2, "it has failed with and without having failed before");
        Assert.Equal(Role.Learner, (await ListAsync(_nodes[0]))!.Single(m => m.Id == 4).Role);
        four.Tikv.FailPoints.Clear(StoreFailPoints.BeforePeerCreation);
        await BecomesAsync(4, Role.Voter, () => WriteAsync(_nodes[0], 1));
        await AllAreEqualAsync(_nodes);
    }

    /// <summary>A node that moves tells the others.</summary>
    [Fact]
    public async Task AMemberThatComesBackUnderAnotherAddressIsFound()
    {
        _nodes.Start();
        await WriteAsync(_nodes[0], 1);
        var four = _nodes.Add(4);
        four.Start();
        Assert.Equal(Verdict.Accepted, (await AskAsync(_nodes[0], MemberTableTests.Add(4, four.Tikv.Address))).Verdict);
        await BecomesAsync(4, Role.Voter, () => WriteAsync(_nodes[0], 1));
        await four.StopAsync();
        var moved = _nodes.Add(4);
        moved.Start();
        await Eventually.TrueAsync(
            async () => (await ListAsync(_nodes[1]))?.Single(m => m.Id == 4) is { Answers: true } member
                && member.Address == moved.Tikv.Address,
            "the others find it");
        await WriteAsync(moved, 1);
        await AllAreEqualAsync([_nodes[0], _nodes[1], _nodes[2], moved]);
    }

    /// <summary>Appends events one by one, by way of a node. Whoever leads, nothing is lost, fenced or doubled.</summary>
    private async Task WriteAsync(TestNode by, int events)
    {
        for (var i = 0; i < events; i++)
        {
            var e = new MetaEvent { SequenceNr = ++_written, Writer = "A", Payload = ByteString.CopyFrom(new byte[4 << 10]) };
            var append = new MetaCommand { AppendEvents = new Command.AppendEvents { PersistenceId = "x", Events = { e } } };
            while (true)
            {
                try
                {
                    await MetaClient.Get(by.System).ExecuteAsync("x", append);
                    break;
                }
                catch (MetaGroupException failure) when (failure is not FencedException)
                {
                    // What became of it is unknown; once more it is a duplicate.
                }
            }
        }
    }

    private static Task<MetaMembersResponse> AskAsync(TestNode node, MetaMembersRequest request) => Eventually.NotNullAsync(
        async () =>
        {
            try
            {
                return await node.System.ActorSelection("/user/tikv/members").Ask<MetaMembersResponse>(request, TimeSpan.FromSeconds(20));
            }
            catch (AskTimeoutException)
            {
                return null;
            }
        },
        "the node answers");

    /// <summary>Null while the group does not answer.</summary>
    private static async Task<IReadOnlyList<MetaMembersResponse.Types.Member>?> ListAsync(TestNode node) =>
        await AskAsync(node, new MetaMembersRequest { List = new MetaMembersRequest.Types.List() }) is { Verdict: Verdict.Accepted } list
            ? list.Members
            : null;

    /// <param name="meanwhile">Again and again.</param>
    private async Task BecomesAsync(ulong id, Role role, Func<Task> meanwhile)
    {
        var last = "";
        await Eventually.TrueAsync(
            async () =>
            {
                await meanwhile();
                var members = await ListAsync(_nodes.Running.First());
                last = members is null ? "no answer" : string.Join(", ", members.Select(m => $"{m.Id} {m.Role} {m.Behind}"));
                return members?.Any(m => m.Id == id && m.Role == role) == true;
            },
            () => $"member {id} becomes {role}: {last}");
    }

    private Task<TestNode> LeaderAsync() => Eventually.NotNullAsync(
        async () => await ListAsync(_nodes.Running.First()) is { } list && list.FirstOrDefault(m => m.Leads) is { } leader
            ? _nodes.First(n => (ulong)n.Number == leader.Id)
            : null,
        "a member leads");

    private static PeerState? State(TestNode node) => node.Tikv.Engines?.Data.ReadRegionState(MetaRegion.Id)?.State;

    private static Task AllAreEqualAsync(IEnumerable<TestNode> nodes) => Eventually.TrueAsync(
        () =>
        {
            var rows = nodes.Select(Rows).ToList();
            return rows[0] is not null && rows.All(r => r == rows[0]);
        },
        "all members have the same rows at the same applied index");

    private static string? Rows(TestNode node)
    {
        if (node.Tikv.Engines is not { } engines)
            return null;
        using var snapshot = engines.Data.NewSnapshot();
        if (snapshot.ReadRegionState(MetaRegion.Id) is not { State: PeerState.Normal })
            return null;
        var text = new System.Text.StringBuilder($"{snapshot.ReadApplyState(MetaRegion.Id)!.AppliedIndex}");
        using var cursor = snapshot.OpenCursor(ColumnFamily.Meta, [], []);
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            text.Append(Convert.ToHexString(cursor.Key)).Append('=').Append(Convert.ToHexString(cursor.Value)).Append(' ');
        return text.ToString();
    }
}
