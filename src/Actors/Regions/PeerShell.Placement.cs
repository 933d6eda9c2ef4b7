using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Regions;

/// <summary>Splits, and the talk with PD: heartbeats, ids for splits, the picture after a split.</summary>
internal sealed partial class PeerShell
{
    private readonly Queue<SplitRequest> _splitsAtPd = new();
    private TimeSpan _splitAskedAt;
    private IReadOnlyList<MetaPeer> _reportedPending = [];

    private RequestHeader PdHeader() => new() { ClusterId = _host.ClusterId, SenderId = _host.Config.StoreId };

    private void ReportToPd()
    {
        if (!_peer.IsLeader)
            return;
        _lastReport = _host.Now;
        _reportedPending = _peer.PendingPeers;
        _host.TellPd(new RegionHeartbeatRequest
        {
            Header = PdHeader(),
            Region = _peer.Region,
            Leader = _peer.Self,
            Term = _peer.Term,
            PendingPeers = { _reportedPending },
        });
    }

    /// <summary>
    /// That it leads as before. The leaders of a store are due in the same tick, so that one message is enough for all of them.
    /// </summary>
    private void BeatIfDue(TimeSpan now)
    {
        var interval = _host.Settings.RegionHeartbeatInterval;
        if (now.Ticks / interval.Ticks == _lastReport.Ticks / interval.Ticks && !HasCaughtUp())
            return;
        SendBeat(now);
    }

    private void SendBeat(TimeSpan now)
    {
        _lastReport = now;
        _reportedPending = _peer.PendingPeers;
        _host.Beat(MakeBeat());
    }

    private RegionBeat MakeBeat() => new()
    {
        RegionId = _start.RegionId,
        Epoch = _peer.Region.RegionEpoch,
        LeaderId = _peer.Self.Id,
        Term = _peer.Term,
        PendingPeerIds = { _peer.PendingPeers.Select(p => p.Id) },
    };

    /// <summary>Whether a peer that was reported as pending is so no more: PD may wait for it.</summary>
    private bool HasCaughtUp() =>
        _reportedPending.Count > 0 && _peer.PendingPeers is var pending && _reportedPending.Any(p => pending.All(q => q.Id != p.Id));

    /// <summary>Carries out what PD wants done. What is refused, or gets lost, PD decides again.</summary>
    private void TakeStep(RegionHeartbeatResponse response)
    {
        if (response.Header?.Error is not null || response.Header?.ClusterId != _host.ClusterId)
            return;
        var context = new Context { RegionId = _start.RegionId, RegionEpoch = response.RegionEpoch, Peer = response.TargetPeer };
        if (response.TransferLeader?.Peer is { } to)
            _peer.Submit(new PlacedTransfer(context, to, _host.Log), _host.Now);
        else if (response.ChangePeerV2 is { } changes)
            _peer.Submit(new PlacedChange(context, changes, _host.Log), _host.Now);
    }

    private void OnRoleChange()
    {
        _wasLeader = _peer.IsLeader;
        _host.Counters.AddLeaders(_wasLeader ? 1 : -1);
        if (_wasLeader)
            _host.Log.BecameLeader(_start.RegionId, _start.Self.Id, _peer.Term);
    }

    private void OnSplit(SplitTask split)
    {
        StartCreated(split.Derived, split.Created, split.Campaign);
        _host.Log.RegionSplit(_start.RegionId, _start.Self.Id, split.Regions.Count, string.Join(", ", split.Regions.Select(r => r.Id)));
        if (split.Campaign)
            _host.TellPd(new ReportBatchSplitRequest { Header = PdHeader(), Regions = { split.Regions } });
    }

    private void StartCreated(Region derived, IReadOnlyList<Region> created, bool campaign)
    {
        _failPoints.Hit(RegionFailPoints.SplitApplied);
        _host.Ranges.Own([derived, .. created]);
        _failPoints.Hit(RegionFailPoints.SplitOwned);
        _host.RegionsCreated(created, campaign);
        _failPoints.Hit(RegionFailPoints.SplitTold);
    }

    /// <summary>What was applied just before this peer stopped applying: its new neighbours exist all the same.</summary>
    private void StartCreated(Applier.Applied last)
    {
        foreach (var split in last.Effects.OfType<ApplyEffect.Split>())
            StartCreated(split.Derived, split.Created, campaign: false);
    }

    private void AskForSplitIds(SplitRequest split)
    {
        _failPoints.Hit(RegionFailPoints.SplitIdsWanted);
        _splitsAtPd.Enqueue(split);
        if (_splitsAtPd.Count == 1)
            AskPd(split);
    }

    private void AskPd(SplitRequest split)
    {
        _splitAskedAt = _host.Now;
        _host.TellPd(new AskBatchSplitRequest { Header = PdHeader(), Region = _peer.Region, SplitCount = (uint)split.SplitKeys.Count });
    }

    private bool OnPdMessage(object message)
    {
        switch (message)
        {
            case AskBatchSplitResponse response:
                OnSplitIds(response);
                return true;
            case RegionHeartbeatResponse response:
                TakeStep(response);
                return true;
            case RegionPeer.ReportToPd:
                ReportToPd();
                return true;
            case ReportBatchSplitResponse:
                return true;
            default:
                return false;
        }
    }

    private void OnSplitIds(AskBatchSplitResponse response)
    {
        // An answer that comes after the request was given up.
        if (!_splitsAtPd.TryPeek(out var split) || response.Ids.Count != 0 && response.Ids.Count != split.SplitKeys.Count)
            return;
        _failPoints.Hit(RegionFailPoints.SplitIdsGiven);
        _splitsAtPd.Dequeue();
        var refusal = response.Header.Error?.Message;
        if (refusal is not null)
            _host.Log.SplitRefused(_start.RegionId, refusal);
        _peer.ProposeSplit(split, refusal is null ? response.Ids : null, refusal ?? "");
        if (_splitsAtPd.TryPeek(out var next))
            AskPd(next);
    }

    /// <summary>PD did not answer in time. Ids that it may have given out are lost, which costs nothing.</summary>
    private void ExpireSplits(TimeSpan now)
    {
        if (!_splitsAtPd.TryPeek(out var split) || now - _splitAskedAt < _host.SnapshotSettings.ChunkTimeout)
            return;
        _splitsAtPd.Dequeue();
        _peer.ProposeSplit(split, null, "PD does not answer");
        if (_splitsAtPd.TryPeek(out var next))
            AskPd(next);
    }
}
