using System.Diagnostics;

namespace TiKvActors.Host.Playground;

/// <summary>Starts this program once more, as a child whose standard streams are pipes.</summary>
internal static class SelfProcess
{
    public static Process Start(IEnumerable<string> arguments)
    {
        var program = typeof(SelfProcess).Assembly.Location;
        var info = Environment.ProcessPath is { } path
            && Path.GetFileNameWithoutExtension(path) == Path.GetFileNameWithoutExtension(program)
            ? new ProcessStartInfo(path)
            : new ProcessStartInfo(Environment.ProcessPath is { } host
                && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet") { ArgumentList = { program } };
        info.RedirectStandardInput = true;
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        foreach (var argument in arguments) info.ArgumentList.Add(argument);
        return Process.Start(info)!;
    }
}
