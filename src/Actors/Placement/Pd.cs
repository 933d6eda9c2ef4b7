using System.Security.Cryptography;
using Akka.Actor;
using Akka.Event;
using Akka.Pattern;
using Akka.Persistence;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Placement;

/// <param name="ReleaseTimeout">How long an incarnation that ends in order tries to say so.</param>
/// <param name="Timestamps">With the lease that an incarnation has if there is a meta group.</param>
/// <param name="RestartBackoff">Before PD begins anew after a failure; doubles up to the maximum.</param>
internal sealed record PdSettings(
    PdConfig Config,
    int SnapshotInterval,
    TimestampOracleConfig Timestamps,
    TimeSpan ReleaseTimeout,
    TimeSpan RestartBackoff,
    TimeSpan RestartBackoffMax);

/// <summary>What PD draws by lot.</summary>
/// <param name="ClusterId">Not 0. Drawn once in a cluster's life.</param>
/// <param name="IncarnationId">16 bytes.</param>
internal sealed record PdRandom(Func<ulong> ClusterId, Func<ByteString> IncarnationId)
{
    public static PdRandom Secure { get; } = new(
        () => (ulong)RandomNumberGenerator.GetInt32(1, int.MaxValue) << 32 | (uint)RandomNumberGenerator.GetInt32(int.MaxValue),
        () => ByteString.CopyFrom(RandomNumberGenerator.GetBytes(16)));
}

/// <summary>
/// The shell of <see cref="PdState"/>: an answer leaves when its events are durable. It persists in the meta group, or without one in the
/// node's own journal. An incarnation that is overtaken by another one cannot persist any more, and ends.
/// <code>
///   Founding (an empty journal: what do the members' directories hold?) ──► Starting (IncarnationStarted is on its way) ──► Serving
///        └──────────────────────┴──────────────── Release ───────────────────────────────────────┴──► Releasing
/// </code>
/// </summary>
internal sealed class Pd : UntypedPersistentActor
{
    public const string Id = "pd";

    /// <summary>End in order: the successor need not wait for what this incarnation may have promised.</summary>
    public sealed class Release
    {
        public static readonly Release Instance = new();
    }

    /// <summary>Who waits for timestamps.</summary>
    /// <param name="WantsMinimum">By a <see cref="GetMinTSRequest"/>.</param>
    private readonly record struct Asker(IActorRef Ref, bool WantsMinimum)
    {
        public void Tell(TsoResponse answer) => Ref.Tell(WantsMinimum
            ? new GetMinTSResponse { Header = answer.Header, Timestamp = answer.Timestamp }
            : answer);
    }

    private sealed class ReleaseTimedOut
    {
        public static readonly ReleaseTimedOut Instance = new();
    }

    private sealed class LeaseOver
    {
        public static readonly LeaseOver Instance = new();
    }

    private sealed class ReadOrigins
    {
        public static readonly ReadOrigins Instance = new();
    }

    private sealed record OriginsRead(IReadOnlyList<MetaMember> Members, IReadOnlyList<PlacementOrigin> Origins);

    private sealed record OriginsUnread(Exception Cause);

