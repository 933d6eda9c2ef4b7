using Akka.Configuration;

namespace TiKvActors.Host.Management;

/// <summary><c>tikv.management</c>; reference.conf says what each key does.</summary>
internal sealed record ManagementSettings(bool Enabled, string Host, int Port, bool AllowsChanges)
{
    public static Config Reference() =>
        ConfigurationFactory.FromResource("TiKvActors.Host.reference.conf", typeof(ManagementSettings).Assembly);

    public static ManagementSettings From(Config system)
    {
        var config = system.WithFallback(Reference()).GetConfig("tikv.management");
        return new ManagementSettings(
            config.GetBoolean("enabled"), config.GetString("host"), config.GetInt("port"), config.GetBoolean("allow-changes"));
    }
}
