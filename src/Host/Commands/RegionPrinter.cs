using System.Globalization;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol.Metapb;
using RegionInfo = TiKvActors.Client.RegionInfo;

namespace TiKvActors.Host.Commands;

/// <summary>
/// Regions as tables, details and JSON. Boundaries are shown as the user keys that <c>raw</c> and <c>ctl region split</c> take.
/// </summary>
internal static class RegionPrinter
{
    public delegate string KeyFormat(ReadOnlySpan<byte> key);

    public static void Table(Output output, IEnumerable<RegionInfo> regions, KeyFormat format) =>
        output.Table(["region", "start", "end", "epoch (conf_ver, version)", "leader", "peers (store/peer)"], regions.Select(r => new[]
        {
            Text(r.Region.Id),
            Boundary(r.StartKey, "first", format),
            Boundary(r.EndKey, "last", format),
            Epoch(r.Region),
            Leader(r),
            Peers(r.Region),
        }));

    public static void Details(Output output, RegionInfo region, KeyFormat format)
    {
        output.Line($"region  {Text(region.Region.Id)}");
        output.Line($"start   {Boundary(region.StartKey, "first", format)}");
        output.Line($"end     {Boundary(region.EndKey, "last", format)}");
        output.Line($"epoch   {Epoch(region.Region)}");
        output.Line($"leader  {Leader(region)}");
        output.Line($"peers   {Peers(region.Region)}");
    }

    public static void Json(Output output, RegionInfo region, KeyFormat format) => output.JsonLine(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("id", region.Region.Id);
        json.WriteString("start", format(region.StartKey));
        json.WriteString("end", format(region.EndKey));
        json.WriteNumber("confVer", region.Region.RegionEpoch.ConfVer);
        json.WriteNumber("version", region.Region.RegionEpoch.Version);
        if (region.Leader is { } leader) json.WriteNumber("leaderStore", leader.StoreId);
        json.WriteStartArray("peers");
        foreach (var peer in region.Region.Peers)
        {
            json.WriteStartObject();
            json.WriteNumber("id", peer.Id);
            json.WriteNumber("store", peer.StoreId);
            json.WriteString("role", peer.Role.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static string Boundary(byte[] key, string unbounded, KeyFormat format) => key.Length == 0 ? $"({unbounded})" : format(key);

    private static string Epoch(Region region) => $"{Text(region.RegionEpoch.ConfVer)}, {Text(region.RegionEpoch.Version)}";

    private static string Leader(RegionInfo region) => region.Leader is { } leader ? $"store {Text(leader.StoreId)}" : "unknown";

    private static string Peers(Region region) => string.Join("  ", region.Peers.Select(p =>
        $"{Text(p.StoreId)}/{Text(p.Id)}" + (p.Role == PeerRole.Voter ? "" : $" {p.Role}")));

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
