using System.Text;
using System.Text.Json;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Management;

/// <summary>The Akka cluster as one node sees it.</summary>
internal static class ClusterJson
{
    public static string Text(ClusterStateResponse state)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) Write(json, state);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    public static void Write(Utf8JsonWriter json, ClusterStateResponse state)
    {
        json.WriteStartObject();
        json.WriteString("asked", state.Self.Address);
        json.WriteString("leader", state.Leader);
        json.WriteString("pd", state.Pd);
        json.WriteStartArray("members");
        foreach (var member in state.Members)
        {
            json.WriteStartObject();
            json.WriteString("address", member.Address);
            json.WriteNumber("uid", member.Uid);
            json.WriteString("status", member.Status);
            json.WriteBoolean("unreachable", member.Unreachable);
            json.WriteStartArray("roles");
            foreach (var role in member.Roles) json.WriteStringValue(role);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
