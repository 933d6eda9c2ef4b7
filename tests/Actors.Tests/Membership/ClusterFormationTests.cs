using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Membership;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Actors.Tests.Journal;
using TiKvActors.Protocol;
using TiKvActors.Storage;
using AkkaCluster = Akka.Cluster.Cluster;

namespace TiKvActors.Actors.Tests.Membership;

/// <summary>Nodes with real remoting and directories, which are members of the meta group and make a cluster by themselves.</summary>
public sealed class ClusterFormationTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly MetaNodes _nodes = new("""
        akka {
          actor.provider = cluster
          # A node that is stopped here is gone, as after a kill.
          coordinated-shutdown.run-by-actor-system-terminate = off
          cluster {
            periodic-tasks-initial-delay = 100ms
            gossip-interval = 200ms
            leader-actions-interval = 200ms
            unreachable-nodes-reaper-interval = 200ms
          }
        }
        tikv.cluster {
          retry-interval = 100ms
          check-interval = 500ms
        }
        """);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    [Fact]
    public async Task NodesThatStartTogetherMakeOneClusterAndClientsJoinIt()
    {
        var client = ActorSystem.Create("tikv", ConfigurationFactory.ParseString("""
            akka.loglevel = WARNING
            akka.cluster.roles = [client]
            akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
            """).WithFallback(ConfigurationFactory.ParseString(_nodes.Config)).WithFallback(TikvSettings.Reference()));
        try
        {
            var membership = TikvMembership.Get(client);
            _nodes.Start();
            await AreOneClusterAsync([.. _nodes.Select(n => n.System), client]);
            Assert.Equal(1ul, (await NewestAsync(_nodes[0])).Revision);
            Assert.False(membership.RestartNeeded.IsCompleted);
            NobodyHasToRestart();
        }
        finally
        {
            await client.Terminate();
        }

        // By its owner's wish.
        Assert.False(TikvMembership.Get(client).RestartNeeded.IsCompleted);
    }

    [Fact]
    public async Task AfterAFullStopAnyMajorityMakesOneClusterAndTheThirdJoinsIt()
    {
        _nodes.Start();
        await AreOneClusterAsync(_nodes);
        for (var late = 0; late < 2; late++)
        {
            await _nodes.StopAsync();
            var majority = _nodes.Where(n => n != _nodes[late]).ToList();
            foreach (var node in majority)
                node.Start();
            await AreOneClusterAsync(majority);
            Assert.Equal((ulong)(late + 2), (await NewestAsync(majority[0])).Revision);
            _nodes[late].Start();
            await AreOneClusterAsync(_nodes);
            Assert.Equal((ulong)(late + 2), (await NewestAsync(majority[0])).Revision);
            NobodyHasToRestart();
        }
    }

    /// <summary>With the lists of the first day.</summary>
    [Fact]
    public async Task MembersThatWereAddedAreVotersAndRemovedOnesAreNot()
    {
        _nodes.Start();
        await AreOneClusterAsync(_nodes);
        var (one, two, three, four) = (_nodes[0], _nodes[1], _nodes[2], _nodes.Add(4));
        four.Start();
        await AreOneClusterAsync(_nodes);
        await ChangeAsync(MemberTableTests.Replace(1, 4, four.Tikv.Address), members => members.Any(
            m => m is { Id: 1, Role: MetaMembersResponse.Types.Role.Removed }));
        await _nodes.StopAsync();
        four.Config = _nodes.Config;
        // A majority of the new configuration, and one that was removed.
        foreach (var node in new[] { one, three, four })
            node.Start();
        await AreOneClusterAsync([one, three, four]);
        Assert.Equal(2ul, (await NewestAsync(one)).Revision);
        two.Start();
        await AreOneClusterAsync(_nodes);

        async Task ChangeAsync(MetaMembersRequest request, Func<IEnumerable<MetaMembersResponse.Types.Member>, bool> isDone) =>
            await Eventually.TrueAsync(
                async () =>
                {
                    var response = await one.System.ActorSelection("/user/tikv/members").Ask<MetaMembersResponse>(request, Patience);
                    return isDone(response.Members);
                },
                "the members have changed");
    }

    [Fact]
    public async Task AMemberThatWasDownedJoinsAgainWithAnotherSystem()
    {
        _nodes.Start();
        await AreOneClusterAsync(_nodes);
        var (one, downed) = (_nodes[0], _nodes[2]);
        AkkaCluster.Get(one.System).Down(AkkaCluster.Get(downed.System).SelfAddress);
        await StartAgainAsync(downed, RestartCause.Downed);
        await AreOneClusterAsync(_nodes);
        Assert.Equal(1ul, (await NewestAsync(one)).Revision);
        NobodyHasToRestart();
    }

    [Fact]
    public async Task AMemberThatAVoterHasQuarantinedJoinsAgainWithAnotherSystem()
    {
        _nodes.Start();
        await AreOneClusterAsync(_nodes);
        var (one, quarantined) = (_nodes[0], _nodes[2]);
        var id = AkkaCluster.Get(quarantined.System).SelfUniqueAddress;
        ((IRemoteActorRefProvider)((ExtendedActorSystem)one.System).Provider).Quarantine(id.Address, id.Uid);
        await StartAgainAsync(quarantined, RestartCause.Quarantined);
        await AreOneClusterAsync(_nodes);
        Assert.Equal(1ul, (await NewestAsync(one)).Revision);
    }

    /// <summary>Here the newer one's founder never came to join itself.</summary>
    [Fact]
    public async Task MembersOfAClusterThatIsNotTheNewestStartAgain()
    {
        _nodes.Start();
        await AreOneClusterAsync(_nodes);
        var other = new ClusterIncarnation { Id = 7, Founder = new SystemAddress { Address = $"127.0.0.1:{_nodes[0].Port}", Uid = 7 } };
        Assert.True(await MetaClient.Get(_nodes[0].System).PutRecordAsync(MembershipDoor.Record, 1, other.ToByteString()));
        Assert.False(await MetaClient.Get(_nodes[0].System).PutRecordAsync(MembershipDoor.Record, 0, other.ToByteString()));
        foreach (var node in _nodes)
            await StartAgainAsync(node, RestartCause.OutdatedIncarnation);
        await AreOneClusterAsync(_nodes);
        Assert.Equal(3ul, (await NewestAsync(_nodes[0])).Revision);
    }

    [Fact]
    public async Task ALeaderThatIsPausedWhileItFoundsJoinsTheClusterThatItsSuccessorMakes()
    {
        var doors = new Dictionary<TestNode, IInternalActorRef>();
        foreach (var node in _nodes)
        {
            node.Start();
            // The group needs the third node, and a founder somebody's answer: nobody founds yet.
            doors[node] = await DoorAsync(node);
            doors[node].Suspend();
        }

        var leader = await LeaderAsync(_nodes);
        var paused = doors[leader];
        paused.Resume();
        await Eventually.TrueAsync(
            async () =>
            {
                var status = await paused.Ask<MembershipDoor.Status>(MembershipDoor.GetStatus.Instance, Patience);
                return status.Step == ClusterFormation.Step.Asking;
            },
            "the leader asks the voters");
        paused.Suspend();
        var others = _nodes.Where(n => n != leader).ToList();
        foreach (var node in others)
            doors[node].Resume();
        await Eventually.TrueAsync(
            async () =>
            {
                var now = await LeaderAsync(_nodes);
                if (now == leader)
                    await LeaderTransfer.StartAsync(await PeerAsync(leader), (ulong)others[0].Number, Patience);
                return now != leader;
            },
            "another node leads");
        await AreOneClusterAsync(others);
        paused.Resume();
        await AreOneClusterAsync(_nodes);
        Assert.Equal(1ul, (await NewestAsync(leader)).Revision);
        NobodyHasToRestart();
    }

    [Theory]
    [InlineData("akka.cluster.seed-nodes = [\"akka.tcp://tikv@127.0.0.1:1\"]", "seed-nodes")]
    [InlineData("tikv.meta.members = []", "meta.members")]
    [InlineData("akka.actor.provider = remote", "provider")]
    public async Task WhatCannotFormAClusterIsRefused(string config, string names)
    {
        var system = ActorSystem.Create("tikv", ConfigurationFactory.ParseString($$"""
            {{config}}
            akka.loglevel = ERROR
            akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
            """).WithFallback(ConfigurationFactory.ParseString(_nodes.Config)).WithFallback(TikvSettings.Reference()));
        try
        {
            Assert.Contains(names, Assert.ThrowsAny<Exception>(() => TikvMembership.Get(system)).Message, StringComparison.Ordinal);
        }
        finally
        {
            await system.Terminate();
        }
    }

    private static Task AreOneClusterAsync(IEnumerable<TestNode> nodes) => AreOneClusterAsync([.. nodes.Select(n => n.System)]);

    /// <summary>
    /// Each sees all of them Up, and nobody else, and knows whose incarnation it is: before that the loss of its founder makes them start
    /// again.
    /// </summary>
    private static async Task AreOneClusterAsync(IReadOnlyList<ActorSystem> systems)
    {
        var expected = systems.Select(s => $"{AkkaCluster.Get(s).SelfUniqueAddress} Up").Order().ToList();
        await Eventually.TrueAsync(
            () => systems.All(s => Members(s).SequenceEqual(expected)),
            () => $"{string.Join(", ", expected)} are one cluster: " + string.Join("; ", systems.Select(s => string.Join(", ", Members(s)))));
        foreach (var system in systems)
            await Eventually.TrueAsync(async () => await IncarnationAsync(system) != 0, "the member knows its incarnation");
    }

    private static async Task<ulong> IncarnationAsync(ActorSystem system)
    {
        var door = system.ActorSelection($"/system/{NodePaths.MembershipDoor}");
        return (await door.Ask<MembershipDoor.Status>(MembershipDoor.GetStatus.Instance, Patience)).Incarnation;
    }

    private static List<string> Members(ActorSystem system) =>
        [.. AkkaCluster.Get(system).State.Members.Select(m => $"{m.UniqueAddress} {m.Status}").Order()];

    private void NobodyHasToRestart() =>
        Assert.All(_nodes, n => Assert.False(TikvMembership.Get(n.System).RestartNeeded.IsCompleted));

    private static async Task StartAgainAsync(TestNode node, RestartCause cause)
    {
        Assert.Equal(cause, (await node.Tikv.Membership!.RestartNeeded.WaitAsync(TimeSpan.FromSeconds(60))).Cause);
        await node.StopAsync();
        node.Start();
    }

    private static async Task<MetaRecord> NewestAsync(TestNode node) =>
        await MetaClient.Get(node.System).ReadRecordAsync(MembershipDoor.Record) ?? throw new InvalidOperationException("no incarnation");

    private static async Task<IInternalActorRef> DoorAsync(TestNode node) =>
        (IInternalActorRef)await node.System.ActorSelection($"/system/{NodePaths.MembershipDoor}").ResolveOne(Patience);

    private static Task<IActorRef> PeerAsync(TestNode node) =>
        node.System.ActorSelection($"/user/tikv/meta/region-{MetaRegion.Id}-{node.Number}").ResolveOne(TimeSpan.FromSeconds(5));

    private static Task<TestNode> LeaderAsync(IEnumerable<TestNode> nodes) => Eventually.NotNullAsync(async () =>
    {
        foreach (var node in nodes)
        {
            try
            {
                var status = await (await PeerAsync(node)).Ask<RegionPeer.Status>(RegionPeer.GetStatus.Instance, TimeSpan.FromSeconds(5));
                if (status.Leader?.Id == status.Self.Id)
                    return node;
            }
            catch (Exception e) when (e is ActorNotFoundException or AskTimeoutException)
            {
                // It does not run yet.
            }
        }

        return null;
    }, "a member leads");
}
