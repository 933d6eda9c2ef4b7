using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// Membership changes take effect when applied: one voter at a time, or any number through a joint configuration (paper, section 6; thesis
// 4.3).
public sealed partial class RaftNode
{
    /// <summary>
    /// Applies the configuration change of the committed entry at <paramref name="index"/>, before <see cref="AdvanceApplied"/> passes it.
    /// A change that the state machine refuses (epoch) is simply not applied here.
    /// </summary>
    /// <returns>The new configuration, to be written with the applied index.</returns>
    public ConfState ApplyConfChange(ulong index, ConfChangeV2 change)
    {
        // The configuration came with a snapshot that has overtaken this entry.
        if (index <= TruncatedIndex) return ConfState;
        Invariant.Check(
            index > AppliedIndex && index <= _log.HandedOut,
            $"configuration change {index} outside of (applied {AppliedIndex}, handed out {_log.HandedOut}] ({_config.Name})");
        var next = _group.With(change, out var problem);
        Invariant.Check(
            next is not null,
            $"committed configuration change {index} cannot be applied: {problem} ({_config.Name}): was one applied twice or left out?");
        _group = next;
        if (IsLeader) ReviewMembers();
        return ConfState;
    }

    private void ReviewMembers()
    {
        foreach (var gone in _progress.Keys.Except(_group.Members).ToList()) _progress.Remove(gone);
        foreach (var added in _group.Members.Where(m => !_progress.ContainsKey(m))) _progress[added] = NewProgress(added);
        if (!_group.Voters.Contains(_transferee)) _transferee = 0;
        if (!_group.IsVoter(Id))
        {
            // The others must learn that this change is committed: nobody else may know (thesis 4.2.2).
            SendAppends();
            StepDownAfterRemoval();
            return;
        }
        TryCommit();
        ConfirmRounds();
    }

    private void StepDownAfterRemoval()
    {
        var farewell = _outbox.Where(m => m.MsgType == MessageType.MsgAppend).ToList();
        BecomeFollower(Term, 0);
        _outbox.AddRange(farewell);
    }

    /// <summary>
    /// Leaves a joint configuration that asks for it. Any leader may find itself in one, so it is checked whenever something was applied.
    /// </summary>
    private void LeaveJointIfDue()
    {
        if (!IsLeader || !_group.IsJoint || !_group.AutoLeave || _log.HasConfChange(AppliedIndex, LastIndex)) return;
        AppendOwn(new Entry { EntryType = EntryType.EntryConfChangeV2 });
    }
}
