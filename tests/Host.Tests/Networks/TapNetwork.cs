using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace TiKvActors.Host.Tests.Networks;

/// <summary>
/// Hosts in network namespaces of their own, and the network between them: every frame passes through here, where it is delivered, delayed
/// or lost, for each direction of each pair of hosts as it is told. Host 0 is this process's own namespace, which reaches all others.
/// </summary>
internal sealed class TapNetwork : IAsyncDisposable
{
    /// <param name="Loss">The fraction of frames that are lost.</param>
    public readonly record struct Way(double Loss = 0, TimeSpan Delay = default)
    {
        public static Way Cut => new(Loss: 1);
    }

    private static readonly TimeSpan _pollTime = TimeSpan.FromMilliseconds(100);

    private static int _networks;

    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"tkv{Environment.ProcessId}-{_networks}");
    private readonly string _subnet = string.Create(
        CultureInfo.InvariantCulture, $"10.{64 + (Environment.ProcessId % 64)}.{Interlocked.Increment(ref _networks) % 256}");
    private readonly Tap[] _taps;
    private readonly Way[,] _ways;
    private readonly Lock _gate = new();
    private readonly Random _random = new(0);
    private readonly PriorityQueue<(int To, byte[] Frame), long> _delayed = new();
    private readonly List<Thread> _threads = [];
    private volatile bool _ended;

    /// <param name="hosts">Besides host 0.</param>
    public TapNetwork(int hosts)
    {
        _ways = new Way[hosts + 1, hosts + 1];
        _taps = new Tap[hosts + 1];
        for (var host = 0; host <= hosts; host++)
        {
            var device = $"{_name}-{host}";
            _taps[host] = new Tap(device);
            var within = "";
            if (host > 0)
            {
                Ip($"netns add {device}");
                Ip($"link set {device} netns {device}");
                within = $"-n {device} ";
                Ip($"{within}link set lo up");
            }

            Ip($"{within}link set {device} address 02:00:00:00:00:{host:x2}");
            Ip($"{within}addr add {AddressOf(host)}/24 dev {device}");
            Ip($"{within}link set {device} up");
        }

        for (var host = 0; host <= hosts; host++)
        {
            var from = host;
            Begin(() => Forward(from));
        }

        Begin(DeliverDelayed);
    }

    /// <summary>Null where there can be such networks.</summary>
    public static string? Unavailable { get; } = Probe();

    public string AddressOf(int host) => string.Create(CultureInfo.InvariantCulture, $"{_subnet}.{host + 1}");

    /// <summary>What a command begins with that is to run on a host other than 0.</summary>
    public string On(int host) => $"ip netns exec {_name}-{host}";

    /// <summary>One direction.</summary>
    public void Set(int from, int to, Way way)
    {
        lock (_gate) _ways[from, to] = way;
    }

    public void SetBoth(int one, int other, Way way)
    {
        Set(one, other, way);
        Set(other, one, way);
    }

    /// <summary>Hosts of different sides do not reach each other.</summary>
    public void Partition(IReadOnlyCollection<int> side, IReadOnlyCollection<int> other)
    {
        foreach (var one in side)
        {
            foreach (var two in other) SetBoth(one, two, Way.Cut);
        }
    }

    public void Heal()
    {
        lock (_gate) Array.Clear(_ways);
    }

    public ValueTask DisposeAsync()
    {
        _ended = true;
        _threads.ForEach(t => t.Join());
        foreach (var tap in _taps) tap.Dispose();
        for (var host = 1; host < _taps.Length; host++) Ip($"netns del {_name}-{host}");
        return ValueTask.CompletedTask;
    }

    private void Begin(Action work)
    {
        var thread = new Thread(() => work()) { IsBackground = true, Name = _name };
        thread.Start();
        _threads.Add(thread);
    }

    private void Forward(int from)
    {
        var buffer = new byte[1 << 16];
        while (!_ended)
        {
            var length = _taps[from].Read(buffer, _pollTime);
            if (length < 14) continue;
            // Addresses end with the host's number; those of groups are for everybody.
            var isForAll = (buffer[0] & 1) != 0;
            for (var to = 0; to < _taps.Length; to++)
            {
                if (to != from && (isForAll || buffer[5] == to)) Send(from, to, buffer.AsSpan(0, length));
            }
        }
    }

    private void Send(int from, int to, ReadOnlySpan<byte> frame)
    {
        lock (_gate)
        {
            var way = _ways[from, to];
            if (_random.NextDouble() < way.Loss) return;
            if (way.Delay > TimeSpan.Zero)
            {
                _delayed.Enqueue((to, frame.ToArray()), Stopwatch.GetTimestamp() + (long)(way.Delay.TotalSeconds * Stopwatch.Frequency));
                return;
            }
        }

        _taps[to].Write(frame);
    }

    private void DeliverDelayed()
    {
        while (!_ended)
        {
            var due = new List<(int To, byte[] Frame)>();
            lock (_gate)
            {
                while (_delayed.TryPeek(out _, out var at) && at <= Stopwatch.GetTimestamp()) due.Add(_delayed.Dequeue());
            }

            foreach (var (to, frame) in due) _taps[to].Write(frame);
            if (due.Count == 0) Thread.Sleep(1);
        }
    }

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux()) return "network namespaces are Linux's";
        if (!File.Exists("/dev/net/tun")) return "there is no /dev/net/tun";
        try
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"tkv{Environment.ProcessId}-p");
            Ip($"netns add {name}");
            try
            {
                using var tap = new Tap(name);
                Ip($"link set {name} netns {name}");
            }
            finally
            {
                Ip($"netns del {name}");
            }

            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"network namespaces cannot be made here: {e.Message}";
        }
    }

    private static void Ip(string arguments)
    {
        using var ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        var error = ip.StandardError.ReadToEnd();
        ip.WaitForExit();
        if (ip.ExitCode != 0) throw new InvalidOperationException($"ip {arguments}: {error.Trim()}");
    }

    /// <summary>A network device whose frames are read and written here. It may be moved to another namespace.</summary>
    private sealed class Tap : IDisposable
    {
        private const int ReadWrite = 2;
        private const ulong TunSetIff = 0x400454ca;
        private const short TapWithoutHeader = 0x1002;
        private const short PollIn = 1;

        private readonly int _file;

        public Tap(string device)
        {
            _file = open("/dev/net/tun", ReadWrite);
            if (_file < 0) throw new InvalidOperationException($"/dev/net/tun: {Marshal.GetLastPInvokeErrorMessage()}");
            var request = new byte[40];
            Encoding.ASCII.GetBytes(device).CopyTo(request, 0);
            BitConverter.TryWriteBytes(request.AsSpan(16), TapWithoutHeader);
            if (ioctl(_file, TunSetIff, request) >= 0) return;
            var why = Marshal.GetLastPInvokeErrorMessage();
            _ = close(_file);
            throw new InvalidOperationException($"a tap device cannot be made: {why}");
        }

        /// <returns>The frame's length; 0 if there was none in time.</returns>
        public int Read(byte[] buffer, TimeSpan patience)
        {
            var wanted = new PollRequest { File = _file, Events = PollIn };
            return poll(ref wanted, 1, (int)patience.TotalMilliseconds) > 0 ? Math.Max(0, (int)read(_file, buffer, buffer.Length)) : 0;
        }

        /// <summary>A frame for a device that is down, or full, is lost, as on any network.</summary>
        public void Write(ReadOnlySpan<byte> frame) => _ = write(_file, frame.ToArray(), frame.Length);

        public void Dispose() => _ = close(_file);

        [StructLayout(LayoutKind.Sequential)]
        private struct PollRequest
        {
            public int File;
            public short Events;
            public short Returned;
        }

#pragma warning disable IDE1006, SYSLIB1054 // libc's names
        [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        private static extern int open(string path, int flags);

        [DllImport("libc", SetLastError = true)]
        private static extern int ioctl(int file, ulong request, byte[] argument);

        [DllImport("libc", SetLastError = true)]
        private static extern int poll(ref PollRequest requests, ulong count, int milliseconds);

        [DllImport("libc", SetLastError = true)]
        private static extern nint read(int file, byte[] buffer, nint count);

        [DllImport("libc", SetLastError = true)]
        private static extern nint write(int file, byte[] buffer, nint count);

        [DllImport("libc", SetLastError = true)]
        private static extern int close(int file);
#pragma warning restore IDE1006, SYSLIB1054
    }
}

/// <summary>Skipped, with the reason, where there are no network namespaces.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NetworkFactAttribute : FactAttribute
{
    public NetworkFactAttribute() => Skip = TapNetwork.Unavailable;
}
