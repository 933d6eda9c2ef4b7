using System.Text;
using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft.Tests;

/// <summary>
/// The commands of the golden files: <c>verb argument... key=value key=(a,b)</c>. Peers are named by their ids.
/// <code>
/// group VOTERS [learners=(4)] [max-message=B] [inflight=N] [cached=B] [pending=B] [entry=B] [priority=(1:5)] [pre-vote=no]
/// add PEER                        an uninitialised peer
/// tick PEER [TIMES]               pass        an election timeout passes, without ticks
/// campaign PEER                   propose PEER TEXT [times=N] [term=T]
/// change PEER v4 l5 r1 [transition=Explicit] [leave]
/// read PEER ID [Quorum|Lease]     transfer PEER TO            unreachable PEER TO
/// stabilize [quiet]               until nothing happens any more
/// process PEER                    deliver     everything in transit        drop        everything in transit
/// cut A B | cut-off A | heal      hold-writes PEER | finish-write PEER | release-writes PEER
/// hold-applying PEER | apply PEER restart PEER                compact PEER INDEX
/// status | log PEER | journal PEER | followers PEER
/// </code>
/// </summary>
internal sealed class Scenario
{
    private TestGroup? _group;
    private StringBuilder _output = new();

    private TestGroup Group => _group ?? throw new InvalidOperationException("the first command must be: group");

    public string Execute(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var options = words.Skip(1).Where(w => w.Contains('=')).Select(w => w.Split('=', 2))
            .ToDictionary(w => w[0], w => w[1].Trim('(', ')'));
        var arguments = words.Skip(1).Where(w => !w.Contains('=')).ToList();
        _output = new StringBuilder();
        Execute(words[0], arguments, options);
        return _output.ToString();
    }

    private void Execute(string verb, List<string> arguments, Dictionary<string, string> options)
    {
        if (verb == "group")
        {
            CreateGroup(int.Parse(arguments[0]), options);
            return;
        }
        var id = arguments.Count > 0 && ulong.TryParse(arguments[0], out var first) ? first : 0;
        switch (verb)
        {
            case "add": Group.AddUninitialised(id); break;
            case "tick": Group.Tick(id, arguments.Count > 1 ? int.Parse(arguments[1]) : 1); break;
            case "pass": Group.PassElectionTimeout(); break;
            case "campaign": Print(Group[id].Node.Campaign(Group.Now) ? "campaigns" : "may not campaign now"); break;
            case "propose": Propose(id, arguments[1], options); break;
            case "change": Change(id, arguments.Skip(1), options); break;
            case "read": Read(id, ulong.Parse(arguments[1]), arguments.ElementAtOrDefault(2) ?? "Quorum"); break;
            case "transfer": PrintRefusal(Group[id].Node.TransferLeader(ulong.Parse(arguments[1]))); break;
            case "unreachable": Group[id].Node.ReportUnreachable(ulong.Parse(arguments[1])); break;
            case "stabilize": Group.Stabilize(arguments.Contains("quiet") ? null : Print); break;
            case "process": Print(id, Group[id].Process()); break;
            case "deliver": Group.DeliverAll(); break;
            case "drop": Group.InTransit.Clear(); break;
            case "cut": Group.Cut(id, ulong.Parse(arguments[1])); break;
            case "cut-off": Group.CutOff(id); break;
            case "heal": Group.Heal(); break;
            case "hold-writes": Group[id].HoldWrites = true; break;
            case "finish-write": Group[id].FinishWrite(); break;
            case "release-writes":
                Group[id].HoldWrites = false;
                Group[id].FinishWrite();
                break;
            case "hold-applying": Group[id].HoldApplying = true; break;
            case "apply":
                Group[id].HoldApplying = false;
                Group[id].Apply();
                break;
            case "restart": Group[id].Restart(); break;
            case "compact": Group[id].Compact(ulong.Parse(arguments[1])); break;
            case "status": PrintStatus(); break;
            case "log": PrintLog(Group[id].Node); break;
            case "journal": Print(string.Join(' ', Group[id].Journal.Select(Describe))); break;
            case "followers": PrintFollowers(Group[id].Node); break;
            default: throw new InvalidOperationException($"unknown command: {verb}");
        }
    }

