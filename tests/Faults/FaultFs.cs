using System.Diagnostics;
using System.Globalization;

namespace TiKvActors.Faults;

/// <summary>
/// The file-system layer faultfs.c around a directory: processes that are started with <see cref="Environment"/> go through it. It knows
/// what they have synced, and makes their operations fail, wait or lie. Needs Linux and gcc.
/// </summary>
internal sealed class FaultFs : IDisposable
{
    private static readonly Lazy<(string Library, string Tool)> _programs = new(Compile);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tkv-faults-");

    public FaultFs()
    {
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(State);
    }

    /// <summary>Why there is no such layer here; null if there is.</summary>
    public static string? Unavailable { get; } = !OperatingSystem.IsLinux()
        ? "the file-system layer for tests needs Linux"
        : HasGcc() ? null : "the file-system layer for tests needs gcc";

    /// <summary>The directory whose files go through the layer.</summary>
    public string Root => Path.Combine(_folder.FullName, "data");

    private string State => Path.Combine(_folder.FullName, "state");

    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["LD_PRELOAD"] = _programs.Value.Library,
        ["FAULTFS_ROOT"] = Root,
        ["FAULTFS_STATE"] = State,
    };

    /// <summary>
    /// Operations that were made to fail, wait or lie, the first few hundred of each process: "eio write store-1/raft/000012.log".
    /// </summary>
    public IReadOnlyList<string> Events =>
        File.Exists(Path.Combine(State, "events")) ? File.ReadAllLines(Path.Combine(State, "events")) : [];

    /// <summary>
    /// Sets the faults, lines as faultfs.c describes them, in place of all earlier ones. They hold from now on, also for operations that
    /// wait.
    /// </summary>
    public void Set(params string[] rules)
    {
        var control = Path.Combine(State, "control");
        File.WriteAllLines(control + ".new", rules);
        File.Move(control + ".new", control, overwrite: true);
    }

    /// <summary>
    /// Brings <see cref="Root"/> into a state that a power loss could have left. Every process that used it must be dead.
    /// </summary>
    /// <param name="keepNames">Whether names that were made, changed or deleted and not synced are as they were last.</param>
    /// <param name="tails">
    /// What becomes of bytes that were appended and not synced: lost, prefix, torn, garbage, zeros, holes, random.
    /// </param>
    /// <returns>A line for each file that lost something.</returns>
    public string LosePower(bool keepNames, string tails, ulong seed) =>
        Run(_programs.Value.Tool, Root, State, keepNames ? "kept" : "lost", tails, seed.ToString(CultureInfo.InvariantCulture));

    public void Dispose() => _folder.Delete(recursive: true);

    private static bool HasGcc() =>
        (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "gcc")));

    private static (string Library, string Tool) Compile()
    {
        var folder = AppContext.BaseDirectory;
        var source = Path.Combine(folder, "faultfs.c");
        return (Compile("faultfs.so", "-shared", "-fPIC"), Compile("faultfs-tool", "-DFAULTFS_TOOL"));

        string Compile(string name, params string[] options)
        {
            var target = Path.Combine(folder, name);
            if (File.Exists(target) && File.GetLastWriteTimeUtc(target) > File.GetLastWriteTimeUtc(source)) return target;
            // Several test processes may want it at once.
            var unfinished = $"{target}.{System.Environment.ProcessId}";
            Run("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", .. options, "-o", unfinished, source, "-ldl", "-lpthread"]);
            File.Move(unfinished, target, overwrite: true);
            return target;
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process =
            Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.Result}{output}");
    }
}

/// <summary>A test that needs the layer.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FaultFsFactAttribute : FactAttribute
{
    public FaultFsFactAttribute() => Skip = FaultFs.Unavailable;
}

/// <inheritdoc cref="FaultFsFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FaultFsTheoryAttribute : TheoryAttribute
{
    public FaultFsTheoryAttribute() => Skip = FaultFs.Unavailable;
}
