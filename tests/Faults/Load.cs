using System.Globalization;
using System.Text;
using TiKvActors.Client;

namespace TiKvActors.Faults;

/// <summary>
/// Writers, each with keys of its own, that know what may be stored: what was acknowledged last, or what was attempted after it and never
/// answered. A call that says it failed without effect has had none.
/// </summary>
internal sealed class Load(int writers, int seed)
{
    private const int KeysOfABatch = 8;

    private readonly Writer[] _writers = Enumerable.Range(0, writers).Select(i => new Writer(i, seed)).ToArray();

    public long Acknowledged => _writers.Sum(w => Volatile.Read(ref w.Acknowledgements));

    /// <summary>Attempts whose outcome only <see cref="VerifyAsync"/> found out.</summary>
    public int UnknownThatHappened { get; private set; }

    public int UnknownThatDidNot { get; private set; }

    /// <summary>Every writer writes until its first failure, or until it is stopped.</summary>
    public Task RunAsync(RawClient client, CancellationToken stop) => Task.WhenAll(_writers.Select(w => w.RunAsync(client, stop)));

    /// <summary>
    /// Every writer writes until it is stopped. After a failure it reads what has become of the write, which is what the failure said, and
    /// goes on.
    /// </summary>
    /// <exception cref="LostWriteException"/>
    public Task GoOnAsync(RawClient client, CancellationToken stop) => Task.WhenAll(_writers.Select(w => w.GoOnAsync(client, stop)));

    /// <summary>Writes whose failure was reported as one without effect, and had none.</summary>
    public int Failed => _writers.Sum(w => Volatile.Read(ref w.Failures));

    /// <summary>Every acknowledged write is there, every other wholly there or wholly absent.</summary>
    /// <exception cref="LostWriteException"/>
    public async Task VerifyAsync(RawClient client)
    {
        var keys = _writers.SelectMany(w => w.Keys).ToList();
        var values = await client.BatchGetAsync(keys.Select(k => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(k)).ToList());
        var stored = keys.Zip(values, (key, value) => (key, value: value is null ? null : Encoding.UTF8.GetString(value)))
            .ToDictionary(p => p.key, p => p.value);
        foreach (var writer in _writers)
        {
            if (writer.Settle(stored) is not { } happened) continue;
            if (happened) UnknownThatHappened++;
            else UnknownThatDidNot++;
        }
    }

    private sealed class Writer
    {
        private readonly int _kind;
        private readonly Random _random;
        private string? _acknowledged;
        private string? _attempted;
        private bool _isUnknown;
        private int _number;

        /// <summary>
        /// Attempts of unknown outcome since the last acknowledged one. Not there when read means not there yet: an entry that waits for a disk
        /// is in the log, and is committed when the disk goes on. Whatever is acknowledged comes after them in the log.
        /// </summary>
        private readonly HashSet<string> _mayStillHappen = [];

        /// <summary>What became of the last attempts, for the message of a failure.</summary>
        private readonly Queue<string> _outcomes = [];

        public long Acknowledgements;
        public int Failures;

        public Writer(int index, int seed)
        {
            _kind = index % 3;
            _random = new Random(HashCode.Combine(seed, index));
            Keys = Enumerable.Range(0, _kind == 1 ? KeysOfABatch : 1)
                .Select(k => string.Create(CultureInfo.InvariantCulture, $"key/{k}/{index}")).ToArray();
        }

        public string[] Keys { get; }

        public async Task GoOnAsync(RawClient client, CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                await RunAsync(client, stop);
                while (!stop.IsCancellationRequested && !await TrySettleAsync(client, stop))
                {
                    // Nobody can be read from: the fault lasts.
                }
            }
        }

        private async Task<bool> TrySettleAsync(RawClient client, CancellationToken stop)
        {
            try
            {
                var values = await client.BatchGetAsync(Keys.Select(k => (ReadOnlyMemory<byte>)Bytes(k)).ToList(), stop);
                Settle(Keys.Zip(values).ToDictionary(p => p.First, p => p.Second is { } value ? Encoding.UTF8.GetString(value) : null));
                return true;
            }
            catch (Exception e) when (e is TikvException or OperationCanceledException)
            {
                return false;
            }
        }

