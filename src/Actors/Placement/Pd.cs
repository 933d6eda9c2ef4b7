using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Google.Protobuf;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Placement;

/// <summary>
/// <c>/user/tikv/pd</c>: the shell of <see cref="PdState"/>. An answer leaves when its events are durable. Its journal is the store's own
/// for now, so PD is as available as its node.
/// </summary>
internal sealed class Pd : UntypedPersistentActor
{
    private readonly PdState _state;
    private readonly int _snapshotInterval;
    private readonly Func<ulong> _randomId;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <param name="randomId">Draws a cluster id, not 0; used at the first start only.</param>
    public Pd(PdConfig config, int snapshotInterval, Func<ulong> randomId)
    {
        _state = new PdState(config);
        _snapshotInterval = snapshotInterval;
        _randomId = randomId;
    }

    public override string PersistenceId => "pd";

    public static Props Props(PdConfig config, int snapshotInterval, Func<ulong> randomId) =>
        Akka.Actor.Props.Create(() => new Pd(config, snapshotInterval, randomId));

    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { Snapshot: PlacementSnapshot snapshot }:
                _state.Restore(snapshot);
                break;
            case RecoveryCompleted:
                Begin();
                break;
            case IMessage @event:
                _state.Apply(@event);
                break;
        }
    }

    private void Begin()
    {
        _state.SkipUsedIds();
        PersistAll(_state.Found(_randomId()), Apply);
        DeferAsync(0, _ => _log.PdRecovered(_state.ClusterId, _state.Stores.Count(), _state.Regions.Count));
    }

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
            default:
                if (_state.Process(message) is { } decision)
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
            if (LastSequenceNr % _snapshotInterval < decision.Events.Count)
                SaveSnapshot(_state.ToSnapshot());
        });
    }

    private void Apply(IMessage @event)
    {
        _state.Apply(@event);
        if (@event is ClusterBootstrapped bootstrapped)
            _log.ClusterBootstrapped(bootstrapped.FirstRegion.Id, string.Join(", ", bootstrapped.FirstRegion.Peers.Select(p => p.StoreId)));
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        _log.PdFailed($"event {sequenceNr} was not persisted", cause);

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _log.PdFailed($"event {sequenceNr} was rejected", cause);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _log.PdFailed("it could not be recovered", reason);
}
