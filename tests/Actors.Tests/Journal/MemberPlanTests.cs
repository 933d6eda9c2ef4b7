using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>The group's configuration follows its table of members, whatever happens in which order.</summary>
public sealed class MemberPlanTests
{
    [Fact]
    public void AMemberBecomesALearnerWhenItHasComeAndAVoterWhenItHasCaughtUp()
    {
        var group = new Group(3);
        group.Ask(MemberTableTests.Add(4, "host-4:1"));
        Assert.Null(group.Next());
        group.Come(4);
        Assert.Equal("AddLearnerNode 4", group.Step());
        group.CatchUp(4);
        group.Matches[4] -= MemberPlan.MaxLag + 1;
        Assert.Null(group.Next());
        group.Matches[4]++;
        group.Living.Remove(4);
        Assert.Null(group.Next());
        group.Living.Add(4);
        Assert.Equal("AddNode 4", group.Step());
        Assert.Null(group.Next());
    }

    [Fact]
    public void AReplacementIsOneJointChangeOfALearnerThatHasCaughtUp()
    {
        var group = new Group(3);
        group.Ask(MemberTableTests.Replace(3, 4, "host-3:1"));
        group.Come(4);
        Assert.Equal("AddLearnerNode 4", group.Step());
        group.CatchUp(4);
        Assert.Equal("AddNode 4, AddLearnerNode 3", group.Step());
        Assert.Null(group.Next());
        group.LeaveJoint();
        Assert.Equal("record", group.Step());
        Assert.True(MemberTable.Find(group.Table, 3)!.Removed);
        Assert.Equal("RemoveNode 3", group.Step());
        Assert.Null(group.Next());
        Assert.Equal([1, 2, 4], group.Voters);
    }

    [Fact]
    public void ALeaderThatIsToLeaveHandsOverFirst()
    {
        var group = new Group(3);
        group.Ask(MemberTableTests.Remove(1));
        group.Matches[2]--;
        Assert.Equal("transfer to 3", group.Step());
        Assert.Equal("RemoveNode 1", group.Step());
        Assert.Equal([2, 3], group.Voters);
    }

    [Fact]
    public void TheOnlyVoterIsReplaced()
    {
        var group = new Group(1);
        group.Ask(MemberTableTests.Replace(1, 2, "host-2:1"));
        group.Come(2);
        group.Step();
        group.CatchUp(2);
        Assert.Equal("AddNode 2", group.Step());
        Assert.Equal("record", group.Step());
        Assert.Equal("transfer to 2", group.Step());
        Assert.Equal("RemoveNode 1", group.Step());
        Assert.Equal([2], group.Voters);
    }

    /// <summary>It was accepted while they lived.</summary>
    [Fact]
    public void NobodyLeavesWhileTheRestHasNoMajority()
    {
        var group = new Group(3);
        group.Ask(MemberTableTests.Remove(2));
        group.Living.Remove(3);
        Assert.Null(group.Next());
        group.Living.Add(3);
        Assert.Equal("RemoveNode 2", group.Step());
    }

    [Fact]
    public void AnAdditionThatIsTakenBackLeavesNothing()
    {
        var group = new Group(3);
        group.Ask(MemberTableTests.Replace(2, 4, "host-4:1"));
        group.Come(4);
        Assert.Equal("AddLearnerNode 4", group.Step());
        group.Ask(MemberTableTests.Remove(4));
        Assert.Equal("RemoveNode 4", group.Step());
        Assert.Null(group.Next());
        Assert.Equal([1, 2, 3], group.Voters);
    }

    [Fact]
    public void AnOperatorSeesRolesAndWhoLags()
    {
        var group = new Group(3);
        group.Ask(MemberTableTests.Replace(3, 4, "host-4:1"));
        group.Ask(MemberTableTests.Remove(2));
        group.Matches[2] = 90;
        group.Living.Remove(2);
        var seen = MemberPlan.Describe(group.Table, group.View).ToList();
        Assert.Equal(["Voter", "Voter", "Voter", "Waiting"], seen.Select(m => m.Role.ToString()));
        Assert.Equal([true, false, false, false], seen.Select(m => m.Leads));
        Assert.Equal([true, false, true, false], seen.Select(m => m.Answers));
        Assert.Equal([0UL, Group.LastIndex - 90, 0, 0], seen.Select(m => m.Behind));
        Assert.Equal([false, true, false, false], seen.Select(m => m.Removed));
        Assert.Equal([true, true, true, false], seen.Select(m => m.Known));
        Assert.Equal(3UL, seen[3].Replaces);
    }

