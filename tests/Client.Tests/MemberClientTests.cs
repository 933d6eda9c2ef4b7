using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using Verdict = TiKvActors.Protocol.MetaMembersResponse.Types.Verdict;

namespace TiKvActors.Client.Tests;

public class MemberClientTests
{
    private readonly FakeCluster _cluster = new();
    private readonly List<string> _asked = [];

    [Fact]
    public async Task One_endpoint_after_the_other_is_asked_until_one_knows()
    {
        _cluster.OnMembers = (address, _, delivery) =>
        {
            _asked.Add(address);
            delivery.WasNotCarried();
            return address switch
            {
                "n1:1" => throw new NodeUnreachableException(address, "refused"),
                "n2:2" => Task.FromResult(new MetaMembersResponse { Verdict = Verdict.Unknown, Why = "no leader" }),
                _ => Task.FromResult(new MetaMembersResponse { Members = { new MetaMembersResponse.Types.Member { Id = 7 } } }),
            };
        };
        await using var client = Connect();
        Assert.Equal(7UL, Assert.Single(await client.ListAsync()).Id);
        Assert.Equal(["n1:1", "n2:2", "n3:3"], _asked);
    }

    /// <summary>Whatever became of the attempts before: one that was recorded would be accepted once more.</summary>
    [Fact]
    public async Task A_refusal_counts_after_a_lost_answer()
    {
        _cluster.OnMembers = (address, _, _) => address == "n1:1"
            ? throw new NodeUnreachableException(address, "broke")
            : Task.FromResult(new MetaMembersResponse { Verdict = Verdict.Refused, Why = "no majority would be left" });
        await using var client = Connect();
        Assert.Contains("no majority", (await Assert.ThrowsAsync<ServerErrorException>(() => client.RemoveAsync(2))).Message);
        _cluster.OnMembers = (_, _, _) => Task.FromResult(new MetaMembersResponse { Verdict = Verdict.NotFound, Why = "member 9" });
        await Assert.ThrowsAsync<NoSuchMemberException>(() => client.RemoveAsync(9));
    }

    [Fact]
    public async Task Without_an_answer_a_change_is_undetermined_and_a_list_is_not()
    {
        var unknown = new MetaMembersResponse { Verdict = Verdict.Unknown, Why = "no majority answers" };
        _cluster.OnMembers = (_, _, _) => Task.FromResult(unknown);
        await using var client = Connect(TimeSpan.FromMilliseconds(300));
        Assert.Contains("no majority answers", (await Assert.ThrowsAsync<UndeterminedException>(() => client.AddAsync(4, "n4:4"))).Message);
        await Assert.ThrowsAsync<DeadlineExceededException>(() => client.ListAsync());
    }

    [Fact]
    public async Task Where_nobody_listens_nothing_is_undetermined()
    {
        _cluster.OnMembers = (address, _, delivery) =>
        {
            delivery.WasNotCarried();
            throw new NodeUnreachableException(address, "refused");
        };
        await using var client = Connect();
        Assert.Contains("refused", (await Assert.ThrowsAsync<ConnectionFailedException>(() => client.AddAsync(4, "n4:4"))).Message);
    }

    [Fact]
    public async Task A_malformed_address_is_not_sent()
    {
        await using var client = Connect();
        await Assert.ThrowsAsync<InvalidRequestException>(() => client.AddAsync(4, "n4:x"));
        await Assert.ThrowsAsync<InvalidRequestException>(() => client.ReplaceAsync(3, 4, ""));
    }

    private MemberClient Connect(TimeSpan? callTimeout = null) =>
        new(Endpoint.ParseList("n1:1,n2:2,n3:3"), _ => _cluster, new RawClientOptions { CallTimeout = callTimeout });
}
