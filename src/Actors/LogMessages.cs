using Akka.Event;
using TiKvActors.Storage;

namespace TiKvActors.Actors;

/// <summary>
/// Every log event of this project, with a stable id: TKA1xx nodes, TKA2xx regions, TKA3xx traffic between stores, TKA4xx PD, TKA5xx
/// requests, TKA6xx the Akka cluster.
/// </summary>
internal static class LogMessages
{
    public static void NodeOpened(this ILoggingAdapter log, string directory, ulong storeId, ulong clusterId) =>
        log.Info("TKA101 opened {0}: store {1} of cluster {2}", directory, storeId, clusterId);

    public static void NodeOpenFailed(this ILoggingAdapter log, string directory, Exception cause) =>
        log.Error(cause is StorageException ? null : cause, "TKA102 cannot open {0}: {1}", directory, cause.Message);

    public static void EnginesClose(this ILoggingAdapter log, string directory, string why) =>
        log.Error("TKA103 the engines of {0} cannot go on ({1}): closing both", directory, why);

    public static void StoreRegistered(this ILoggingAdapter log, ulong storeId, ulong clusterId, string address) =>
        log.Info("TKA104 store {0} is registered in cluster {1} as {2}", storeId, clusterId, address);

    public static void StoreRefused(this ILoggingAdapter log, ulong storeId, string why) =>
        log.Error("TKA105 PD refuses store {0}: {1}", storeId, why);

    public static void StoreStartedRegions(this ILoggingAdapter log, ulong storeId, int regions) =>
        log.Info("TKA106 store {0} starts {1} regions from its directory", storeId, regions);

    public static void EngineCloseFailed(this ILoggingAdapter log, string directory, Exception cause) =>
        log.Error(cause, "TKA107 cannot close {0}: {1}", directory, cause.Message);

    public static void BecameLeader(this ILoggingAdapter log, ulong regionId, ulong peerId, ulong term) =>
        log.Info("TKA201 region {0}: peer {1} leads in term {2}", regionId, peerId, term);

    public static void PeerStarted(
        this ILoggingAdapter log, ulong regionId, ulong peerId, ulong term, ulong appliedIndex, ulong lastIndex) =>
        log.Debug(
            "TKA202 region {0}: peer {1} starts in term {2}, applied {3}, last entry {4}", regionId, peerId, term, appliedIndex, lastIndex);

    public static void PeerFailed(this ILoggingAdapter log, ulong regionId, ulong peerId, string what, Exception cause) =>
        log.Error(cause, "TKA203 region {0}: peer {1} stops: {2}: {3}", regionId, peerId, what, cause.Message);

    public static void ApplyFailed(this ILoggingAdapter log, ulong regionId, ulong peerId, ulong appliedIndex, Exception cause) =>
        log.Error(cause, "TKA204 region {0}, peer {1}: cannot apply after entry {2}: {3}", regionId, peerId, appliedIndex, cause.Message);

    public static void PeerRestarts(this ILoggingAdapter log, ulong regionId, ulong peerId, TimeSpan backoff) =>
        log.Warning("TKA205 region {0}: peer {1} starts again in {2} ms", regionId, peerId, (long)backoff.TotalMilliseconds);

    public static void RegionSplit(this ILoggingAdapter log, ulong regionId, ulong peerId, int parts, string ids) =>
        log.Info("TKA206 region {0}, peer {1}: split into {2} regions: {3}", regionId, peerId, parts, ids);

    public static void PeerDestroyed(this ILoggingAdapter log, ulong regionId, ulong peerId) =>
        log.Info("TKA207 region {0}: peer {1} was removed; its data is deleted", regionId, peerId);

    public static void CorruptPeer(this ILoggingAdapter log, ulong regionId, ulong peerId, string what) =>
        log.Error("TKA208 region {0}: peer {1} refuses to take part: {2}", regionId, peerId, what);

    public static void SnapshotInstalling(this ILoggingAdapter log, ulong regionId, ulong peerId, ulong index, ulong term) =>
        log.Info("TKA209 region {0}, peer {1}: installs a snapshot at entry {2} of term {3}", regionId, peerId, index, term);

    public static void SnapshotInstalled(this ILoggingAdapter log, ulong regionId, ulong peerId, ulong index) =>
        log.Info("TKA210 region {0}, peer {1}: installed the snapshot at entry {2}", regionId, peerId, index);

