using System.Globalization;

namespace TiKvActors.Faults;

/// <summary>
/// The file-system layer faultfs.c around a directory: processes that are started with <see cref="Environment"/> go through it. It knows
/// what they have synced, and makes their operations fail, wait or lie. Needs Linux and gcc.
/// </summary>
internal sealed class FaultFs : IDisposable
{
    private static readonly Lazy<(string Library, string Tool)> _programs = new(() => (
        Gcc.Compile("faultfs.c", "faultfs.so", "-shared", "-fPIC"), Gcc.Compile("faultfs.c", "faultfs-tool", "-DFAULTFS_TOOL")));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tkv-faults-");

    public FaultFs()
    {
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(State);
    }

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
        Gcc.Run(_programs.Value.Tool, Root, State, keepNames ? "kept" : "lost", tails, seed.ToString(CultureInfo.InvariantCulture));

    public void Dispose() => _folder.Delete(recursive: true);
}
