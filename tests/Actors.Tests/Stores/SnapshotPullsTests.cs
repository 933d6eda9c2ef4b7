using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Tests.Stores;

public sealed class SnapshotPullsTests
{
    private readonly List<string> _started = [];
    private readonly List<string> _told = [];
    private readonly List<(string Peer, string Why)> _failures = [];
    private readonly SnapshotPulls<string, string> _pulls;

    public SnapshotPullsTests() => _pulls = new SnapshotPulls<string, string>(
        2,
        (peer, _) =>
        {
            _started.Add($"for {peer}");
            return $"for {peer}";
        },
        _told.Add,
        (peer, failed) => _failures.Add((peer, failed.Why)));

    private static RaftMessage Of(ulong regionId) => new() { RegionId = regionId };

    /// <summary>Both would write into, and delete, the same folder.</summary>
    [Fact]
    public void AReceiverThatOutlivesItsPeerIsStoppedBeforeTheNextPullOfItsRegionBegins()
    {
        _pulls.Pull("first", Of(1));
        _pulls.PeerStopped("first");
        Assert.Equal(["for first"], _told);

        _pulls.Pull("second", Of(1));
        Assert.Equal(["for first"], _started);
        Assert.Equal([("second", "an earlier pull of the region has not ended yet")], _failures);

        Assert.True(_pulls.ReceiverStopped("for first"));
        _pulls.Pull("second", Of(1));
        Assert.Equal(["for first", "for second"], _started);
        Assert.Equal(["for second"], _pulls.Receivers);
        _pulls.PeerStopped("first");
        Assert.Equal(["for first"], _told);
    }

    [Fact]
    public void NoMorePullsThanAllowedAreUnderWayAndAPeerHearsOfItsReceiversEnd()
    {
        _pulls.Pull("a", Of(1));
        _pulls.Pull("b", Of(2));
        _pulls.Pull("c", Of(3));
        Assert.Equal([("c", "too many snapshots are being received")], _failures);
        Assert.True(_pulls.ReceiverStopped("for a"));
        Assert.Equal(("a", "the receiver has stopped"), _failures[^1]);
        Assert.False(_pulls.ReceiverStopped("for a"));
        _pulls.Pull("c", Of(3));
        Assert.Equal(["for a", "for b", "for c"], _started);
    }
}
