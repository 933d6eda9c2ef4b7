using System.Collections.Immutable;
using Akka.Configuration;
using Akka.Routing;

namespace Akka.Actor;

/// <summary>The deployments of akka.actor.deployment by path below /user; * stands for one name, ** for all that follow.</summary>
public class Deployer
{
    protected readonly Config Default;

    private readonly Settings _settings;
    private ImmutableDictionary<string, Deploy> _exact = ImmutableDictionary.Create<string, Deploy>(StringComparer.Ordinal);
    private ImmutableArray<PatternDeploy> _patterns = [];

    private sealed record PatternDeploy(string[] Pattern, Deploy Deploy);

    public Deployer(Settings settings)
    {
        _settings = settings;
        var deployment = settings.Config.GetConfig("akka.actor.deployment") ?? Config.Empty;
        Default = deployment.GetConfig("default") ?? Config.Empty;
        foreach (var section in deployment.AsEnumerable())
        {
            if (section.Key == "default") continue;
            var config = deployment.GetConfig(Quoted(section.Key));
            if (config != null && ParseConfig(section.Key, config) is { } deploy) SetDeploy(deploy);
        }
    }

    private static string Quoted(string key) => key.StartsWith('"') ? key : "\"" + key + "\"";

    /// <summary>Null if nothing is said about the path.</summary>
    public Deploy Lookup(ActorPath path) =>
        path.Elements is [var first, ..] elements && first == "user" ? Lookup(elements.Skip(1)) : null;

    public Deploy Lookup(IEnumerable<string> path)
    {
        if (_exact.IsEmpty && _patterns.IsEmpty) return null;
        var elements = path.ToArray();
        if (_exact.TryGetValue(string.Join("/", elements), out var exact)) return exact;
        return _patterns.Where(p => Matches(p.Pattern, elements)).Select(p => p.Deploy).FirstOrDefault();
    }

    private static bool Matches(string[] pattern, string[] elements)
    {
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == "**") return elements.Length > i;
            if (i >= elements.Length || (pattern[i] != "*" && pattern[i] != elements[i])) return false;
        }
        return pattern.Length == elements.Length;
    }

    /// <exception cref="IllegalActorNameException">The path has an element that is no name.</exception>
    public void SetDeploy(Deploy deploy)
    {
        var elements = deploy.Path.Trim('"').Trim('/').Split('/');
        foreach (var element in elements)
            if (element is not ("*" or "**") && !ActorPath.IsValidPathElement(element))
                throw new IllegalActorNameException(
                    $"Illegal actor name [{element}] in deployment [{deploy.Path}]. Actor paths MUST: not start with `$`, "
                        + $"include only ASCII letters and can only contain these special characters: {ActorPath.ValidSymbols}.");
        if (elements.Any(e => e is "*" or "**"))
            ImmutableInterlocked.Update(ref _patterns, (patterns, added) => patterns.Add(added), new PatternDeploy(elements, deploy));
        else
            ImmutableInterlocked.Update(
                ref _exact, (exact, added) => exact.SetItem(string.Join("/", added.elements), added.deploy), (elements, deploy));
    }

    public virtual Deploy ParseConfig(string key, Config config)
    {
        var deployment = config.WithFallback(Default);
        var router = deployment.GetString("router", null);
        return new Deploy(
            key.Trim('"'),
            deployment,
            string.IsNullOrEmpty(router) || router == "from-code" ? NoRouter.Instance : RouterFrom(router, deployment),
            Deploy.NoScopeGiven,
            deployment.GetString("dispatcher", "") ?? "",
            deployment.GetString("mailbox", "") ?? "",
            deployment.GetInt("stash-capacity", Deploy.NoStashSize));
    }

    private RouterConfig RouterFrom(string alias, Config deployment)
    {
        var mapping = "akka.actor.router.type-mapping." + alias;
        var typeName = _settings.Config.HasPath(mapping) ? _settings.Config.GetString(mapping) : alias;
        var type = Type.GetType(typeName) ?? throw new ConfigurationException($"Unknown router type [{alias}]: {typeName} is no type");
        return (RouterConfig)Activator.CreateInstance(type, deployment);
    }
}
