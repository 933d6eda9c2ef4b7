using Akka.Configuration;

namespace TiKvActors.Client.Tests;

public class ClientSettingsTests
{
    [Fact]
    public void The_reference_configuration_is_complete()
    {
        var settings = ClientSettings.Read(null);
        Assert.Equal(TimeSpan.FromSeconds(20), settings.CallTimeout);
        Assert.Equal(1 << 20, settings.MaxBatchBytes);
        Assert.Equal("tikv", settings.NodeSystemName);
        Assert.True(settings.MaxResponseBytes >= Protocol.RequestLimits.MaxEntryBytes + Protocol.RequestLimits.MaxEntryOverheadBytes);
        Assert.Equal(typeof(ClientSettings).GetProperties().Count(p => p.PropertyType != typeof(Config)), KeysInReference().Count);
    }

    [Fact]
    public void Overrides_go_first_and_leave_the_rest()
    {
        var settings = ClientSettings.Read(ConfigurationFactory.ParseString("tikv.client.call-timeout = 7s"));
        Assert.Equal(TimeSpan.FromSeconds(7), settings.CallTimeout);
        Assert.Equal(ClientSettings.Read(null) with { CallTimeout = settings.CallTimeout }, settings);
    }

    [Fact]
    public void The_largest_response_fits_into_the_frame()
    {
        var frame = ClientSettings.Reference.GetByteSize("akka.remote.dot-netty.tcp.maximum-frame-size");
        Assert.Equal(16L << 20, frame);
        Assert.True(ClientSettings.Read(null).MaxResponseBytes + ClientSettings.Read(null).MaxBatchBytes < frame);
    }

    private static List<string> KeysInReference() =>
        [.. ClientSettings.Reference.GetConfig("tikv.client").AsEnumerable().Select(entry => entry.Key)];
}
