using Akka.Actor;

namespace Akka.Configuration;

/// <summary>A configuration says something that cannot be.</summary>
public class ConfigurationException : AkkaException
{
    public ConfigurationException(string message)
        : base(message)
    {
    }

    public ConfigurationException(string message, Exception exception)
        : base(message, exception)
    {
    }

    public static ConfigurationException NullOrEmptyConfig<T>(string path = null) =>
        new($"Failed to instantiate {typeof(T).Name}: configuration {(path == null ? "" : $"at {path} ")}is null or empty");
}