    private void CreateGroup(int voters, Dictionary<string, string> options)
    {
        int Option(string name, int otherwise) => options.TryGetValue(name, out var value) ? int.Parse(value) : otherwise;
        var priorities = Ids(options, "priority", pair => pair.Split(':')).ToDictionary(p => ulong.Parse(p[0]), p => long.Parse(p[1]));
        _group = new TestGroup(
            voters,
            c => c with
            {
                MaxMessageBytes = Option("max-message", c.MaxMessageBytes),
                MaxInflightMessages = Option("inflight", c.MaxInflightMessages),
                MaxCachedLogBytes = Option("cached", (int)c.MaxCachedLogBytes),
                MaxPendingBytes = Option("pending", (int)c.MaxPendingBytes),
                MaxEntryBytes = Option("entry", c.MaxEntryBytes),
                Priority = priorities.GetValueOrDefault(c.Id),
                PreVote = options.GetValueOrDefault("pre-vote") != "no",
            },
            Ids(options, "learners", ulong.Parse));
    }

    private static List<T> Ids<T>(Dictionary<string, string> options, string name, Func<string, T> parse) =>
        options.TryGetValue(name, out var list) ? [.. list.Split(',').Select(parse)] : [];

    private void Propose(ulong id, string text, Dictionary<string, string> options)
    {
        var term = options.TryGetValue("term", out var required) ? ulong.Parse(required) : 0;
        for (var i = 0; i < (options.TryGetValue("times", out var times) ? int.Parse(times) : 1); i++)
            Print(Group[id].Node.Propose(ByteString.CopyFromUtf8(text), term));
    }

    private void Change(ulong id, IEnumerable<string> words, Dictionary<string, string> options)
    {
        var change = new ConfChangeV2 { Transition = Enum.Parse<ConfChangeTransition>(options.GetValueOrDefault("transition", "Auto")) };
        foreach (var word in words.Where(w => w != "leave"))
        {
            var type = word[0] == 'v' ? ConfChangeType.AddNode : word[0] == 'l' ? ConfChangeType.AddLearnerNode : ConfChangeType.RemoveNode;
            change.Changes.Add(new ConfChangeSingle { ChangeType = type, NodeId = ulong.Parse(word[1..]) });
        }
        Print(Group[id].Node.ProposeConfChange(change));
    }

    private void Print(string line) => _output.Append(line).Append('\n');

    private void Print(ProposeResult result) =>
        Print(result.Accepted ? $"entry {result.Term}/{result.Index}" : $"refused: {result.Refusal}");

    private void Read(ulong id, ulong requestId, string mode) =>
        PrintRefusal(Group[id].Node.ReadIndex(requestId, Enum.Parse<ReadMode>(mode), Group.Now));

    private void PrintRefusal(Refusal refusal)
    {
        if (refusal != Refusal.None) Print($"refused: {refusal}");
    }

    private void Print(ulong id, Ready ready)
    {
        if (ready.SoftState is { } soft) Print($"{id} is {soft.Role} in term {soft.Term}, leader {soft.LeaderId}");
        PrintList(id, "sends", ready.Messages.Select(Describe));
        if (ready.Snapshot is { } snapshot)
            Print($"{id} installs snapshot {snapshot.Metadata.Term}/{snapshot.Metadata.Index} {Describe(snapshot.Metadata.ConfState)}");
        if (ready.HardState is { } hard)
            Print(
                $"{id} writes term {hard.Term} vote {hard.Vote} "
                    + $"commit {hard.Commit}{string.Concat(ready.Entries.Select(e => " " + Describe(e)))}");
        PrintList(id, "sends after the write", ready.MessagesAfterPersist.Select(Describe));
        PrintList(id, "applies", ready.CommittedEntries.Select(Describe));
        PrintList(id, "may read", ready.ReadStates.Select(r => $"{r.RequestId} at {r.Index}"));
        PrintList(id, "drops reads", ready.DroppedReads.Select(r => $"{r}"));
        PrintList(id, "wants from the journal", ready.LogReads.Select(r => $"{r.FirstIndex}..{r.LastIndex} for {r.For}"));
        PrintList(id, "wants a snapshot", ready.SnapshotRequests.Select(r => $"for {r.To} of {r.MinIndex} or later"));
    }

