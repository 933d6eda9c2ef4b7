using System.Diagnostics;

namespace TiKvActors.Conformance;

/// <summary>Node.js and the packages that node/package-lock.json names, beside the tests' own output.</summary>
internal static class NodePackages
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(3);
    private static readonly Lazy<string?> _unavailable = new(Install);

    public static string Directory { get; } = Path.Combine(AppContext.BaseDirectory, "node");

    /// <summary>Null: they are there.</summary>
    public static string? Unavailable => _unavailable.Value;

    /// <returns>Exit status, standard output, standard error.</returns>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Directory, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        })!;
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(_patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return (-1, await output, await errors + $"killed after {_patience}");
        }

        return (process.ExitCode, await output, await errors);
    }

    private static string? Install()
    {
        var (wanted, installed) = (File.ReadAllText(Path.Combine(Directory, "package-lock.json")), Path.Combine(Directory, "installed"));
        if (File.Exists(installed) && File.ReadAllText(installed) == wanted)
            return null;
        try
        {
            // Discovery of tests is synchronous.
#pragma warning disable VSTHRD002
            if (Task.Run(() => RunAsync("node", "--version")).GetAwaiter().GetResult() is not (0, var version, _) || !IsRecent(version))
                return "the foreign client of gRPC needs Node.js 20 or later";
            var (exitCode, _, errors) =
                Task.Run(() => RunAsync("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")).GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
            if (exitCode != 0)
                return $"npm could not install the foreign client of gRPC: {errors.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "the foreign client of gRPC needs Node.js 20 or later, with npm";
        }

        File.WriteAllText(installed, wanted);
        return null;
    }

    private static bool IsRecent(string version) => int.TryParse(version.TrimStart('v').Split('.')[0], out var major) && major >= 20;
}

/// <summary>A test that needs them.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute() => Skip = NodePackages.Unavailable;
}
