namespace TiKvActors.Client.Tests;

public class EndpointTests
{
    [Fact]
    public void A_list_of_hosts_and_ports()
    {
        var endpoints = Endpoint.ParseList("a:1, b:65535,c");
        Assert.Equal(["a:1", "b:65535", "c:2551"], endpoints.Select(e => e.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("a:")]
    [InlineData(":1")]
    [InlineData("a:0")]
    [InlineData("a:65536")]
    [InlineData("a:-1")]
    [InlineData("a:x")]
    public void Anything_else_is_named(string list)
    {
        var e = Assert.Throws<InvalidRequestException>(() => Endpoint.ParseList(list));
        Assert.Contains("HOST:PORT", e.Message);
        Assert.Contains($"\"{list}\"", e.Message);
    }

    [Fact]
    public async Task Loopback_is_reached_from_loopback() =>
        Assert.Equal("127.0.0.1", await Endpoint.Parse("127.0.0.1:2551").LocalAddressAsync(default));

    [Fact]
    public async Task An_unknown_host_is_a_failed_connection()
    {
        var e =
            await Assert.ThrowsAsync<ConnectionFailedException>(() => Endpoint.Parse("no-such-host.invalid:1").LocalAddressAsync(default));
        Assert.Contains("no-such-host.invalid:1", e.Message);
    }

    [Theory]
    [InlineData("unknown,10.0.0.1", "10.0.0.1")]
    [InlineData("unknown,127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1,unknown,10.0.0.1", "10.0.0.1")]
    [InlineData("10.0.0.1,10.0.0.2,127.0.0.1", "10.0.0.1")]
    [InlineData("127.0.0.1,127.0.0.2", "127.0.0.1")]
    public async Task The_first_endpoint_that_resolves_decides_but_loopback_last(string list, string expected) =>
        Assert.Equal(expected, await Endpoint.LocalAddressAsync(Endpoint.ParseList(list), LocalAddress));

    [Fact]
    public async Task If_none_resolves_the_first_one_is_named()
    {
        var e = await Assert.ThrowsAsync<ConnectionFailedException>(
            () => Endpoint.LocalAddressAsync(Endpoint.ParseList("unknown:1,unknown:2"), LocalAddress));
        Assert.Contains("unknown:1", e.Message);
    }

    // Here every endpoint is reached from the address that it has.
    private static Task<string> LocalAddress(Endpoint endpoint) =>
        endpoint.Host == "unknown"
            ? Task.FromException<string>(new ConnectionFailedException($"{endpoint} is unknown"))
            : Task.FromResult(endpoint.Host);
}