    public static void LogTruncationFailed(this ILoggingAdapter log, ulong regionId, ulong peerId, Exception cause) =>
        log.Warning("TKA211 region {0}, peer {1}: the log keeps its old entries for now: {2}", regionId, peerId, cause.Message);

    public static void SplitRefused(this ILoggingAdapter log, ulong regionId, string why) =>
        log.Warning("TKA212 region {0} is not split: {1}", regionId, why);

    public static void PeerGivesUp(this ILoggingAdapter log, ulong regionId, ulong peerId) =>
        log.Info("TKA213 region {0}: peer {1} stops: it never got data, and no leader is heard", regionId, peerId);

    public static void ForeignBatch(this ILoggingAdapter log, string sender, string why) =>
        log.Warning("TKA301 messages from {0} are refused: {1}", sender, why);

    public static void LinkOverflow(this ILoggingAdapter log, ulong storeId, long dropped) =>
        log.Warning("TKA302 link to store {0}: {1} Raft messages were dropped because nothing could be sent", storeId, dropped);

    public static void SnapshotSending(this ILoggingAdapter log, ulong regionId, ulong toStore, ulong index) =>
        log.Info("TKA303 region {0}: a snapshot at entry {1} is ready for store {2}", regionId, index, toStore);

    public static void SnapshotPullFailed(this ILoggingAdapter log, ulong regionId, ulong fromStore, string why) =>
        log.Warning("TKA304 region {0}: pulling a snapshot from store {1} failed: {2}", regionId, fromStore, why);

    public static void SnapshotSourceFailed(this ILoggingAdapter log, ulong regionId, string why) =>
        log.Warning("TKA305 region {0}: a snapshot could not be served: {1}", regionId, why);

    public static void NodeUnreachable(this ILoggingAdapter log, string address, string why) =>
        log.Warning("TKA306 {0} cannot be reached: {1}", address, why);

    public static void NodeReached(this ILoggingAdapter log, string address) =>
        log.Info("TKA307 {0} is reached again", address);

    public static void PdRecovered(this ILoggingAdapter log, ulong clusterId, int stores, int regions) =>
        log.Info("TKA401 PD of cluster {0} serves: {1} stores, {2} regions known", clusterId, stores, regions);

    public static void PdFailed(this ILoggingAdapter log, string what, Exception cause) =>
        log.Error(cause, "TKA402 PD stops: {0}: {1}", what, cause.Message);

    public static void ClusterBootstrapped(this ILoggingAdapter log, ulong regionId, string stores) =>
        log.Info("TKA403 the cluster is founded: region {0} with a voter on each of the stores {1}", regionId, stores);

    public static void MetaMemberRefused(this ILoggingAdapter log, ulong memberId, string why) =>
        log.Error("TKA404 member {0} of the meta group is refused: {1}", memberId, why);

    /// <summary>Of a fenced incarnation.</summary>
    public static void PdSuperseded(this ILoggingAdapter log, string address, string why) =>
        log.Warning("TKA405 this incarnation of PD, at {0}, is superseded and ends: {1}", address, why);

    public static void PdCannotFound(this ILoggingAdapter log, string why, bool isFinal)
    {
        if (isFinal)
            log.Error("TKA406 PD does not begin: {0}", why);
        else
            log.Info("TKA406 PD waits: {0}", why);
    }

    public static void PdTookOver(this ILoggingAdapter log, ulong clusterId, ulong memberId) =>
        log.Info("TKA407 PD of cluster {0} goes on in the meta group with what it had persisted at member {1}", clusterId, memberId);

    public static void PdOriginRecorded(this ILoggingAdapter log, ulong memberId, ulong clusterId) =>
        log.Debug("TKA408 the meta group knows what the directory of member {0} held: PD of cluster {1} (0: none)", memberId, clusterId);

    public static void PdOriginNotRecorded(this ILoggingAdapter log, ulong memberId, string why) =>
        log.Warning("TKA409 the meta group does not know yet what the directory of member {0} held: {1}", memberId, why);

    public static void PdNotReleased(this ILoggingAdapter log, string address) =>
        log.Warning("TKA410 PD at {0} stops without saying so: its successor waits longer", address);

    public static void StoreChanged(this ILoggingAdapter log, ulong storeId, string address, Protocol.Metapb.NodeState state) =>
        log.Info("TKA411 store {0} at {1}: {2}", storeId, address, state);

    public static void StepRefused(this ILoggingAdapter log, ulong regionId, string step, string why) =>
        log.Debug("TKA412 region {0}: {1}, which PD asked for, is not done: {2}", regionId, step, why);

