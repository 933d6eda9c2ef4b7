using Akka.Cluster;
using Akka.Cluster.SBR;

namespace TiKvActors.StandIns.Tests.Clustering;

/// <summary>Random histories; a failure names its seed, and the seed replays it.</summary>
public class ClusterSimulationTests
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    /// <summary>TKV_CLUSTER_SEEDS: how many hundreds to run, for a longer search. TKV_CLUSTER_SEED: one seed again.</summary>
    public static TheoryData<int> Seeds() =>
        new(Enumerable.Range(1, int.TryParse(Environment.GetEnvironmentVariable("TKV_CLUSTER_SEEDS"), out var many) ? many : 2));

    [Theory, MemberData(nameof(Seeds))]
    public void However_it_is_treated_the_cluster_ends_with_one_view(int hundred) => EachSeed(hundred, ToOneView);

    private static void ToOneView(int seed)
    {
        var random = new Random(seed * 31 + 7);
        var cluster = StartedCluster(seed, 1 + random.Next(6), new KeepMajority(null));
        for (var i = random.Next(8); i >= 0; i--)
        {
            Disturb(cluster, random);
            cluster.Run(_second * random.Next(1, 15));
            if (random.Next(3) == 0) Calm(cluster);
            // One partition after the other. Where they change while one side decides by what it saw before, both may go on, here as in
            // the real thing: that is what stable-after is to be long enough for.
            if (cluster.IsTorn) Rest(cluster);
        }
        Calm(cluster);
        Assert.True(cluster.RunUntil(cluster.IsWhole, _second * 240), "No single view in the end:\n" + cluster.Describe());
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Under_keep_majority_at_most_one_side_of_a_partition_survives(int hundred) => EachSeed(hundred, seed =>
    {
        var random = new Random(seed * 17 + 3);
        var cluster = StartedCluster(seed, 2 + random.Next(6), new KeepMajority(random.Next(3) == 0 ? "r0" : null));
        cluster.Loss = random.Next(2) * 0.1;
        // Changes of membership under way are what could make both sides believe in their majority.
        for (var i = random.Next(3); i > 0; i--) MemberChange(cluster, random);
        cluster.Run(TimeSpan.FromMilliseconds(random.Next(3000)));
        var side = Enumerable.Range(0, cluster.Size).Where(_ => random.Next(2) == 0).ToList();
        cluster.Partition(side);
        cluster.Run(_second * 40);
        var here = cluster.Members.Where(side.Contains).Where(n => IsFull(cluster, n)).ToList();
        var there = cluster.Members.Except(side).Where(n => IsFull(cluster, n)).ToList();
        Assert.True(
            here.Count == 0 || there.Count == 0,
            $"Both {string.Join(",", here)} and {string.Join(",", there)} survive:\n" + cluster.Describe());
    });

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void A_clean_minority_is_downed_and_the_majority_stays(int size)
    {
        foreach (DowningStrategy strategy in new DowningStrategy[] { new KeepMajority(null), new StaticQuorum(size / 2 + 1, null) })
        {
            var cluster = StartedCluster(size, size, strategy);
            var minority = Enumerable.Range(0, size / 2).ToList();
            cluster.Partition(minority);
            cluster.Run(_second * 30);
            Assert.Equal(minority, cluster.Downed.Order());
            Assert.Equal(Enumerable.Range(0, size).Except(minority), cluster.Members.Where(n => IsFull(cluster, n)));
            cluster.Heal();
            Assert.True(cluster.RunUntil(cluster.IsWhole, _second * 60), cluster.Describe());
        }
    }

    [Fact]
    public void The_side_with_the_oldest_survives_unless_that_is_alone()
    {
        var cluster = StartedCluster(1, 5, new KeepOldest(true, null));
        cluster.Partition([0, 1]);
        cluster.Run(_second * 30);
        Assert.Equal([0, 1], cluster.Members.Where(n => IsFull(cluster, n)));

        cluster = StartedCluster(2, 5, new KeepOldest(true, null));
        cluster.Partition([0]);
        cluster.Run(_second * 30);
        Assert.Equal([1, 2, 3, 4], cluster.Members.Where(n => IsFull(cluster, n)));
    }

    [Fact]
    public void Nodes_whose_link_is_broken_but_who_reach_the_others_are_both_downed()
    {
        var cluster = StartedCluster(3, 5, new KeepMajority(null));
        cluster.Cut(1, 3);
        cluster.Cut(3, 1);
        cluster.Run(_second * 30);
        // They come back and are downed again as long as the link is broken.
        Assert.Equal([1, 3], cluster.Downed.Distinct().Order());
        cluster.Heal();
        Assert.True(cluster.RunUntil(cluster.IsWhole, _second * 60), cluster.Describe());
    }

    [Fact]
    public void A_leaving_node_is_gone_without_anybody_being_suspected()
    {
        var cluster = StartedCluster(4, 4, new KeepMajority(null));
        cluster.Leave(0);
        Assert.True(cluster.RunUntil(() => !cluster.IsAlive(0), _second * 20));
        Assert.True(cluster.RunUntil(cluster.IsWhole, _second * 60), cluster.Describe());
        Assert.DoesNotContain(cluster.Trace, line => line.Contains("UNREACHABLE"));
        Assert.Empty(cluster.Downed);
    }

    private static void EachSeed(int hundred, Action<int> play)
    {
        var one = Environment.GetEnvironmentVariable("TKV_CLUSTER_SEED");
        for (var seed = hundred * 100; seed < hundred * 100 + 100; seed++)
        {
            if (one != null && seed.ToString(System.Globalization.CultureInfo.InvariantCulture) != one) continue;
            try
            {
                play(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed}: {e.Message}", e);
            }
        }
    }

    private static SimulatedCluster StartedCluster(int seed, int size, DowningStrategy strategy)
    {
        var cluster = new SimulatedCluster(seed, size, strategy);
        for (var node = 0; node < size; node++) cluster.Start(node);
        Assert.True(cluster.RunUntil(cluster.IsWhole, _second * 60), "Not even begun:\n" + cluster.Describe());
        return cluster;
    }

    private static bool IsFull(SimulatedCluster cluster, int node) =>
        cluster.Core(node).State.SelfMember.Status is MemberStatus.Up or MemberStatus.Leaving;

    private static void Calm(SimulatedCluster cluster)
    {
        cluster.Heal();
        (cluster.Loss, cluster.Repetition, cluster.Delay) = (0, 0, TimeSpan.FromMilliseconds(20));
    }

    private static void Rest(SimulatedCluster cluster)
    {
        cluster.Run(_second * 20);
        Calm(cluster);
        cluster.Run(_second * 20);
    }

    private static void Disturb(SimulatedCluster cluster, Random random)
    {
        var (a, b) = (random.Next(cluster.Size), random.Next(cluster.Size));
        switch (random.Next(8))
        {
            case 0:
                cluster.Partition(Enumerable.Range(0, cluster.Size).Where(_ => random.Next(2) == 0).ToList());
                break;
            case 1:
                cluster.Cut(a, b);
                break;
            case 2:
                (cluster.Loss, cluster.Repetition) = (random.NextDouble() * 0.4, 0.2);
                break;
            case 3:
                cluster.Delay = TimeSpan.FromMilliseconds(random.Next(20, 1500));
                break;
            case 4:
                if (cluster.IsAlive(a)) cluster.Pause(a, _second * random.Next(1, 20));
                break;
            default:
                MemberChange(cluster, random);
                break;
        }
    }

    private static void MemberChange(SimulatedCluster cluster, Random random)
    {
        var node = random.Next(cluster.Size);
        if (!cluster.IsAlive(node)) return;
        if (random.Next(2) == 0) cluster.CrashAndRestart(node);
        else if (cluster.Core(node).IsMember) cluster.Leave(node);
    }
}
