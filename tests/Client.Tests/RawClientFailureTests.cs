using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Tests;

/// <summary>What calls make of errors, lost answers, time-outs and cancellation.</summary>
public class RawClientFailureTests
{
    private const string Impatient = "tikv.client { attempt-timeout = 40ms, slow-attempt-timeout = 40ms, pd-attempt-timeout = 40ms }";
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly ReadOnlyMemory<byte> K = "k".B();

    private readonly FakeCluster _cluster = new();

    public static TheoryData<string> Retried => [.. Protocol.Errorpb.Error.Descriptor.Fields.InDeclarationOrder().Select(f => f.Name)
        .Where(f => f is not ("message" or "raft_entry_too_large" or "FlashbackInProgress" or "FlashbackNotPrepared"))];

    [Theory, MemberData(nameof(Retried))]
    public async Task After_a_region_error_that_passes_the_call_succeeds(string field)
    {
        await using var client = await _cluster.ConnectAsync();
        await client.PutAsync(K, "v".B());
        var failures = 2;
        _cluster.OnKv = (_, request, _, _) => Task.FromResult(failures-- > 0 ? FakeCluster.Failed(request, ErrorWith(field)) : null);
        Assert.Equal("v", (await client.GetAsync(K)).S());
        Assert.True(failures < 0);      // other peers may have been asked and named the leader
    }

    [Theory]
    [InlineData("raft_entry_too_large", typeof(InvalidRequestException))]
    [InlineData("FlashbackInProgress", typeof(ServerErrorException))]
    [InlineData("FlashbackNotPrepared", typeof(ServerErrorException))]
    public async Task A_region_error_that_does_not_pass_ends_the_call(string field, Type exception)
    {
        await using var client = await _cluster.ConnectAsync();
        _cluster.OnKv = (_, request, _, _) => Task.FromResult<IRegionResponse?>(FakeCluster.Failed(request, ErrorWith(field)));
        var e = await Assert.ThrowsAsync(exception, () => client.PutAsync(K, K));
        Assert.Contains("put of key \"k\"", e.Message);
    }

    [Fact]
    public async Task A_new_leader_is_found()
    {
        await using var client = await _cluster.ConnectAsync();
        await client.PutAsync(K, "1".B());
        _cluster.Lead(0, 3);
        await client.PutAsync(K, "2".B());
        Assert.Equal(["n1:1", "n1:1", "n3:3"], _cluster.KvRequests.Select(r => r.Address));
        await client.PutAsync(K, "3".B());
        Assert.Equal("n3:3", _cluster.KvRequests.Last().Address);
    }

