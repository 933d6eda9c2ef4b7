namespace TiKvActors.Faults;

/// <summary>The wall clock of one process, see clockshift.c: it jumps when a test says so.</summary>
internal sealed class ClockShift(string file)
{
    private static readonly Lazy<string> _library = new(() => Gcc.Compile("clockshift.c", "clockshift.so", "-shared", "-fPIC"));

    /// <summary>Of the process; the clock is right until <see cref="Set"/>.</summary>
    public IReadOnlyDictionary<string, string> Start()
    {
        Set(TimeSpan.Zero);
        return new Dictionary<string, string> { ["LD_PRELOAD"] = _library.Value, ["CLOCKSHIFT"] = file };
    }

    /// <param name="ahead">Of the machine's clock, in whole seconds.</param>
    public void Set(TimeSpan ahead)
    {
        // In place: the process has the file mapped.
        using var stream = new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        stream.Write(BitConverter.GetBytes((long)ahead.TotalSeconds));
    }
}
