using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using Request = TiKvActors.Protocol.RaftCmdpb.Request;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// A client's request on its way through a peer. The peer only checks, orders and decides; what to answer is the subclass's
/// business. A request is completed exactly once, with <see cref="Fail"/> or the subclass's own completion.
/// </summary>
/// <param name="context">Names region, epoch and peer as the caller sees them.</param>
/// <param name="deadline">Monotonic time after which nobody waits for an answer any more.</param>
internal abstract class RegionRequest(Context context, TimeSpan deadline)
{
    public Context Context { get; } = context;

    public TimeSpan Deadline { get; } = deadline;

    /// <returns>Null if every key that the request touches lies in the region, else <c>key_not_in_region</c>.</returns>
    public abstract Error? CheckKeys(Region region);

    /// <summary>Any thread.</summary>
    public abstract void Fail(Error error);
}

/// <summary>Answered from a snapshot of the data engine that is known to be linearizable.</summary>
internal abstract class ReadRequest(Context context, TimeSpan deadline) : RegionRequest(context, deadline)
{
    /// <summary>Reads many rows: kept away from the readers that answer gets.</summary>
    public abstract bool IsScan { get; }

    /// <summary>Reads and answers, on a reader's thread. What it throws becomes a failure of the request.</summary>
    /// <param name="region">As it was when the read was found to be linearizable; its range bounds scans.</param>
    public abstract void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock);

    /// <summary>The data cannot be read: for the caller to know, not to try again. Any thread.</summary>
    public abstract void FailRead(string why);
}

/// <summary>Blind mutations: proposed, applied, answered.</summary>
internal abstract class WriteRequest(Context context, TimeSpan deadline) : RegionRequest(context, deadline)
{
    /// <summary>Keys and values are in engine form (architecture, section 5), without the <c>z</c> prefix.</summary>
    public abstract IReadOnlyList<Request> Mutations { get; }

    /// <summary>Sum of key and value bytes.</summary>
    public abstract int Bytes { get; }

    public abstract void Succeed();

    public override Error? CheckKeys(Region region)
    {
        foreach (var mutation in Mutations)
        {
            if (mutation.DeleteRange is { } range)
            {
                if (!KeyRange.Contains(region, range.StartKey))
                    return RegionErrors.KeyNotInRegion(range.StartKey, region);
                if (!KeyRange.ContainsAsEnd(region, range.EndKey))
                    return RegionErrors.KeyNotInRegion(range.EndKey, region);
            }
            else
            {
                var key = mutation.Put?.Key ?? mutation.Delete.Key;
                if (!KeyRange.Contains(region, key))
                    return RegionErrors.KeyNotInRegion(key, region);
            }
        }

        return null;
    }
}

/// <summary>Reads a key, decides, and writes, atomically against every other write of the region.</summary>
internal abstract class CompareAndSwapRequest(Context context, TimeSpan deadline) : RegionRequest(context, deadline)
{
    public abstract ByteString Key { get; }

    /// <summary>Where the key is read, and what <see cref="Decide"/> makes is written.</summary>
    public abstract ColumnFamily Family { get; }

    /// <param name="current">The live value; null if there is none.</param>
    /// <returns>The mutation to propose, or null if the comparison failed: nothing is written then.</returns>
    public abstract Request? Decide(ByteString? current);

    /// <param name="swapped">False if the comparison failed.</param>
    /// <param name="current">What <see cref="Decide"/> saw.</param>
    public abstract void Complete(bool swapped, ByteString? current);

    /// <summary>The key cannot be read: for the caller to know, not to try again. Any thread.</summary>
    public abstract void FailRead(string why);

    public override Error? CheckKeys(Region region) =>
        KeyRange.Contains(region, Key) ? null : RegionErrors.KeyNotInRegion(Key, region);
}

/// <summary>A command of the meta group: an entry of its own, answered with what the group's state machine made of it.</summary>
internal abstract class MetaWriteRequest(Context context, TimeSpan deadline, MetaCommand command) : RegionRequest(context, deadline)
{
    public MetaCommand Command => command;

    public int Bytes { get; } = command.CalculateSize();

    public abstract void Complete(MetaResult result);

    public override Error? CheckKeys(Region region) => null;
}

/// <summary>Splits the region at keys in engine form.</summary>
internal abstract class SplitRequest(Context context, TimeSpan deadline) : RegionRequest(context, deadline)
{
    /// <summary>Ascending, without duplicates.</summary>
    public abstract IReadOnlyList<ByteString> SplitKeys { get; }

    /// <param name="regions">All regions that came out, in key order.</param>
    public abstract void Succeed(IReadOnlyList<Region> regions);

    public override Error? CheckKeys(Region region)
    {
        foreach (var key in SplitKeys)
        {
            if (!KeyRange.Contains(region, key))
                return RegionErrors.KeyNotInRegion(key, region);
        }

        return null;
    }
}

/// <summary>Membership change: one change, or several through joint consensus; none leaves a joint configuration.</summary>
internal abstract class ChangePeersRequest(Context context, TimeSpan deadline) : RegionRequest(context, deadline)
{
    public abstract Protocol.RaftCmdpb.ChangePeerV2Request Changes { get; }

    public abstract void Succeed(Region region);

    public override Error? CheckKeys(Region region) => null;
}

/// <summary>Accepted means started: whether the transfer succeeds shows in the region's next leader.</summary>
internal abstract class TransferLeaderRequest(Context context, TimeSpan deadline) : RegionRequest(context, deadline)
{
    public abstract MetaPeer To { get; }

    public abstract void Succeed();

    public override Error? CheckKeys(Region region) => null;
}
