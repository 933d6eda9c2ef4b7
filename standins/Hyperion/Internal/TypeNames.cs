using System.Collections.Concurrent;
using System.Reflection.Metadata;
using System.Runtime.Serialization;
using System.Text.RegularExpressions;
using Hyperion.ValueSerializers;

namespace Hyperion.Internal;

/// <summary>
/// Types by name, and which of them may be written and read at all. A name from the wire is refused before the type that it names is
/// loaded; the type is looked at once more afterwards, with its base classes.
/// </summary>
internal sealed partial class TypeNames(SerializerOptions options)
{
    /// <summary>Parts of a name (generic arguments, nesting, array ranks); a deeper one is not even parsed.</summary>
    private const int MaxNodes = 100;

    private const string Core = ",%core%";

    /// <summary>
    /// Classes whose deserialization or disposal acts on the system: published gadgets. A name that contains one of these is refused.
    /// </summary>
    private static readonly string[] _dangerous =
    [
        "Microsoft.Exchange.Management.SystemManager.WinForms.ExchangeSettingsProvider",
        "System.Activities.Presentation.WorkflowDesigner",
        "System.CodeDom.Compiler.TempFileCollection",
        "System.Configuration.Install.AssemblyInstaller",
        "System.Diagnostics.Process",
        "System.IO.DirectoryInfo",
        "System.IO.FileInfo",
        "System.IO.FileSystemInfo",
        "System.IdentityModel.Tokens.SessionSecurityToken",
        "System.Management.Automation.PSObject",
        "System.Management.IWbemClassObjectFreeThreaded",
        "System.Security.Claims.ClaimsIdentity",
        "System.Security.Claims.ClaimsPrincipal",
        "System.Security.Principal.WindowsClaimsIdentity",
        "System.Security.Principal.WindowsIdentity",
        "System.Security.Principal.WindowsPrincipal",
        "System.Web.Security.RolePrincipal",
        "System.Web.UI.MobileControls.SessionViewState+SessionViewStateHistoryItem",
        "System.Windows.Data.ObjectDataProvider",
        "System.Windows.Forms.AxHost+State",
        "System.Windows.Forms.BindingSource",
        "System.Windows.ResourceDictionary",
        "TextFormattingRunProperties",
        "ToolboxItemContainer"
    ];

    private static readonly string _coreVersion = Version().Match(typeof(object).AssemblyQualifiedName!).Value;

    private static readonly HashSet<string> _primitives = Primitives.Types.Select(Short).ToHashSet();

    private readonly ConcurrentDictionary<string, Type> _loaded = new();
    private readonly ConcurrentDictionary<Type, bool> _checked = new();

    /// <summary>Class and assembly without version; the core library is marked, because it has another name on other platforms.</summary>
    /// <exception cref="UnsupportedTypeException">the type has no name of its own, as a generic parameter.</exception>
    public static string Short(Type type)
    {
        var full = type.AssemblyQualifiedName ?? throw new UnsupportedTypeException(type, $"{type} cannot be named");
        return Version().Replace(full.Replace(_coreVersion, Core), "");
    }

    /// <exception cref="EvilDeserializationException">the type must not be written or read.</exception>
    public void Check(Type type)
    {
        if (_checked.ContainsKey(type)) return;
        var element = type;
        while (element.IsArray) element = element.GetElementType()!;
        if (options.DisallowUnsafeTypes)
        {
            for (var ancestor = element; ancestor != null; ancestor = ancestor.BaseType)
                RefuseDangerous(ancestor.AssemblyQualifiedName ?? ancestor.Name);
        }
        if (!Primitives.Types.Contains(element)) RefuseFiltered(Short(element));
        _checked[type] = true;
    }

    /// <summary>How many times an array of how many arrays, then the name of what is in the innermost.</summary>
    public void Write(Stream stream, Type type)
    {
        Check(type);
        var levels = 0;
        for (; type.IsSZArray; type = type.GetElementType()!) levels++;
        if (type.HasElementType)
            throw new UnsupportedTypeException(type, $"{type} is an array of several dimensions, or no type of objects");
        stream.WriteLength(levels);
        stream.WriteText(Short(type));
    }

    /// <exception cref="EvilDeserializationException">the type must not be written or read.</exception>
    /// <exception cref="TypeLoadException">there is no such type here.</exception>
    public Type Read(Stream stream)
    {
        var levels = stream.ReadLength();
        if (levels > MaxNodes) throw new SerializationException($"{levels} arrays of arrays");
        var type = Load(stream.ReadText());
        for (; levels > 0; levels--) type = type.MakeArrayType();
        return type;
    }

    private Type Load(string name)
    {
        if (_loaded.TryGetValue(name, out var known)) return known;
        var type = LoadUnknown(name);
        // One name a type: what comes from outside must not fill the memory with others.
        if (name == Short(type)) _loaded[name] = type;
        return type;
    }

    private Type LoadUnknown(string name)
    {
        var local = options.PackageNameOverrides.Select(rename => rename(name)).FirstOrDefault(renamed => renamed != name) ?? name;
        if (options.DisallowUnsafeTypes) RefuseDangerous(local);
        if (!_primitives.Contains(local)) RefuseFiltered(local);
        if (!TypeName.TryParse(local.Replace(Core, ""), out var parsed, new TypeNameParseOptions { MaxNodes = MaxNodes })
            || parsed.AssemblyName == null || parsed.IsArray || parsed.IsPointer || parsed.IsByRef)
            throw new SerializationException("Not the name of a type");
        var type = Type.GetType(parsed.AssemblyQualifiedName, true)!;
        Check(type);
        return type;
    }

    private static void RefuseDangerous(string name)
    {
        if (_dangerous.Any(dangerous => name.Contains(dangerous, StringComparison.Ordinal)))
            throw new EvilDeserializationException($"The type {name} is refused as dangerous", name);
    }

    private void RefuseFiltered(string name)
    {
        if (!options.TypeFilter.IsAllowed(name))
            throw new UserEvilDeserializationException($"The type {name} is not among the allowed ones", name);
    }

    [GeneratedRegex(@", Version=[^,\]]+, Culture=[^,\]]+, PublicKeyToken=[^,\]]+")]
    private static partial Regex Version();
}
