using Google.Protobuf;

namespace TiKvActors.Client.Calls;

/// <summary>
/// One call of an application while it is tried, paused and tried again: its deadline, cancellation, and what went wrong so far.
/// The parts of a batch call share all of that (<see cref="Part"/>) but pause on their own.
/// </summary>
internal sealed class Call
{
    private readonly Shared _shared;
    private Backoff? _backoff;
    private bool _hadFreeRetry;

    public Call(Operation operation, CallKind kind, TimeSpan timeout, ClientEnvironment environment, CancellationToken cancellation)
        : this(new Shared(operation, kind, timeout, environment.Time.GetTimestamp(), environment, cancellation))
    {
    }

    private Call(Shared shared) => _shared = shared;

    public CallKind Kind => _shared.Kind;

    public CancellationToken Cancellation => _shared.Cancellation;

    public ByteString TraceId => _shared.TraceId;

    public TimeSpan Remaining
    {
        get
        {
            var left = _shared.Timeout - _shared.Environment.Time.GetElapsedTime(_shared.Start);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    public Call Part() => new(_shared);

    /// <summary>A token that is cancelled with the call, or once the attempt has lasted long enough. Dispose it.</summary>
    public CallAttempt StartAttempt(TimeSpan timeout) =>
        new(TimeSpan.FromTicks(Math.Min(timeout.Ticks, Remaining.Ticks)), _shared.Environment.Time, Cancellation);

    /// <exception cref="OperationCanceledException">Cancelled by the caller.</exception>
    /// <exception cref="TikvException">No time is left.</exception>
    public void ThrowIfOver()
    {
        if (Cancellation.IsCancellationRequested)
            throw Cancelled();
        if (Remaining == TimeSpan.Zero)
            throw GaveUp();
    }

    /// <summary>The first retry that a corrected cache allows needs no pause.</summary>
    public bool TakeFreeRetry() => !_hadFreeRetry && (_hadFreeRetry = true);

    /// <summary>Remembers why the last attempt failed; the final exception quotes it.</summary>
    public void Failed(Problem problem, string text)
    {
        Interlocked.Increment(ref _shared.FailedAttempts);
        _shared.Last = new Failure(problem, text);
    }

    public RegionInquiry Inquiry => LazyInitializer.EnsureInitialized(ref _shared.Inquiry);

    /// <summary>A write left this machine and its answer is lost.</summary>
    /// <exception cref="UndeterminedException">The write must not be tried again.</exception>
    public void LostAnswer(string text)
    {
        MayHaveHappenedUnlessRead();
        if (Kind == CallKind.ConditionalWrite)
            throw Undetermined(text);
    }

    public void MayHaveHappenedUnlessRead()
    {
        if (Kind == CallKind.Read)
            return;
        _shared.MayHaveHappened = true;
        if (ClientEvents.Listener.IsEnabled())
            ClientEvents.Listener.Write(ClientEvents.AnswerLost, null);
    }

    /// <exception cref="OperationCanceledException">Cancelled by the caller meanwhile.</exception>
    /// <exception cref="TikvException">The pause reaches the deadline.</exception>
    public async Task PauseAsync(BackoffKind kind, TimeSpan atLeast = default)
    {
        _backoff ??= new Backoff(_shared.Environment.NextRandom);
        var pause = _backoff.Next(kind, atLeast);
        var remaining = Remaining;
        try
        {
            await Task.Delay(pause < remaining ? pause : remaining, _shared.Environment.Time, Cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw Cancelled();
        }

        // A timer may be a little early: a try of a millisecond would only hide why the others failed. Who noted no failure explains it
        // itself.
        if (pause >= remaining && Volatile.Read(ref _shared.FailedAttempts) > 0)
            throw GaveUp();
    }

    /// <summary>The exception for an error that no retry would change.</summary>
    public TikvException Refused(string text) =>
        _shared.MayHaveHappened ? Undetermined(text) : new ServerErrorException($"{_shared.Operation} failed: {text}");

    public TikvException Invalid(string text) =>
        _shared.MayHaveHappened ? Undetermined(text) : new InvalidRequestException($"{_shared.Operation} refused: {text}");

    public OperationCanceledException Cancelled() => _shared.MayHaveHappened
        ? new OperationCanceledException($"{_shared.Operation} was cancelled after it was sent", Undetermined("cancelled"), Cancellation)
        : new OperationCanceledException($"{_shared.Operation} was cancelled", Cancellation);

    private UndeterminedException Undetermined(string text) => new(
        $"the outcome of {_shared.Operation} is unknown: it may or may not have happened ({text}); "
            + "read before deciding whether to repeat it");

    private TikvException GaveUp()
    {
        var (problem, text) = _shared.Last;
        var lacksQuorum = Inquiry.LacksQuorum;
        if (_shared.MayHaveHappened)
            return Undetermined($"no answer within {Seconds(_shared.Timeout)}, {Tries}; last: {(lacksQuorum ? Inquiry.ToString() : text)}");
        var message = $"{_shared.Operation} did not finish within {Seconds(_shared.Timeout)} ({Tries}; last: {text})";
        return problem switch
        {
            // Whatever the last problem was: without a quorum there are others, such as PD that is away too.
            _ when problem == Problem.NoLeader || lacksQuorum => new RegionUnavailableException(
                $"{_shared.Operation} did not finish within {Seconds(_shared.Timeout)} ({Tries}): {Inquiry}. "
                + "A region needs a majority of its voters: are enough stores running?"),
            Problem.ServerIsBusy => new ServerIsBusyException($"{message}: send less at a time, or allow more time"),
            Problem.DiskFull =>
                new DiskFullException($"{message}: free space on that store's disk (deletions are taken), or make it larger"),
            Problem.NotBootstrapped => new ClusterNotReadyException($"{message}: start the stores that the cluster waits for"),
            _ => new DeadlineExceededException(message),
        };
    }

    private string Tries => _shared.FailedAttempts == 1 ? "1 failed attempt" : $"{_shared.FailedAttempts} failed attempts";

    private static string Seconds(TimeSpan time) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    private sealed class Shared(
        Operation operation, CallKind kind, TimeSpan timeout, long start, ClientEnvironment environment, CancellationToken cancellation)
    {
        public readonly Operation Operation = operation;
        public readonly CallKind Kind = kind;
        public readonly TimeSpan Timeout = timeout;
        public readonly long Start = start;
        public readonly ClientEnvironment Environment = environment;
        public readonly CancellationToken Cancellation = cancellation;
        public readonly ByteString TraceId = environment.NextTraceId();

        /// <summary>Made when there is something to remember: nearly all calls succeed at once.</summary>
        public RegionInquiry? Inquiry;
        public int FailedAttempts;
        public volatile bool MayHaveHappened;
        public volatile Failure Last = Failure.None;
    }

    private sealed record Failure(Problem Problem, string Text)
    {
        public static readonly Failure None = new(Problem.Other, "nothing was tried yet");
    }
}

/// <summary>What an exception at the deadline is to be about.</summary>
internal enum Problem
{
    Other,
    NoLeader,
    ServerIsBusy,
    DiskFull,
    NotBootstrapped,
}