    private readonly PdSettings _settings;
    private readonly IReadOnlyList<MetaMember> _members;
    private readonly PdRandom _random;
    private readonly PdState _state;
    private readonly TimestampOracleConfig _timestampConfig;
    private readonly TimestampOracle<Asker> _timestamps;
    private readonly MonotonicClock _clock = new(TimeProvider.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private string _lastObstacle = "";
    private bool _isReleasing;

    /// <summary>Number of the last event in <see cref="_state"/>; <c>LastSequenceNr</c> counts those on their way, too.</summary>
    private long _appliedTo;
    private long _nextSnapshot;

    public Pd(PdSettings settings, IReadOnlyList<MetaMember> members, PdRandom random)
    {
        (_settings, _members, _random) = (settings, members, random);
        _state = new PdState(settings.Config, random.IncarnationId());
        _timestampConfig = members.Count > 0 ? settings.Timestamps : settings.Timestamps with { Lease = null };
        _timestamps = new TimestampOracle<Asker>(_timestampConfig);
        if (members.Count == 0)
            return;
        JournalPluginId = "akka.persistence.journal.replicated";
        SnapshotPluginId = "akka.persistence.snapshot-store.replicated";
    }

    public override string PersistenceId => Id;

    /// <summary>A supervisor, which begins a new incarnation after one that has failed, and ends with one that is released.</summary>
    /// <param name="members">Of the meta group; empty: there is none.</param>
    public static Props Props(PdSettings settings, IReadOnlyList<MetaMember> members, PdRandom random)
    {
        var incarnation = Akka.Actor.Props.Create(() => new Pd(settings, members, random));
        return BackoffSupervisor.Props(
            Backoff.OnStop(incarnation, "incarnation", settings.RestartBackoff, settings.RestartBackoffMax, randomFactor: 0.2)
                .WithDefaultStoppingStrategy()
                .WithFinalStopMessage(message => message is Release));
    }

    // ---- Beginning

    public static void Recover(PdState state, object message)
    {
        if (message is SnapshotOffer { Snapshot: PlacementSnapshot snapshot })
            state.Restore(snapshot);
        else if (message is IMessage @event)
            state.Apply(@event);
    }

    protected override void OnRecover(object message)
    {
        if (message is not RecoveryCompleted)
        {
            Recover(_state, message);
            return;
        }

        _appliedTo = LastSequenceNr;
        ScheduleSnapshot();
        if (_members.Count == 0)
            StartAlone();
        else if (_state.IsFounded)
            Start([]);
        else
            AskForOrigins();
    }

    /// <summary>Only the very first start writes: while the disk takes nothing, PD still answers what it knows.</summary>
    private void StartAlone()
    {
        PersistAll(_state.IsFounded ? [] : Founding.New(_settings.Config, _random.ClusterId()), Apply);
        DeferAsync(0, _ =>
        {
            _state.StartAlone();
            Serve();
        });
    }

    private void AskForOrigins() => PlacementOrigins.ReadAsync(MetaClient.Get(Context.System), _members)
        .PipeTo(
            Self, success: read => new OriginsRead(read.Members, read.Origins), failure: e => new OriginsUnread(e.GetBaseException()));

    private void Found(IReadOnlyList<MetaMember> members, IReadOnlyList<PlacementOrigin> origins)
    {
        var decision = Founding.Decide(_settings.Config, members, origins, _random.ClusterId());
        if (decision.Events is { } events)
            Start(events);
        else
            StayUnfounded(decision.Why, decision.IsFinal);
    }

    private void StayUnfounded(string why, bool isFinal)
    {
        _state.Wait(why);
        if (_lastObstacle != why)
            _log.PdCannotFound(why, isFinal);
        _lastObstacle = why;
        Context.System.Scheduler.ScheduleTellOnce(_settings.RestartBackoff, Self, ReadOrigins.Instance, Self);
    }

    // Until they are durable, requests are refused rather than held back.
    private void Start(IReadOnlyList<IMessage> founding) => PersistAllAsync(_state.Start(founding), @event =>
    {
        Apply(@event);
        if (@event is IncarnationStarted && !_isReleasing)
            Serve();
    });

    private void Serve()
    {
        _log.PdRecovered(_state.ClusterId, _state.Stores.Count(), _state.Regions.Count);
        var window = _state.TimestampWindow;
        _timestamps.Start(window?.End ?? 0, TimeSpan.FromMilliseconds(window?.LeaseMillis ?? 0), _clock.Now);
        AwaitLeaseOver();
    }

    // ---- Serving

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case SaveSnapshotSuccess saved:
                DeleteMessages(saved.Metadata.SequenceNr);
                DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
                break;
            case SaveSnapshotFailure failure:
                _log.PdFailed("its snapshot was not saved; the journal stays longer", failure.Cause);
                break;
            case DeleteMessagesSuccess or DeleteMessagesFailure or DeleteSnapshotsSuccess or DeleteSnapshotsFailure:
                break;
            case OriginsRead read:
                Found(read.Members, read.Origins);
                break;
            case OriginsUnread unread:
                StayUnfounded(unread.Cause.Message, isFinal: false);
                break;
            case ReadOrigins:
                AskForOrigins();
                break;
            case TsoRequest request:
                TakeTimestamps(request, new Asker(Sender, WantsMinimum: false));
                break;
            case GetMinTSRequest request:
                TakeTimestamps(new TsoRequest { Header = request.Header, Count = 1 }, new Asker(Sender, WantsMinimum: true));
                break;
            case LeaseOver:
                AwaitLeaseOver();
                break;
            case Release:
                BeginRelease();
                break;
            case ReleaseTimedOut:
                Context.Stop(Self);
                break;
            default:
                if (_state.Process(message, _clock.Now, _clock.UnixMilliseconds) is { } decision)
                    Answer(decision);
                else
                    Unhandled(message);
                break;
        }
    }

    private void Answer(PdDecision decision)
    {
        if (decision.Events.Count == 0)
        {
            Sender.Tell(decision.Answer);
            return;
        }

        var sender = Sender;
        var left = decision.Events.Count;
        PersistAll(decision.Events, @event =>
        {
            Apply(@event);
            if (--left > 0)
                return;
            _state.ObserveLeaders();
            sender.Tell(decision.Answer);
            SaveSnapshotIfDue();
        });
    }

    // Akka.Persistence takes a snapshot for the sum of all events that have a number, also of those that are still on their way.
    private void SaveSnapshotIfDue()
    {
        if (_appliedTo < _nextSnapshot || _appliedTo < LastSequenceNr)
            return;
        SaveSnapshot(_state.ToSnapshot());
        ScheduleSnapshot();
    }

    private void ScheduleSnapshot() => _nextSnapshot = (_appliedTo / _settings.SnapshotInterval + 1) * _settings.SnapshotInterval;

    private void Apply(IMessage @event)
    {
        _state.Apply(@event);
        _appliedTo++;
        if (@event is ClusterBootstrapped bootstrapped)
            _log.ClusterBootstrapped(bootstrapped.FirstRegion.Id, string.Join(", ", bootstrapped.FirstRegion.Peers.Select(p => p.StoreId)));
        else if (@event is StoreTableChanged { Store: var store })
            _log.StoreChanged(store.Id, store.Address, store.NodeState);
        else if (@event is PlacementTakenOver taken)
            _log.PdTookOver(taken.State.Identity.ClusterId, taken.MemberId);
    }

    // ---- Timestamps

    /// <summary>Of another incarnation.</summary>
    private void AwaitLeaseOver()
    {
        if (_isReleasing)
            return;
        if (_timestamps.ServesFrom - _clock.Now is var left && left > TimeSpan.Zero)
            Context.System.Scheduler.ScheduleTellOnce(left, Self, LeaseOver.Instance, Self);
        else
            IssueTimestamps();
    }

    private void TakeTimestamps(TsoRequest request, Asker asker)
    {
        if (_state.Refuse(request) is { } refusal)
            asker.Tell(refusal);
        else if (_timestamps.TryEnqueue(asker, request.Count))
            IssueTimestamps();
        else
            asker.Tell(_state.NoTimestamp("too many requests wait for timestamps"));
    }

    // The clock is read anew for every step: the process may have been stopped in between.
    private void IssueTimestamps()
    {
        _timestamps.Prepare(_clock.Now, _clock.UnixMilliseconds);
        foreach (var answer in _timestamps.TakeAnswers(_clock.Now))
            answer.Caller.Tell(_state.Timestamps(answer.Count, answer.Last));
        if (_timestamps.ExtendWindow(_clock.Now, _clock.UnixMilliseconds) is not { } end)
            return;
        PersistAsync(_state.ExtendTimestamps(end, _timestampConfig.Lease), @event =>
        {
            Apply(@event);
            _timestamps.WindowExtended();
            IssueTimestamps();
            SaveSnapshotIfDue();
        });
    }

    private void EndTimestamps(string why)
    {
        foreach (var caller in _timestamps.End())
            caller.Tell(_state.NoTimestamp(why));
    }

    // ---- Ending

    protected override void PostStop()
    {
        EndTimestamps("this PD has ended");
        base.PostStop();
    }

    private void BeginRelease()
    {
        if (_isReleasing)
            return;
        _isReleasing = true;
        EndTimestamps("PD moves to another node");
        if (!_state.IsServing)
        {
            // There is nothing to say, or its own start is not known to be durable.
            Context.Stop(Self);
            return;
        }

        Context.System.Scheduler.ScheduleTellOnce(_settings.ReleaseTimeout, Self, ReleaseTimedOut.Instance, Self);
        PersistAsync(_state.Release(), _ => Context.Stop(Self));
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        if (cause.GetBaseException() is FencedException fenced)
            _log.PdSuperseded(_settings.Config.Address, fenced.Message);
        else
            _log.PdFailed($"event {sequenceNr} was not persisted", cause);
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _log.PdFailed($"event {sequenceNr} was rejected", cause);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _log.PdFailed("it could not be recovered", reason);
}
