using System.Diagnostics;

namespace TiKvActors.Faults;

/// <summary>Libraries in C which are preloaded into processes under test, compiled when the first test needs them.</summary>
internal static class Gcc
{
    /// <summary>Why there are none here; null if there are.</summary>
    public static string? Unavailable { get; } = !OperatingSystem.IsLinux()
        ? "libraries are preloaded for tests on Linux only"
        : HasGcc() ? null : "the libraries that are preloaded for tests need gcc";

    /// <param name="source">Beside the test's program, as is what comes out.</param>
    /// <returns>The path of what came out, which is made anew only when the source is newer.</returns>
    public static string Compile(string source, string name, params string[] options)
    {
        (source, name) = (Path.Combine(AppContext.BaseDirectory, source), Path.Combine(AppContext.BaseDirectory, name));
        if (File.Exists(name) && File.GetLastWriteTimeUtc(name) > File.GetLastWriteTimeUtc(source)) return name;
        // Several test processes may want it at once.
        var unfinished = $"{name}.{Environment.ProcessId}";
        Run("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", .. options, "-o", unfinished, source, "-ldl", "-lpthread"]);
        File.Move(unfinished, name, overwrite: true);
        return name;
    }

    /// <returns>What the program printed.</returns>
    public static string Run(string program, params string[] arguments)
    {
        using var process =
            Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.Result}{output}");
    }

    private static bool HasGcc() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "gcc")));
}

/// <summary>A test that needs a preloaded library.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GccFactAttribute : FactAttribute
{
    public GccFactAttribute() => Skip = Gcc.Unavailable;
}

/// <inheritdoc cref="GccFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GccTheoryAttribute : TheoryAttribute
{
    public GccTheoryAttribute() => Skip = Gcc.Unavailable;
}