    /// <summary>A store that is starting knows no region yet; the others go on, with or without PD.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_pd_the_last_picture_of_the_regions_is_gone_by(bool scans)
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        await client.PutAsync(K, "1".B());
        _cluster.Lead(0, 3);
        _cluster.OnPd = async (_, _, attempt) =>
        {
            await Task.Delay(Timeout.Infinite, attempt);
            return null;
        };
        _cluster.OnKv = (address, request, _, _) => Task.FromResult(
            address == "n1:1" ? FakeCluster.Failed(request, RegionErrors.RegionNotFound(request.Context.RegionId)) : null);
        if (scans)
            Assert.Equal("1", Assert.Single(await client.ScanAsync(default, default, new RawScanOptions { Reverse = true }).Select(p => p.Value.S()).ToListAsync()));
        else
            await client.PutAsync(K, "2".B());
        Assert.Equal("n3:3", _cluster.KvRequests.Last().Address);
    }

    [Fact]
    public async Task When_a_region_splits_a_batch_is_regrouped()
    {
        await using var client = await _cluster.ConnectAsync();
        await client.PutAsync(K, "warm".B());
        foreach (var key in new[] { "c", "f", "i" })
            _cluster.Split(key);
        await client.BatchPutAsync([.. "abcdefghij".Select(c => new RawKeyValue(c.ToString().B(), c.ToString().B()))]);
        Assert.Equal("abcdefghijk", string.Concat(await client.ScanAsync(default, default).Select(p => p.Key.S()).ToListAsync()));
    }

    [Fact]
    public async Task A_read_whose_answer_is_lost_asks_another_peer()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        _cluster.Lead(0, 2);
        _cluster.OnKv = LoseWhen((address, _) => address == "n1:1");
        Assert.Null(await client.GetAsync(K));
        Assert.Equal("n2:2", _cluster.KvRequests.Last().Address);
    }

    [Fact]
    public async Task A_put_whose_answer_is_lost_is_repeated()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        var losses = 1;
        _cluster.OnKv = LoseWhen((_, _) => losses-- > 0);
        await client.PutAsync(K, "v".B());
        Assert.Equal("v", (await client.GetAsync(K)).S());
    }

    [Fact]
    public async Task A_put_that_is_never_answered_is_undetermined()
    {
        await using var client = await _cluster.ConnectAsync(Impatient, callTimeout: Soon);
        _cluster.OnKv = LoseWhen((_, _) => true);
        var e = await Assert.ThrowsAsync<UndeterminedException>(() => client.PutAsync(K, K));
        Assert.Contains("outcome of put of key \"k\" is unknown", e.Message);
    }

    [Fact]
    public async Task After_a_lost_answer_no_error_makes_it_determined()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        var losses = 1;
        var lose = LoseWhen((_, _) => losses-- > 0);
        _cluster.OnKv = async (a, request, d, t) => await lose(a, request, d, t) ?? FakeCluster.Refused(request, "disk broken");
        Assert.Contains("disk broken", (await Assert.ThrowsAsync<UndeterminedException>(() => client.PutAsync(K, K))).Message);
    }

    [Fact]
    public async Task A_compare_and_swap_whose_answer_is_lost_is_not_repeated()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        _cluster.OnKv = LoseWhen((_, _) => true);
        await Assert.ThrowsAsync<UndeterminedException>(() => client.CompareAndSwapAsync(K, null, K));
        Assert.Single(_cluster.KvRequests);
    }

    [Fact]
    public async Task A_store_that_cannot_tell_makes_a_compare_and_swap_undetermined()
    {
        await using var client = await _cluster.ConnectAsync();
        _cluster.OnKv = (_, request, _, _) => Task.FromResult<IRegionResponse?>(
            FakeCluster.Failed(request, RegionErrors.UndeterminedResult("the peer stopped")));
        Assert.Contains(
            "the peer stopped", (await Assert.ThrowsAsync<UndeterminedException>(() => client.CompareAndSwapAsync(K, null, K))).Message);
    }

    [Fact]
    public async Task A_write_that_never_left_is_not_undetermined()
    {
        await using var client = await _cluster.ConnectAsync(callTimeout: Soon);
        _cluster.OnKv = (address, _, _, _) => throw new NodeUnreachableException(address, "connection refused");
        var e = await Assert.ThrowsAsync<RegionUnavailableException>(() => client.CompareAndSwapAsync(K, null, K));
        Assert.Contains("connection refused", e.Message);
        Assert.Contains("0.3 s", e.Message);
        Assert.Contains("majority", e.Message);
    }

    [Fact]
    public async Task Without_leader_the_region_is_unavailable()
    {
        await using var client = await _cluster.ConnectAsync(callTimeout: Soon);
        _cluster.OnKv =
            (_, request, _, _) => Task.FromResult<IRegionResponse?>(FakeCluster.Failed(request, RegionErrors.NotLeader(1, null)));
        var e = await Assert.ThrowsAsync<RegionUnavailableException>(() => client.PutAsync(K, K));
        Assert.Contains("region 1 has no known leader", e.Message);
        Assert.Equal(3, _cluster.KvRequests.Select(r => r.Address).Distinct().Count());
    }

    [Fact]
    public async Task Without_a_quorum_the_region_its_replicas_and_who_answered_are_named()
    {
        await using var client = await _cluster.ConnectAsync(callTimeout: TimeSpan.FromSeconds(1));
        _cluster.OnKv = (address, request, _, _) => address == "n2:2"
            ? Task.FromResult<IRegionResponse?>(FakeCluster.Failed(request, RegionErrors.NotLeader(1, null)))
            : throw new NodeUnreachableException(address, "connection refused");
        var e = await Assert.ThrowsAsync<RegionUnavailableException>(() => client.GetAsync(K));
        Assert.Contains(
            "region 1 has no quorum (of its 3 voters, store 1 did not answer: store 1 at n1:1: connection refused; store 2 answered: "
                + "region 1 has no known leader; "
            + "store 3 did not answer: store 3 at n3:3: connection refused)",
            e.Message);
    }

    [Fact]
    public async Task A_store_that_has_answered_is_not_called_silent_because_the_call_ended_during_the_next_try()
    {
        await using var client = await _cluster.ConnectAsync(callTimeout: TimeSpan.FromSeconds(1));
        var asked = 0;
        _cluster.OnKv = async (address, request, _, attempt) =>
        {
            if (address != "n2:2") throw new NodeUnreachableException(address, "connection refused");
            if (++asked > 1) await Task.Delay(Timeout.Infinite, attempt);
            return FakeCluster.Failed(request, RegionErrors.NotLeader(1, null));
        };
        var e = await Assert.ThrowsAsync<RegionUnavailableException>(() => client.GetAsync(K));
        Assert.Equal(2, asked);
        Assert.Contains("store 2 answered: region 1 has no known leader", e.Message);
    }

    [Fact]
    public async Task A_busy_cluster_says_so()
    {
        await using var client = await _cluster.ConnectAsync(callTimeout: Soon);
        _cluster.OnKv = (_, request, _, _) =>
            Task.FromResult<IRegionResponse?>(
                FakeCluster.Failed(request, RegionErrors.ServerIsBusy("too many proposals", TimeSpan.FromMilliseconds(50))));
        Assert.Contains("too many proposals", (await Assert.ThrowsAsync<ServerIsBusyException>(() => client.PutAsync(K, K))).Message);
    }

    [Fact]
    public async Task A_full_disk_says_so_and_what_to_do()
    {
        await using var client = await _cluster.ConnectAsync(callTimeout: Soon);
        _cluster.OnKv = (_, request, _, _) => Task.FromResult<IRegionResponse?>(
            FakeCluster.Failed(request, RegionErrors.DiskFull(2, "the disk of /data has 3 MiB left")));
        var e = await Assert.ThrowsAsync<DiskFullException>(() => client.PutAsync(K, K));
        Assert.Contains("disk full on store 2: the disk of /data has 3 MiB left): free space on that store's disk", e.Message);
    }

    [Fact]
    public async Task Two_stores_that_name_each_other_are_not_asked_in_a_hot_loop()
    {
        await using var client = await _cluster.ConnectAsync(callTimeout: Soon);
        var peers = _cluster.Regions[0].Peers;
        _cluster.OnKv = (address, request, _, _) => Task.FromResult<IRegionResponse?>(
            FakeCluster.Failed(request, RegionErrors.NotLeader(1, peers[address == "n1:1" ? 1 : 0])));
        await Assert.ThrowsAsync<RegionUnavailableException>(() => client.GetAsync(K));
        Assert.InRange(_cluster.KvRequests.Count, 2, 30);
    }

    [Fact]
    public async Task An_error_text_is_passed_on()
    {
        await using var client = await _cluster.ConnectAsync();
        _cluster.OnKv = (_, request, _, _) => Task.FromResult<IRegionResponse?>(
            FakeCluster.Refused(request, "ttl is not enabled, but get put request with ttl"));
        Assert.Contains(
            "ttl is not enabled",
            (await Assert.ThrowsAsync<ServerErrorException>(() => client.PutAsync(K, K, TimeSpan.FromSeconds(1)))).Message);
    }

    [Fact]
    public async Task Responses_without_an_error_text_say_it_in_their_pairs()
    {
        await using var client = await _cluster.ConnectAsync();
        var refusal = new KvPair { Error = new KeyError { Abort = "a row of 9 bytes does not fit" } };
        _cluster.OnKv = (_, request, _, _) => Task.FromResult<IRegionResponse?>(request is RawScanRequest
            ? new RawScanResponse { Kvs = { refusal } }
            : new RawBatchGetResponse { Pairs = { refusal } });
        Assert.Contains(
            "9 bytes",
            (await Assert.ThrowsAsync<ServerErrorException>(async () => await client.ScanAsync(default, default).ToListAsync())).Message);
        Assert.Contains("9 bytes", (await Assert.ThrowsAsync<ServerErrorException>(() => client.BatchGetAsync([K]))).Message);
    }

    [Fact]
    public async Task Cancelling_before_anything_left_is_a_plain_cancellation()
    {
        await using var client = await _cluster.ConnectAsync();
        var e =
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.PutAsync(K, K, cancellation: new CancellationToken(true)));
        Assert.Null(e.InnerException);
        Assert.Empty(_cluster.KvRequests);
    }

    [Fact]
    public async Task Cancelling_a_write_that_left_says_that_its_outcome_is_unknown()
    {
        await using var client = await _cluster.ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        var lose = LoseWhen((_, _) => true);
        _cluster.OnKv = (a, r, d, t) =>
        {
            var lost = lose(a, r, d, t);
            cancellation.Cancel();
            return lost;
        };
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.PutAsync(K, K, cancellation: cancellation.Token));
        Assert.IsType<UndeterminedException>(e.InnerException);
        Assert.Equal(cancellation.Token, e.CancellationToken);

        e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetAsync(K, cancellation.Token));
        Assert.Null(e.InnerException);
    }

    [Fact]
    public async Task A_pause_is_cancelled_too()
    {
        await using var client = await _cluster.ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        _cluster.OnKv = (_, request, _, _) =>
        {
            cancellation.CancelAfter(20);
            return Task.FromResult<IRegionResponse?>(
                FakeCluster.Failed(request, RegionErrors.ServerIsBusy("full", TimeSpan.FromSeconds(9))));
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetAsync(K, cancellation.Token)).WaitAsync(Patience);
    }

    [Fact]
    public async Task Another_endpoint_is_asked_when_one_is_silent()
    {
        _cluster.OnPd = async (address, _, attempt) =>
        {
            if (address == "dead:1")
                await Task.Delay(Timeout.Infinite, attempt);
            return null;
        };
        await using var client = await _cluster.ConnectAsync(Impatient, "dead:1,n1:1");
        await client.PutAsync(K, K);
        Assert.Equal(FakeCluster.Id, client.ClusterId);
    }

    [Fact]
    public async Task A_node_that_is_just_starting_is_asked_again()
    {
        var silent = 1;
        _cluster.OnPd = async (_, _, attempt) =>
        {
            if (silent-- > 0)
                await Task.Delay(Timeout.Infinite, attempt);
            return null;
        };
        await using var client = await _cluster.ConnectAsync("tikv.client.connect-timeout = 20s");
        Assert.Equal(2, _cluster.PdRequests.Count);
    }

    [Fact]
    public async Task When_no_endpoint_answers_the_error_explains_host_names()
    {
        _cluster.OnPd = (address, _, _) => throw new NodeUnreachableException(address, "connection refused");
        var e = await Assert.ThrowsAsync<ConnectionFailedException>(
            () => _cluster.ConnectAsync("tikv.client.connect-timeout = 200ms", "localhost:2551"));
        Assert.Contains("no answer from localhost:2551", e.Message);
        Assert.Contains("connection refused", e.Message);
        Assert.Contains("a message to localhost is not for a node named 127.0.0.1", e.Message);
        Assert.True(_cluster.IsDisposed);
    }

    [Fact]
    public async Task A_cluster_that_waits_for_stores_is_not_ready()
    {
        _cluster.OnPd = (_, request, _) => Task.FromResult<IPdResponse?>(request is not ScanRegionsRequest ? null : new ScanRegionsResponse
        {
            Header = new ResponseHeader
            {
                ClusterId = FakeCluster.Id,
                Error = new Protocol.Pdpb.Error { Type = ErrorType.NotBootstrapped, Message = "1 of 3 initial stores have registered" },
            },
        });
        await using var client = await _cluster.ConnectAsync(callTimeout: Soon);
        Assert.Contains("1 of 3", (await Assert.ThrowsAsync<ClusterNotReadyException>(() => client.GetAsync(K))).Message);
    }

    [Fact]
    public async Task An_error_of_PD_is_passed_on()
    {
        await using var client = await _cluster.ConnectAsync();
        _cluster.OnPd = (_, _, _) => Task.FromResult<IPdResponse?>(new ScanRegionsResponse
        {
            Header = new ResponseHeader { Error = new Protocol.Pdpb.Error { Type = ErrorType.Unknown, Message = "mismatch cluster id" } },
        });
        Assert.Contains("mismatch cluster id", (await Assert.ThrowsAsync<ServerErrorException>(() => client.GetAsync(K))).Message);
    }

    [Fact]
    public async Task Known_regions_are_served_while_PD_is_away()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        await client.PutAsync(K, "v".B());
        _cluster.OnPd = (address, _, _) => throw new NodeUnreachableException(address, "gone");
        _cluster.Lead(0, 2);
        Assert.Equal("v", (await client.GetAsync(K)).S());
    }

    [Fact]
    public async Task A_store_that_dies_together_with_PD_is_noticed_and_left_alone()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        await client.PutAsync(K, "v".B());
        _cluster.OnPd = (address, _, _) => throw new NodeUnreachableException(address, "gone");
        var elections = 4;
        _cluster.OnKv = (address, request, _, _) => address == "n1:1"
            ? throw new NodeUnreachableException(address, "gone")
            : Task.FromResult(elections-- > 0 ? FakeCluster.Failed(request, RegionErrors.NotLeader(1, null)) : null);
        _cluster.Lead(0, 3);
        Assert.Equal("v", (await client.GetAsync(K)).S());
    }

    [Fact]
    public async Task A_store_that_moved_is_found_at_its_new_address()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        await client.PutAsync(K, "v".B());
        _cluster.OnKv = (address, _, _, _) => address == "n1:1"
            ? throw new NodeUnreachableException(address, "gone")
            : Task.FromResult<IRegionResponse?>(null);
        _cluster.Addresses = ["moved:9", "n2:2", "n3:3"];
        Assert.Equal("v", (await client.GetAsync(K)).S());
        Assert.Equal("moved:9", _cluster.KvRequests.Last().Address);
    }

    /// <summary>As behind a queue of the client's own that is longer than an attempt.</summary>
    [Fact]
    public async Task A_request_that_could_not_be_sent_in_time_says_nothing_about_its_store()
    {
        await using var client = await _cluster.ConnectAsync(Impatient);
        var waits = 3;
        _cluster.OnKv = async (_, _, _, attempt) =>
        {
            if (waits-- > 0)
                await Task.Delay(Timeout.Infinite, attempt);
            return null;
        };
        // Not repeatable: it must be known that it never left.
        Assert.True((await client.CompareAndSwapAsync(K, null, "v".B())).Swapped);
        Assert.Equal(["n1:1", "n1:1", "n1:1", "n1:1"], _cluster.KvRequests.Select(r => r.Address));
    }

    [Fact]
    public async Task A_request_that_can_never_be_sent_ends_as_busy()
    {
        await using var client = await _cluster.ConnectAsync(Impatient, callTimeout: Soon);
        _cluster.OnKv = async (_, _, _, attempt) =>
        {
            await Task.Delay(Timeout.Infinite, attempt);
            return null;
        };
        var e = await Assert.ThrowsAsync<ServerIsBusyException>(() => client.PutAsync(K, K));
        Assert.Contains("to be sent to store 1", e.Message);
    }

    [Fact]
    public async Task A_store_is_told_how_long_the_attempt_lasts()
    {
        const string Timeouts = "tikv.client { attempt-timeout = 3s, slow-attempt-timeout = 7s }";
        await using var client = await _cluster.ConnectAsync(Timeouts, callTimeout: TimeSpan.FromSeconds(60));
        await client.PutAsync(K, K);
        await foreach (var pair in client.ScanAsync(default, default))
            Assert.Equal("k", pair.Key.S());
        Assert.Equal([3_000, 7_000], _cluster.KvRequests.Select(r => r.Request.Context.MaxExecutionDurationMs));
    }

    [Fact]
    public async Task Many_callers_load_a_region_once()
    {
        await using var client = await _cluster.ConnectAsync();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => client.PutAsync($"k{i}".B(), K)));
        Assert.Single(_cluster.PdRequests, r => r.Request is ScanRegionsRequest);
    }

    private static FakeCluster.KvHandler LoseWhen(Func<string, IRegionRequest, bool> condition) =>
        async (address, request, delivery, attempt) =>
        {
            if (!condition(address, request))
                return null;
            Assert.True(delivery.TryLeave());
            await Task.Delay(Timeout.Infinite, attempt);
            return null;
        };

    private static Protocol.Errorpb.Error ErrorWith(string field)
    {
        var error = new Protocol.Errorpb.Error { Message = $"test of {field}" };
        var descriptor = Protocol.Errorpb.Error.Descriptor.FindFieldByName(field);
        descriptor.Accessor.SetValue(error, Activator.CreateInstance(descriptor.MessageType.ClrType));
        return error;
    }
}
