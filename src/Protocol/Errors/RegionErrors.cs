using System.Globalization;
using Google.Protobuf;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Protocol.Errors;

/// <summary>
/// The one place where region errors are made. Stores check in this order, because clients take key_not_in_region for a bug and
/// drop whole stores on store_not_match: store, region, peer, leader, term, epoch, key range.
/// </summary>
public static class RegionErrors
{
    public static Error StoreNotMatch(ulong requested, ulong actual) => new()
    {
        Message = Text($"to store {requested}, but this is store {actual}"),
        StoreNotMatch = new StoreNotMatch { RequestStoreId = requested, ActualStoreId = actual },
    };

    public static Error RegionNotFound(ulong regionId) => new()
    {
        Message = Text($"region {regionId} not found on this store"),
        RegionNotFound = new RegionNotFound { RegionId = regionId },
    };

    public static Error MismatchPeerId(ulong requested, ulong actual) => new()
    {
        Message = Text($"to peer {requested}, but this store has peer {actual}"),
        MismatchPeerId = new MismatchPeerId { RequestPeerId = requested, StorePeerId = actual },
    };

    /// <param name="leader">Null while nobody is known to lead.</param>
    public static Error NotLeader(ulong regionId, Peer? leader) => new()
    {
        Message = leader is null
            ? Text($"region {regionId} has no known leader")
            : Text($"peer is not leader of region {regionId}, peer {leader.Id} on store {leader.StoreId} may be"),
        NotLeader = new NotLeader { RegionId = regionId, Leader = leader },
    };

    public static Error StaleCommand(string reason) => new() { Message = $"stale command: {reason}", StaleCommand = new StaleCommand() };

    /// <param name="requested">Null if the request carried none.</param>
    /// <param name="current">The regions that now cover the old range, as far as the store knows; may be empty.</param>
    public static Error EpochNotMatch(RegionEpoch? requested, IEnumerable<Region> current)
    {
        var details = new EpochNotMatch { CurrentRegions = { current } };
        var now = details.CurrentRegions.Select(r => Text($"region {r.Id} {Show(r.RegionEpoch)}"));
        return new Error { Message = $"epoch not match: request {Show(requested)}, now {string.Join(", ", now)}", EpochNotMatch = details };
    }

    /// <param name="key">As in the region's boundaries (region key).</param>
    public static Error KeyNotInRegion(ByteString key, Region region) => new()
    {
        Message = Text($"key {KeyText.Brief(key.Span)} is not in region {region.Id} ")
            + $"[{KeyText.Brief(region.StartKey.Span)}, {KeyText.Brief(region.EndKey.Span)})",
        KeyNotInRegion = new KeyNotInRegion { Key = key, RegionId = region.Id, StartKey = region.StartKey, EndKey = region.EndKey },
    };

    public static Error ServerIsBusy(string reason, TimeSpan backoff) => new()
    {
        Message = $"server is busy: {reason}",
        ServerIsBusy = new ServerIsBusy { Reason = reason, BackoffMs = (ulong)Math.Max(0, backoff.TotalMilliseconds) },
    };

    /// <summary>The store takes no more data for now; nothing was written.</summary>
    public static Error DiskFull(ulong storeId, string reason) => new()
    {
        Message = Text($"disk full on store {storeId}: {reason}"),
        DiskFull = new DiskFull { StoreId = { storeId }, Reason = reason },
    };

    public static Error RaftEntryTooLarge(ulong regionId, ulong entryBytes, ulong limitBytes) => new()
    {
        Message = Text($"raft entry too large: {entryBytes} bytes for region {regionId}, the limit is {limitBytes}"),
        RaftEntryTooLarge = new RaftEntryTooLarge { RegionId = regionId, EntrySize = entryBytes },
    };

    public static Error ReadIndexNotReady(ulong regionId, string reason) => new()
    {
        Message = Text($"read index of region {regionId} not ready: {reason}"),
        ReadIndexNotReady = new ReadIndexNotReady { RegionId = regionId, Reason = reason },
    };

    public static Error ProposalInMergingMode(ulong regionId) => new()
    {
        Message = Text($"region {regionId} is being merged"),
        ProposalInMergingMode = new ProposalInMergingMode { RegionId = regionId },
    };

    public static Error RegionNotInitialized(ulong regionId) => new()
    {
        Message = Text($"peer of region {regionId} has no data yet"),
        RegionNotInitialized = new RegionNotInitialized { RegionId = regionId },
    };

    /// <summary>A write that was proposed and whose fate this store will not learn any more.</summary>
    public static Error UndeterminedResult(string reason)
    {
        var text = $"the outcome of the write is unknown: {reason}";
        return new Error { Message = text, UndeterminedResult = new UndeterminedResult { Message = text } };
    }

    /// <summary>The caller has given up; the work was dropped before it began. Clients match the text.</summary>
    public static Error DeadlineExceeded() => new()
    {
        Message = "Deadline is exceeded",
        ServerIsBusy = new ServerIsBusy { Reason = "deadline is exceeded" },
    };

    /// <summary>None of the others: the message is all there is.</summary>
    public static Error Other(string message) => new() { Message = message };

    private static string Show(RegionEpoch? epoch) =>
        epoch is null ? "without epoch" : Text($"conf_ver {epoch.ConfVer} version {epoch.Version}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