    public static void StoreRemoved(this ILoggingAdapter log, string why) => log.Error("TKA117 {0}", why);

    public static void MetaMemberWaits(this ILoggingAdapter log, ulong memberId, string why) =>
        log.Warning("TKA421 member {0} waits to be added to the meta group: {1}", memberId, why);

    public static void MetaMemberAdded(this ILoggingAdapter log, ulong memberId) =>
        log.Info("TKA422 the meta group has recorded the directory of member {0}, which takes part from now on", memberId);

    public static void MetaMembersStep(this ILoggingAdapter log, string step) =>
        log.Info("TKA423 members of the meta group: {0}", step);

    public static void MetaMembersStepFailed(this ILoggingAdapter log, string step, string why) =>
        log.Info("TKA424 members of the meta group: {0} is tried again: {1}", step, why);

    public static void MetaMemberRemoved(this ILoggingAdapter log, ulong memberId) =>
        log.Warning("TKA425 member {0} of the meta group was removed: this node goes on without it", memberId);

    public static void MembersFileLost(this ILoggingAdapter log, string file, Exception cause) =>
        log.Warning("TKA426 the members of the meta group are not kept in {0}: {1}", file, cause.Message);

    public static void ReadFailed(this ILoggingAdapter log, ulong regionId, string request, Exception cause) =>
        log.Error(cause, "TKA501 region {0}: {1} failed: {2}", regionId, request, cause.Message);

    public static void ResponseTooLarge(this ILoggingAdapter log, string response, int bytes, int limit) =>
        log.Warning("TKA502 a {0} of {1} bytes is replaced by an error: the caller takes {2}", response, bytes, limit);

    public static void StoresFileDamaged(this ILoggingAdapter log, string directory, Exception cause) =>
        log.Warning(
            cause, "TKA110 the file 'stores' in {0} is damaged, so the other stores are unknown until PD tells them: {1}", directory,
            cause.Message);

    public static void LogEndDamaged(this ILoggingAdapter log, string what) =>
        log.Warning("TKA111 {0}", what);

    public static void DiskFull(this ILoggingAdapter log, string why) =>
        log.Error("TKA112 no more data is taken: {0}", why);

    public static void DiskHasRoom(this ILoggingAdapter log, string directory, long freeMebibytes) =>
        log.Warning("TKA113 the disk of {0} has room again ({1} MiB): data is taken", directory, freeMebibytes);

    public static void HandedOver(this ILoggingAdapter log, string what, int remaining) =>
        log.Info("TKA114 {0} stops: what it led is led elsewhere, but for {1} regions", what, remaining);

    public static void HandOverUnanswered(this ILoggingAdapter log, string what, string directory) =>
        log.Warning("TKA115 the {0} in {1} stops without handing over what it leads: it does not answer", what, directory);

    public static void NodeDamaged(this ILoggingAdapter log, string directory, Exception cause) =>
        log.Error("TKA116 the store in {0} is damaged and stays closed until it is started again: {1}", directory, cause.Message);

    public static void WorkFailed(this ILoggingAdapter log, string what, Exception cause) =>
        log.Error(cause, "TKA109 {0} failed: {1}", what, cause.Message);

    public static void JoiningCluster(this ILoggingAdapter log, string member) => log.Info("TKA601 joins the cluster of {0}", member);

    public static void FoundingCluster(this ILoggingAdapter log, ulong number, ulong id) =>
        log.Info("TKA602 no voter that answers is a member: founds cluster incarnation {0} ({1:x16})", number, id);

    public static void MakingCluster(this ILoggingAdapter log) => log.Info("TKA603 makes the cluster that it has founded");

    public static void RestartNeeded(this ILoggingAdapter log, string why) =>
        log.Warning("TKA604 this actor system has to be started again: {0}", why);

    public static void MetaGroupSilent(this ILoggingAdapter log, string what, Exception cause) =>
        log.Warning("TKA605 cannot {0}: {1}", what, cause.Message);

    public static void ClientRemoved(this ILoggingAdapter log, string client) =>
        log.Info("TKA606 the client {0} does not answer: it is removed from the cluster, and may join again", client);

    public static void ShardNotWithLeader(this ILoggingAdapter log, string type, string shard, string node, string? leader) => log.Info(
        "TKA701 shard {0} of {1} goes to {2}: {3}", shard, type, node,
        leader is null ? "its leader is not known" : $"its leader's node {leader} takes no shards");
}
