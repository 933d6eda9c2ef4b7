using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Regions;

/// <summary>What the data engine holds about a peer when it starts.</summary>
/// <param name="State">Null for an uninitialised peer.</param>
/// <param name="Apply">Null for an uninitialised peer.</param>
/// <param name="Applying">Beside the state Applying: the installation that a crash interrupted.</param>
/// <param name="Campaign">A split's new peer on the store that led the parent.</param>
internal sealed record PeerStart(
    ulong RegionId, MetaPeer Self, RegionLocalState? State = null, RaftApplyState? Apply = null, ApplyingSnapshot? Applying = null,
    bool Campaign = false);

/// <summary>The peer cannot go on. Its store starts another incarnation, after a pause.</summary>
internal sealed class PeerFailedException(string message, Exception? cause = null) : Exception(message, cause);