        public async Task RunAsync(RawClient client, CancellationToken stop)
        {
            while (!stop.IsCancellationRequested && !_isUnknown)
            {
                _attempted = _random.Next(5) == 0 && _kind == 0
                    ? null : string.Create(CultureInfo.InvariantCulture, $"{++_number}{new string('.', _random.Next(400))}");
                _isUnknown = true;
                try
                {
                    await WriteAsync(client, stop);
                    _acknowledged = _attempted;
                    _isUnknown = false;
                    _mayStillHappen.Clear();
                    Note("acknowledged");
                    Interlocked.Increment(ref Acknowledgements);
                }
                catch (Exception e) when (e is UndeterminedException || e.InnerException is UndeterminedException)
                {
                    _mayStillHappen.Add(Name(_attempted));
                    Note($"unknown ({e.Message})");
                    return;
                }
                catch (Exception e) when (e is TikvException or OperationCanceledException)
                {
                    _isUnknown = false;
                    Note($"refused ({e.Message})");
                    Interlocked.Increment(ref Failures);
                    return;
                }
                catch (SwapLateException late)
                {
                    _isUnknown = false;
                    _acknowledged = late.Found;
                    Note($"not done, {Brief(late.Found)} has happened meanwhile");
                    return;
                }
            }
        }

        /// <returns>Whether the attempt of unknown outcome has happened; null if there was none.</returns>
        public bool? Settle(Dictionary<string, string?> stored)
        {
            var found = stored[Keys[0]];
            if (Keys.Any(k => stored[k] != found))
                throw new LostWriteException(
                    $"a batch is there in parts: {string.Join(", ", Keys.Select(k => $"{k} = {Brief(stored[k])}"))}");
            var wasUnknown = _isUnknown;
            var happened = wasUnknown && found == _attempted;
            if (!happened && found != _acknowledged && !_mayStillHappen.Contains(Name(found)))
                throw new LostWriteException(
                    $"{Keys[0]} is {Brief(found)}, "
                        + $"acknowledged was {Brief(_acknowledged)}{(wasUnknown ? $", then attempted {Brief(_attempted)}" : "")}");
            _acknowledged = found;
            _isUnknown = false;
            if (wasUnknown) Note(happened ? "there when read" : "not there when read");
            return wasUnknown ? happened : null;
        }

        private async Task WriteAsync(RawClient client, CancellationToken stop)
        {
            switch (_kind)
            {
                case 0 when _attempted is null:
                    await client.DeleteAsync(Bytes(Keys[0]), stop);
                    break;
                case 0:
                    await client.PutAsync(Bytes(Keys[0]), Bytes(_attempted), null, stop);
                    break;
                case 1:
                    await client.BatchPutAsync(Keys.Select(k => new RawKeyValue(Bytes(k), Bytes(_attempted!))).ToList(), null, stop);
                    break;
                default:
                    var result = await client.CompareAndSwapAsync(
                        Bytes(Keys[0]), _acknowledged is { } expected ? Bytes(expected) : null, Bytes(_attempted!), null, stop);
                    if (result.Swapped) break;
                    var found = result.Previous is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
                    if (found != _acknowledged && _mayStillHappen.Contains(Name(found))) throw new SwapLateException(found);
                    throw new LostWriteException(
                        $"{Keys[0]} is {Brief(found)}, acknowledged was {Brief(_acknowledged)}, to be {Brief(_attempted)}; "
                            + $"before: {string.Join(", ", _outcomes)}");
            }
        }

        private void Note(string outcome)
        {
            const int Kept = 6;
            _outcomes.Enqueue($"{Brief(_attempted)} {outcome}");
            if (_outcomes.Count > Kept) _outcomes.Dequeue();
        }

        private static string Name(string? value) => value ?? "";

        private static string Brief(string? value) => value?.TrimEnd('.') ?? "absent";

        private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
    }
}

/// <summary>A swap was refused because an attempt of unknown outcome has happened since its key was read.</summary>
internal sealed class SwapLateException(string? found) : Exception
{
    public string? Found => found;
}

/// <summary>What no store may ever do.</summary>
internal sealed class LostWriteException(string message) : Exception(message);
