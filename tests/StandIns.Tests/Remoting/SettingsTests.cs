using Akka.Configuration;
using Akka.Remote;
using Akka.Remote.Transport;

namespace TiKvActors.StandIns.Tests.Remoting;

public class SettingsTests
{
    private static readonly Config _reference = ConfigurationFactory.FromResource("Akka.Remote.Configuration.Remote.conf", typeof(RemoteSettings).Assembly);

    [Theory]
    [InlineData("port = 70000")]
    [InlineData("public-port = -1")]
    [InlineData("maximum-frame-size = 31999b")]
    [InlineData("backlog = 0")]
    public void A_transport_setting_that_cannot_be_is_named(string setting)
    {
        var config = ConfigurationFactory.ParseString(setting).WithFallback(_reference.GetConfig("akka.remote.dot-netty.tcp"));
        var error = Assert.Throws<ConfigurationException>(() => new TcpSettings(config));
        Assert.Contains("akka.remote.dot-netty.tcp." + setting.Split(' ')[0], error.Message);
    }

    [Theory]
    [InlineData("system-message-buffer-size = 0")]
    [InlineData("log-remote-lifecycle-events = sometimes")]
    public void A_setting_that_cannot_be_is_named(string setting)
    {
        var config = ConfigurationFactory.ParseString("akka.remote." + setting).WithFallback(_reference);
        var error = Assert.Throws<ConfigurationException>(() => new RemoteSettings(config));
        Assert.Contains("akka.remote." + setting.Split(' ')[0], error.Message);
    }

    [Fact]
    public void The_address_of_others_is_the_public_one_if_there_is_one()
    {
        Assert.Equal("10.0.0.1", Tcp("hostname = 10.0.0.1").PublicHostname);
        Assert.Equal("db.example", Tcp("hostname = 10.0.0.1, public-hostname = db.example").PublicHostname);
        Assert.Null(Tcp("").Hostname);
        Assert.NotEmpty(Tcp("").PublicHostname);
        static TcpSettings Tcp(string settings) => new(ConfigurationFactory.ParseString(settings).WithFallback(_reference.GetConfig("akka.remote.dot-netty.tcp")));
    }

    [Fact]
    public async Task An_enforced_family_leaves_only_its_addresses()
    {
        var settings = new TcpSettings(ConfigurationFactory.ParseString("enforce-ip-family = true, dns-use-ipv6 = false").WithFallback(_reference.GetConfig("akka.remote.dot-netty.tcp")));
        Assert.All(await settings.Resolve("localhost"), a => Assert.Equal(System.Net.Sockets.AddressFamily.InterNetwork, a.AddressFamily));
        var error = await Assert.ThrowsAsync<RemoteTransportException>(() => settings.Resolve("::1"));
        Assert.Contains("enforce-ip-family", error.Message);
        await Assert.ThrowsAsync<RemoteTransportException>(() => settings.Resolve("no-such-host.invalid"));
    }
}
