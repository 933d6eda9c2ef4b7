using TiKvActors.Client.Calls;

namespace TiKvActors.Client.Tests.Calls;

public class BackoffTests
{
    public static TheoryData<string> Kinds => [.. Enum.GetNames<BackoffKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public void Pauses_double_up_to_a_cap(string name)
    {
        var kind = Enum.Parse<BackoffKind>(name);
        var backoff = new Backoff(() => 1);
        var pauses = Enumerable.Range(0, 40).Select(_ => backoff.Next(kind)).ToList();
        Assert.Equal(2, pauses[1] / pauses[0]);
        Assert.Equal(pauses.Order(), pauses);
        Assert.Equal(pauses[^1], pauses[^2]);
        Assert.InRange(pauses[^1], TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void Half_of_a_pause_is_random()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(10), new Backoff(() => 0).Next(BackoffKind.NoLeader));
        Assert.Equal(TimeSpan.FromMilliseconds(15), new Backoff(() => 0.5).Next(BackoffKind.NoLeader));
    }

    [Fact]
    public void Kinds_do_not_lengthen_each_others_pauses()
    {
        var backoff = new Backoff(() => 1);
        for (var i = 0; i < 5; i++)
            backoff.Next(BackoffKind.Unreachable);
        Assert.Equal(TimeSpan.FromMilliseconds(2), backoff.Next(BackoffKind.RegionMiss));
    }

    [Fact]
    public void The_server_may_ask_for_more() =>
        Assert.Equal(TimeSpan.FromSeconds(3), new Backoff(() => 1).Next(BackoffKind.ServerIsBusy, TimeSpan.FromSeconds(3)));
}
