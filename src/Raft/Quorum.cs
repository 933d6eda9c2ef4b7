namespace TiKvActors.Raft;

internal enum VoteOutcome
{
    Pending,
    Won,
    Lost,
}

/// <summary>
/// Majority arithmetic over one set of voters. The empty set agrees with everything, so that it is neutral in a joint configuration.
/// </summary>
internal static class Quorum
{
    /// <summary>The largest value that a majority has reached.</summary>
    public static ulong Reached(IReadOnlyList<ulong> voters, Func<ulong, ulong> value)
    {
        if (voters.Count == 0) return ulong.MaxValue;
        Span<ulong> sorted = voters.Count <= 16 ? stackalloc ulong[voters.Count] : new ulong[voters.Count];
        for (var i = 0; i < sorted.Length; i++) sorted[i] = value(voters[i]);
        sorted.Sort();
        return sorted[(sorted.Length - 1) / 2];
    }

    /// <param name="vote">True granted, false refused, null not heard of.</param>
    public static VoteOutcome Count(IReadOnlyList<ulong> voters, Func<ulong, bool?> vote)
    {
        if (voters.Count == 0) return VoteOutcome.Won;
        int granted = 0, refused = 0;
        foreach (var voter in voters)
        {
            var answer = vote(voter);
            if (answer == true) granted++;
            else if (answer == false) refused++;
        }
        var majority = voters.Count / 2 + 1;
        if (granted >= majority) return VoteOutcome.Won;
        return voters.Count - refused < majority ? VoteOutcome.Lost : VoteOutcome.Pending;
    }
}