    private void PrintList(ulong id, string what, IEnumerable<string> items)
    {
        foreach (var item in items) Print($"{id} {what}: {item}");
    }

    private void PrintStatus()
    {
        foreach (var (id, peer) in Group.Peers)
        {
            var node = peer.Node;
            Print(
                $"{id}: {node.Role} term {node.Term} leader {node.LeaderId} log ({node.TruncatedIndex}, {node.LastIndex}] "
                    + $"durable {node.DurableIndex} committed {node.CommittedIndex} "
                    + $"applied {node.AppliedIndex} {Describe(node.ConfState)}{(node.HasLease(Group.Now) ? " lease" : "")}");
        }
    }

    private void PrintLog(RaftNode node)
    {
        for (var index = node.TruncatedIndex; index <= node.LastIndex; index++) _output.Append($"{node.TermAt(index)}/{index} ");
        _output.Length--;
        Print("");
    }

    private void PrintFollowers(RaftNode node)
    {
        foreach (var f in node.Followers)
            Print(
                $"{f.Id}{(f.IsLearner ? " (learner)" : "")}: {f.State} match {f.MatchIndex} next {f.NextIndex}"
                    + (f.PendingSnapshotIndex > 0 ? $" snapshot {f.PendingSnapshotIndex}" : "")
                    + (f.RecentlyActive ? "" : " silent"));
    }

    private static string Describe(ConfState state) =>
        $"voters ({string.Join(",", state.Voters)})"
        + (state.VotersOutgoing.Count > 0 ? $" outgoing ({string.Join(",", state.VotersOutgoing)})" : "")
        + (state.Learners.Count > 0 ? $" learners ({string.Join(",", state.Learners)})" : "")
        + (state.LearnersNext.Count > 0 ? $" learners next ({string.Join(",", state.LearnersNext)})" : "")
        + (state.AutoLeave ? " auto leave" : "");

    private static string Describe(Entry entry)
    {
        var what = entry.EntryType == EntryType.EntryConfChangeV2
            ? Describe(ConfChangeV2.Parser.ParseFrom(entry.Data))
            : $"\"{entry.Data.ToStringUtf8()}\"";
        return $"{entry.Term}/{entry.Index}:{what}";
    }

    private static string Describe(ConfChangeV2 change) =>
        change.Changes.Count == 0 ? "leave joint" : string.Join(",", change.Changes.Select(c => $"{"vrl"[(int)c.ChangeType]}{c.NodeId}"));

    private static string Describe(Message m)
    {
        var head = $"{m.MsgType.ToString()[3..]} to {m.To} term {m.Term}";
        return m.MsgType switch
        {
            MessageType.MsgAppend =>
                $"{head} after {m.LogTerm}/{m.Index} commit {m.Commit}{string.Concat(m.Entries.Select(e => " " + Describe(e)))}",
            MessageType.MsgAppendResponse when m.Reject => $"{head} rejects {m.Index}, hint {m.LogTerm}/{m.RejectHint}",
            MessageType.MsgAppendResponse => $"{head} has {m.Index}",
            MessageType.MsgRequestVote or MessageType.MsgRequestPreVote =>
                $"{head} log {m.LogTerm}/{m.Index}{(m.Priority != 0 ? $" priority {m.Priority}" : "")}"
                    + (m.Context.IsEmpty ? "" : " for a transfer"),
            MessageType.MsgRequestVoteResponse or MessageType.MsgRequestPreVoteResponse =>
                $"{head} {(m.Reject ? "refused" : "granted")}, committed {m.LogTerm}/{m.Commit}",
            MessageType.MsgSnapshot =>
                $"{head} {m.Snapshot.Metadata.Term}/{m.Snapshot.Metadata.Index} {Describe(m.Snapshot.Metadata.ConfState)}",
            MessageType.MsgHeartbeat => $"{head} commit {m.Commit}",
            _ => head,
        };
    }
}
