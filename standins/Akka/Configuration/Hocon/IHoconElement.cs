namespace Akka.Configuration.Hocon;

/// <summary>One piece of a value: a literal, a list, an object or a substitution.</summary>
public interface IHoconElement
{
    bool IsString();

    string GetString();

    bool IsArray();

    IList<HoconValue> GetArray();
}

public interface IMightBeAHoconObject
{
    bool IsObject();

    HoconObject GetObject();
}