    /// <summary>
    /// Requests, repeated and of several operators at once; members that come, lag, fail and return; leaders that change; steps that are
    /// decided from what was true a while ago.
    /// </summary>
    [Fact]
    public void WhateverHappensTheConfigurationEndsAsTheTableSays()
    {
        var done = new Dictionary<string, int>();
        for (var seed = 0; seed < 1500; seed++)
        {
            try
            {
                History(new Random(seed), done);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }

        // Otherwise the histories are not what they are meant to be.
        string[] kinds = ["AddLearnerNode", "AddNode", "RemoveNode", "AddNode, AddLearnerNode", "transfer", "record", "stale", "refused"];
        foreach (var what in kinds)
            Assert.True(done.GetValueOrDefault(what) > 40, $"{what}: {done.GetValueOrDefault(what)}");
    }

    private static void History(Random random, Dictionary<string, int> done)
    {
        var group = new Group(1 + random.Next(3));
        var gone = new HashSet<ulong>();
        Group? then = null;
        for (var i = 0; i < 120; i++)
        {
            switch (random.Next(12))
            {
                case 0 or 1:
                    var (a, b) = ((ulong)random.Next(1, 9), (ulong)random.Next(1, 9));
                    Count(group.Ask(random.Next(4) switch
                    {
                        0 => MemberTableTests.Remove(a),
                        1 or 2 => MemberTableTests.Replace(a, b, $"host-{b}:1"),
                        _ => MemberTableTests.Add(a, $"host-{a}:1"),
                    }, decidedFrom: random.Next(4) == 0 ? then : null));
                    break;
                case 2:
                    group.Come((ulong)random.Next(1, 9));
                    break;
                case 3:
                    var id = (ulong)random.Next(1, 9);
                    if (!group.Living.Remove(id))
                        group.Living.Add(id);
                    break;
                case 4:
                    group.Matches[(ulong)random.Next(1, 9)] = random.Next(3) == 0 ? 1 : Group.LastIndex;
                    break;
                case 5:
                    group.Elect(random);
                    break;
                case 6:
                    group.LeaveJoint();
                    break;
                case 7:
                    then = group.Copy();
                    break;
                default:
                    group.Elect(null);
                    if (group.Living.Contains(group.Leader))
                        Count(group.Step(decidedFrom: random.Next(4) == 0 ? then : null) ?? "");
                    break;
            }

            Check();
        }

        foreach (var member in group.Table.Members)
        {
            group.Come(member.Id);
            group.CatchUp(member.Id);
        }

        for (var steps = 0; ; steps++)
        {
            group.LeaveJoint();
            group.Elect(null);
            if (group.Step() is null)
                break;
            Check();
            Assert.True(steps < 60, "it never ends");
        }

        var wanted = group.Table.Members.Where(m => !m.Removed).Select(m => m.Id);
        Assert.Equal(wanted, group.Region.Peers.Select(p => p.Id).Order());
        Assert.All(group.Region.Peers, p => Assert.Equal(PeerRole.Voter, p.Role));

        void Check()
        {
            Assert.NotEmpty(group.Voters);
            foreach (var peer in group.Region.Peers)
            {
                Assert.True(
                    MemberTable.IsKnown(MemberTable.Find(group.Table, peer.Id)!), $"{peer.Id} takes part with an unknown directory");
                // One that had voted and left may have forgotten everything since then.
                Assert.False(gone.Contains(peer.Id) && peer.Role != PeerRole.Learner, $"{peer.Id} is back");
            }

            gone.UnionWith(group.Table.Members.Where(m => m.Removed && RegionState.FindPeer(group.Region, m.Id) is null).Select(m => m.Id));
        }

        void Count(string what)
        {
            var kind = string.Concat(what.Where(c => !char.IsDigit(c))).Replace(" to", "", StringComparison.Ordinal).Trim()
                .Replace(" ,", ",", StringComparison.Ordinal);
            done[kind] = done.GetValueOrDefault(kind) + 1;
        }
    }

    /// <summary>The table with its revision, the configuration, and what the leader sees.</summary>
    private sealed class Group
    {
        public const ulong LastIndex = 1000;

        private ulong _revision;

        public Group(int members)
        {
            var first = Enumerable.Range(1, members).Select(i => new MetaMember { Id = (ulong)i, Address = $"host-{i}:1" }).ToList();
            Table = MemberTable.Of(first);
            Region = MetaAdmission.FirstConfiguration(first);
            foreach (var member in first)
            {
                Living.Add(member.Id);
                Matches[member.Id] = LastIndex;
            }
        }

        private Group(Group other)
        {
            (Table, Region, Leader, _revision) = (other.Table, other.Region, other.Leader, other._revision);
            Living = [.. other.Living];
            Matches = new Dictionary<ulong, ulong>(other.Matches);
        }

        public MetaMemberTable Table { get; private set; }

        public Region Region { get; private set; }

        public ulong Leader { get; private set; } = 1;

        public HashSet<ulong> Living { get; } = [];

        public Dictionary<ulong, ulong> Matches { get; } = [];

        public MemberView View => new(Region, Leader, LastIndex, Matches, new HashSet<ulong>(Living) { Leader });

        public IEnumerable<ulong> Voters => View.Voters;

        public Group Copy() => new(this);

        public MemberStep? Next() => MemberPlan.Next(Table, View);

        /// <returns>What became of it.</returns>
        public string Ask(MetaMembersRequest request, Group? decidedFrom = null)
        {
            var from = decidedFrom ?? this;
            var decision = MemberTable.Change(request, from.Table, from.View);
            if (decision.Verdict != MetaMembersResponse.Types.Verdict.Accepted)
                return "refused";
            return ReferenceEquals(decision.Table, from.Table) || Put(decision.Table, from._revision) ? "accepted" : "stale";
        }

        public void Come(ulong id)
        {
            if (MemberTable.Find(Table, id) is not { } member)
                return;
            var admitted = MemberTable.Admit(id, ByteString.CopyFromUtf8($"token {id}"), member.Address, Table);
            if (!ReferenceEquals(admitted.Table, Table))
                Put(admitted.Table, _revision);
        }

        public void CatchUp(ulong id)
        {
            Living.Add(id);
            Matches[id] = LastIndex;
        }

        /// <returns>What was done; null: there is nothing to do.</returns>
        public string? Step(Group? decidedFrom = null)
        {
            var from = decidedFrom ?? this;
            switch (from.Next())
            {
                case null:
                    return null;
                case MemberStep.Change when !from.Region.RegionEpoch.Equals(Region.RegionEpoch):
                    return "stale";
                case MemberStep.Change change:
                    Apply(change.Changes);
                    return string.Join(", ", change.Changes.Changes.Select(c => $"{c.ChangeType} {c.Peer.Id}"));
                case MemberStep.Record record:
                    return Put(record.Table, from._revision) ? "record" : "stale";
                case MemberStep.Transfer transfer:
                    if (Living.Contains(transfer.To) && Voters.Contains(transfer.To))
                        Leader = transfer.To;
                    return $"transfer to {transfer.To}";
                case var other:
                    throw new InvalidOperationException($"{other}");
            }
        }

        public void LeaveJoint()
        {
            if (View.IsJoint)
                Apply(new ChangePeerV2Request());
        }

        /// <param name="random">Null: only if the leader cannot go on.</param>
        public void Elect(Random? random)
        {
            var candidates = Voters.Where(Living.Contains).ToList();
            if (candidates.Count > 0 && (random is not null || !candidates.Contains(Leader)))
                Leader = candidates[random?.Next(candidates.Count) ?? 0];
        }

        private bool Put(MetaMemberTable table, ulong revision)
        {
            if (revision != _revision)
                return false;
            (Table, _revision) = (MetaMemberTable.Parser.ParseFrom(table.ToByteArray()), revision + 1);
            return true;
        }

        private void Apply(ChangePeerV2Request changes)
        {
            var (error, next) = RegionState.ChangePeers(Region, changes);
            Assert.Null(error);
            Region = next;
        }
    }
}
