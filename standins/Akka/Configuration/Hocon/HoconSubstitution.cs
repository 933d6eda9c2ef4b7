namespace Akka.Configuration.Hocon;

/// <summary>A reference such as <c>${a.b}</c>: stands for the value at that path of the finished text.</summary>
public class HoconSubstitution : IHoconElement, IMightBeAHoconObject
{
    protected HoconSubstitution()
    {
    }

    public HoconSubstitution(string path) => Path = path;

    public string Path { get; set; }

    /// <summary>null until the whole text has been read, and for a path that cannot name anything (such as <c>${?a}</c>).</summary>
    public HoconValue ResolvedValue { get; set; }

    public bool IsString() => ResolvedValue != null && ResolvedValue.IsString();

    public string GetString() => ResolvedValue?.GetString();

    public bool IsArray() => ResolvedValue != null && ResolvedValue.IsArray();

    public IList<HoconValue> GetArray() => ResolvedValue.GetArray();

    public bool IsObject() => ResolvedValue != null && ResolvedValue.IsObject();

    public HoconObject GetObject() => ResolvedValue?.GetObject();
}
