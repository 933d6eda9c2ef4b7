namespace TiKvActors.Protocol.Serialization;

/// <summary>The embedded reference.conf: what every actor system that speaks this protocol needs, server or client.</summary>
public static class ProtocolHocon
{
    public static string Reference { get; } = Read();

    private static string Read()
    {
        using var resource = typeof(ProtocolHocon).Assembly.GetManifestResourceStream("TiKvActors.Protocol.reference.conf")!;
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd();
    }
}
