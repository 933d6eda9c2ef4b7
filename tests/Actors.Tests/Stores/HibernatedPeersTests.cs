using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Stores;

/// <summary>A store's peers that hibernate, by name; it may lose others after a second.</summary>
public sealed class HibernatedPeersTests
{
    private readonly List<string> _woken = [];
    private readonly List<ulong> _signs = [];
    private readonly HibernatedPeers<string> _peers;
    private TimeSpan _now = TimeSpan.FromSeconds(100);

    public HibernatedPeersTests() => _peers = new HibernatedPeers<string>(
        TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), new Random(1),
        (peer, reason, store) => _woken.Add($"{peer} {reason} {store}"),
        _signs.Add);

    [Fact]
    public void AStoreThatFallsSilentWakesThoseWithAPeerThere()
    {
        Sleep("a", 1, 2, 3);
        Sleep("b", 2, 3, 4);
        Pass(0.9, hear: [3, 4]);
        Assert.Empty(_woken);
        Pass(0.2, hear: [3, 4]);
        Assert.Equal(["a Silence 2"], _woken);
    }

    /// <summary>Its word may have been lost, or the peer may have fallen asleep again before it came.</summary>
    [Fact]
    public void WhoGoesOnSleepingIsWokenAgain()
    {
        Sleep("a", 1, 2);
        Pass(2.3);
        Assert.Equal(["a Silence 2", "a Silence 2"], _woken);
        _peers.Woke("a");
        Pass(5);
        Assert.Equal(2, _woken.Count);
        Assert.Equal(0, _peers.Count);
    }

    [Fact]
    public void AnotherIncarnationIsALoss()
    {
        Sleep("a", 1, 2);
        _peers.Heard(2, 7, _now);
        _peers.Heard(2, 7, _now);
        Assert.Empty(_woken);
        _peers.Heard(2, 8, _now);
        Assert.Equal(["a NewIncarnation 2"], _woken);
    }

    [Fact]
    public void WhatTheClusterMissesIsLost()
    {
        Sleep("a", 1, 2);
        _peers.Lost(3, WakeReason.Membership);
        Assert.Empty(_woken);
        _peers.Lost(2, WakeReason.Membership);
        Assert.Equal(["a Membership 2"], _woken);
    }

    /// <summary>One for all regions, and none to those of whom no region here thinks.</summary>
    [Fact]
    public void SignsOfLifeGoToStoresWithWhichRegionsSleep()
    {
        Pass(1);
        Assert.Empty(_signs);
        Sleep("a", 1, 2, 3);
        Sleep("b", 2, 2, 3);
        Pass(1, hear: [2, 3]);
        Assert.Equal(4, _signs.Count(s => s == 2));
        Assert.Equal(4, _signs.Count(s => s == 3));
        _peers.Woke("a");
        _peers.Woke("b");
        _signs.Clear();
        Pass(1);
        Assert.Empty(_signs);
    }

    /// <summary>After a pause of the process the words of others still wait in its mailbox.</summary>
    [Fact]
    public void AStoreThatWasHeldUpBlamesNobody()
    {
        Sleep("a", 1, 2);
        Pass(0.5);
        _now += TimeSpan.FromSeconds(30);
        Pass(0.9);
        Assert.Empty(_woken);
        Pass(0.2);
        Assert.Equal(["a Silence 2"], _woken);
    }

    /// <summary>A store that nobody here listened to had no reason to speak.</summary>
    [Fact]
    public void TheSilenceBeforeSomebodyFellAsleepDoesNotCount()
    {
        Sleep("a", 1, 2);
        _peers.Woke("a");
        Pass(30);
        Sleep("a", 1, 2);
        Pass(0.9);
        Assert.Empty(_woken);
    }

    [Fact]
    public void OnceInAWhileEveryPeerIsWokenAndNotAllAtOnce()
    {
        for (var i = 0; i < 100; i++)
            Sleep($"p{i}", (ulong)i, 2);
        Pass(59, hear: [2]);
        Assert.Empty(_woken);
        Pass(6, hear: [2]);
        Assert.InRange(_woken.Count, 1, 30);
        Pass(55, hear: [2]);
        Assert.Equal(100, _woken.Select(w => w.Split(' ')[0]).Distinct().Count());
        Assert.All(_woken, w => Assert.EndsWith("Check 0", w));
    }

    [Fact]
    public void PdGoesOnHearingOfLeaders()
    {
        Sleep("a", 1, 2);
        _peers.Slept("b", new Hibernation(2, [2], new RegionBeat { RegionId = 2 }), _now);
        Assert.Equal([2ul], _peers.Beats.Select(b => b.RegionId));
        Assert.Equal(2, _peers.Count);
    }

    private void Sleep(string peer, ulong regionId, params ulong[] others) =>
        _peers.Slept(peer, new Hibernation(regionId, others, null), _now);

    private void Pass(double seconds, params ulong[] hear)
    {
        for (var end = _now + TimeSpan.FromSeconds(seconds); _now < end;)
        {
            _now += TimeSpan.FromMilliseconds(50);
            foreach (var store in hear)
                _peers.Heard(store, 1, _now);
            _peers.Tick(_now);
        }
    }
}
