using TiKvActors.Client.Calls;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Regions;

/// <summary>What a region error says about the request.</summary>
internal enum RegionVerdict
{
    /// <summary>It had no effect; try again.</summary>
    TryAgain,

    /// <summary>It may have had an effect.</summary>
    OutcomeUnknown,

    /// <summary>It had no effect and never will: the request itself is wrong.</summary>
    Invalid,

    /// <summary>It had no effect, and the region takes no such request for now.</summary>
    Refused,
}

/// <param name="Pause">Null: try again at once.</param>
/// <param name="AtLeast">The pause that the server asks for.</param>
/// <param name="DropStore">The store's address may be wrong too.</param>
internal readonly record struct RegionReaction(
    RegionVerdict Verdict, BackoffKind? Pause, Problem Problem = Problem.Other, TimeSpan AtLeast = default, bool DropStore = false)
{
    public static RegionReaction TryAgain(BackoffKind? pause, Problem problem = Problem.Other) =>
        new(RegionVerdict.TryAgain, pause, problem);
}

/// <summary>What to do about each region error: corrects the cache and says how to go on.</summary>
internal static class RegionErrorPolicy
{
    /// <param name="asked">As it was when the request was sent.</param>
    public static RegionReaction React(
        Error error, CachedRegion asked, Protocol.Metapb.Peer askedPeer, RegionCache cache, APIVersion apiVersion)
    {
        switch (error.Kind())
        {
            case RegionErrorKind.NotLeader when error.NotLeader.Leader is { Id: not 0 } leader:
                if (leader.Id == askedPeer.Id)
                    return RegionReaction.TryAgain(BackoffKind.NoLeader, Problem.NoLeader);
                if (!asked.LeaderIs(leader))
                    cache.Drop(asked);
                return RegionReaction.TryAgain(null, Problem.NoLeader);

            case RegionErrorKind.NotLeader:
                asked.TryAnotherThan(askedPeer);
                return RegionReaction.TryAgain(BackoffKind.NoLeader, Problem.NoLeader);

            case RegionErrorKind.EpochNotMatch:
                return ReactToEpoch(error.EpochNotMatch, asked, askedPeer, cache, apiVersion);

            case RegionErrorKind.StoreNotMatch:
                cache.Drop(asked);
                return RegionReaction.TryAgain(BackoffKind.RegionMiss) with { DropStore = true };

            case RegionErrorKind.RegionNotFound:
                // A peer that is being moved away, or a store that has not heard of the region yet: PD may still name it.
                asked.TryAnotherThan(askedPeer);
                cache.Drop(asked);
                return RegionReaction.TryAgain(BackoffKind.RegionMiss, Problem.NoLeader);

            case RegionErrorKind.KeyNotInRegion or RegionErrorKind.MismatchPeerId or RegionErrorKind.BucketVersionNotMatch
                or RegionErrorKind.Unknown:
                cache.Drop(asked);
                return RegionReaction.TryAgain(BackoffKind.RegionMiss);

            case RegionErrorKind.RegionNotInitialized or RegionErrorKind.IsWitness:
                asked.TryAnotherThan(askedPeer);
                return RegionReaction.TryAgain(BackoffKind.NotReady);

            case RegionErrorKind.ServerIsBusy:
                var asksFor = TimeSpan.FromMilliseconds(Math.Min(error.ServerIsBusy.BackoffMs, 60_000));
                return RegionReaction.TryAgain(BackoffKind.ServerIsBusy, Problem.ServerIsBusy) with { AtLeast = asksFor };

            case RegionErrorKind.DiskFull:
                return RegionReaction.TryAgain(BackoffKind.ServerIsBusy, Problem.DiskFull);

            case RegionErrorKind.StaleCommand or RegionErrorKind.MaxTimestampNotSynced or RegionErrorKind.ReadIndexNotReady
                or RegionErrorKind.ProposalInMergingMode
                or RegionErrorKind.DataIsNotReady or RegionErrorKind.RecoveryInProgress:
                return RegionReaction.TryAgain(BackoffKind.NotReady);

            case RegionErrorKind.RaftEntryTooLarge:
                return new RegionReaction(RegionVerdict.Invalid, null);

            case RegionErrorKind.FlashbackInProgress or RegionErrorKind.FlashbackNotPrepared:
                return new RegionReaction(RegionVerdict.Refused, null);

            case RegionErrorKind.UndeterminedResult:
                return new RegionReaction(RegionVerdict.OutcomeUnknown, BackoffKind.NoLeader, Problem.NoLeader);

            case var kind:
                throw new InvalidOperationException($"no reaction to region error {kind}");
        }
    }

    private static RegionReaction ReactToEpoch(
        EpochNotMatch error, CachedRegion asked, Protocol.Metapb.Peer askedPeer, RegionCache cache, APIVersion apiVersion)
    {
        var current = error.CurrentRegions;
        if (current.Any(r => r.Id == asked.Region.Id && r.RegionEpoch.Version < asked.Region.RegionEpoch.Version))
            return RegionReaction.TryAgain(BackoffKind.RegionMiss);     // the store is behind, not the cache
        cache.Drop(asked);
        if (current.Count == 0)
            return RegionReaction.TryAgain(BackoffKind.RegionMiss);
        foreach (var region in current)
        {
            // After a split the new regions' leaders are mostly where the old one's was.
            var leader = region.Peers.FirstOrDefault(p => p.StoreId == askedPeer.StoreId);
            if (CachedRegion.Create(apiVersion, region, leader) is { } known)
                cache.Insert(known);
        }
        return RegionReaction.TryAgain(null);
    }
}
