using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// Followers behind the compacted log. The leader's side gives out metadata and lets the follower pull the rows; the follower stages
/// them, steps the snapshot into Raft, and installs it through the recorded state Applying.
/// </summary>
internal sealed partial class Peer
{
    // The announcement whose data is being pulled, or is staged and waits for its Ready.
    private RaftMessage? _pulling;
    private bool _snapshotStepped;

    /// <summary>The answer to <see cref="PeerOutput.SnapshotRequests"/>.</summary>
    /// <param name="region">As of <paramref name="index"/>; null if the snapshot could not be made.</param>
    public void ProvideSnapshot(ulong to, Region? region, ulong index)
    {
        if (region is null || _raft.TermAt(index) is not { } term)
        {
            _raft.ReportSnapshot(to, delivered: false);
            return;
        }

        _raft.ProvideSnapshot(to, new Snapshot
        {
            Metadata = new SnapshotMetadata { Index = index, Term = term, ConfState = RegionState.ToConfState(region) },
            Data = new RaftSnapshotData { Region = region }.ToByteString(),
        });
    }

    /// <summary>The follower has pulled everything, or has given up, or was not heard of for too long.</summary>
    public void ReportSnapshot(ulong to, bool delivered) => _raft.ReportSnapshot(to, delivered);

    public void ProvideEntries(LogRead read, IReadOnlyList<Entry> entries) => _raft.ProvideEntries(read, entries);

    private void OnLogRead(LogRead read)
    {
        if (_segments.Locate(read.FirstIndex, read.LastIndex) is { } events)
            Out.LogReads.Add(new LogReadTask(read, events.FromSequenceNr, events.ToSequenceNr));
        else
            _raft.ProvideEntries(read, []);
    }

    private void OnSnapshotAnnounced(RaftMessage message, TimeSpan now)
    {
        var metadata = message.Message.Snapshot.Metadata;
        // An empty one, or one that is behind: Raft answers it without data. One at a time otherwise; the leader repeats itself.
        if (metadata.Index <= _raft.CommittedIndex)
            _raft.Step(message.Message, now);
        else if (_pulling is null && State == PeerState.Normal)
        {
            _pulling = message;
            Out.PullSnapshot = message;
        }
    }

    /// <summary>All rows of the announced snapshot are staged.</summary>
    public void SnapshotStaged(RaftMessage message, TimeSpan now)
    {
        if (!ReferenceEquals(message, _pulling))
            return;
        _raft.Step(message.Message, now);
        _snapshotStepped = true;
    }

    /// <summary>Raft had no use for the staged snapshot any more if the next Ready that may ask for a write does not carry it.</summary>
    private void ForgetUnusedSnapshot(bool couldPersist)
    {
        if (!_snapshotStepped || !couldPersist)
            return;
        _snapshotStepped = false;
        if (State == PeerState.Applying)
            return;
        _pulling = null;
        Out.SnapshotUnused = true;
    }

    /// <returns>False if the snapshot was staged before, or is not the one that was being pulled: nothing has failed then.</returns>
    public bool SnapshotPullFailed(RaftMessage message)
    {
        if (!ReferenceEquals(message, _pulling) || _snapshotStepped || State == PeerState.Applying)
            return false;
        _pulling = null;
        return true;
    }

    private void BeginInstall(Ready ready)
    {
        var metadata = ready.Snapshot!.Metadata;
        Invariant.Check(_pulling is not null && _pulling.Message.Snapshot.Metadata.Index == metadata.Index,
            $"region {Region.Id}, peer {Self.Id}: a snapshot at {metadata.Index} is to be installed, "
                + $"but the one staged is at {_pulling?.Message.Snapshot.Metadata.Index ?? 0}");
        var pulled = _pulling!;
        State = PeerState.Applying;
        FailAll($"peer {Self.Id} of region {Region.Id} is replaced by a snapshot");
        var record = new ApplyingSnapshot
        {
            HardState = ready.HardState,
            Snapshot = new RaftTruncatedState { Index = metadata.Index, Term = metadata.Term },
        };
        Out.Install = new InstallTask(record, RaftSnapshotData.Parser.ParseFrom(ready.Snapshot.Data).Region, pulled);
    }

    /// <summary>The snapshot is installed in both engines; the journal's last event has the number <paramref name="sequenceNr"/>.</summary>
    public void Installed(Region region, long sequenceNr, TimeSpan now)
    {
        var ready = _persisting;
        Invariant.Check(
            ready?.Snapshot is not null, $"region {Region.Id}, peer {Self.Id}: a snapshot was installed, but none was asked for");
        Region = region;
        Self = RegionState.FindPeer(region, Self.Id) ?? Self;
        State = PeerState.Normal;
        AppliedIndex = ready.Snapshot.Metadata.Index;
        _segments.Clear();
        _applyingTerms.Clear();
        _pulling = null;
        ForgetTruncations();
        Release(ready, sequenceNr, now);
    }
}
