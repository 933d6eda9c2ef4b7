using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Placement;

/// <summary>The records of the meta group that say what its members' directories held before it.</summary>
internal static class PlacementOrigins
{
    /// <param name="listed">The first configuration, if the members have never changed.</param>
    /// <returns>The first configuration, and those of its origins that are recorded.</returns>
    /// <exception cref="MetaGroupException">There was no answer in time.</exception>
    public static async Task<(IReadOnlyList<MetaMember> Members, IReadOnlyList<PlacementOrigin> Origins)> ReadAsync(
        MetaClient group, IReadOnlyList<MetaMember> listed)
    {
        var table = await group.ReadRecordAsync(MemberTable.Record).ConfigureAwait(false);
        var members = table is null ? listed : MemberTable.FirstConfiguration(MetaMemberTable.Parser.ParseFrom(table.Value));
        return (members, await ReadOriginsAsync(group, members).ConfigureAwait(false));
    }

    private static async Task<IReadOnlyList<PlacementOrigin>> ReadOriginsAsync(MetaClient group, IReadOnlyList<MetaMember> members)
    {
        var records = await Task.WhenAll(members.Select(m => group.ReadRecordAsync(NameOf(m.Id)))).ConfigureAwait(false);
        return [.. records.OfType<MetaRecord>().Select(r => PlacementOrigin.Parser.ParseFrom(r.Value))];
    }

    /// <summary>The first one of a member counts; a later one changes nothing.</summary>
    /// <exception cref="MetaGroupException">There was no answer in time.</exception>
    public static async Task RecordAsync(MetaClient group, PlacementOrigin origin)
    {
        var name = NameOf(origin.MemberId);
        if (await group.ReadRecordAsync(name).ConfigureAwait(false) is null)
            await group.PutRecordAsync(name, expectedRevision: 0, origin.ToByteString()).ConfigureAwait(false);
    }

    private static string NameOf(ulong memberId) => $"pd/origin/{memberId}";
}

/// <summary>
/// Sees to it that this member's origin is recorded: what a PD persisted in the directory's own journal, which is recovered here and never
/// written again. PD founds nothing before all members have done so.
/// </summary>
internal sealed class OriginRecorder : UntypedPersistentActor
{
    private sealed class Recorded
    {
        public static readonly Recorded Instance = new();
    }

    private sealed record NotRecorded(Exception Cause);

    private sealed class Again
    {
        public static readonly Again Instance = new();
    }

    private readonly PdState _state;
    private readonly PlacementOrigin _origin;
    private readonly TimeSpan _retryInterval;
    private readonly MetaClient _group = MetaClient.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public OriginRecorder(PdConfig config, ulong memberId, ulong clusterId, TimeSpan retryInterval)
    {
        _state = new PdState(config, ByteString.Empty);
        _origin = new PlacementOrigin { MemberId = memberId, ClusterId = clusterId };
        _retryInterval = retryInterval;
    }

    public override string PersistenceId => Pd.Id;

    /// <param name="clusterId">Of the store in the directory, 0 if there is none.</param>
    public static Props Props(PdConfig config, ulong memberId, ulong clusterId, TimeSpan retryInterval) =>
        Akka.Actor.Props.Create(() => new OriginRecorder(config, memberId, clusterId, retryInterval));

    protected override void OnRecover(object message)
    {
        if (message is not RecoveryCompleted)
        {
            Pd.Recover(_state, message);
            return;
        }

        if (_state.IsFounded)
            _origin.State = _state.ToSnapshot();
        Record();
    }

    private void Record() => PlacementOrigins.RecordAsync(_group, _origin)
        .PipeTo(Self, success: () => Recorded.Instance, failure: e => new NotRecorded(e.GetBaseException()));

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case Recorded:
                _log.PdOriginRecorded(_origin.MemberId, _origin.State?.Identity.ClusterId ?? 0);
                break;
            case NotRecorded { Cause: MetaGroupException cause }:
                // The group may need other members first.
                _log.PdOriginNotRecorded(_origin.MemberId, cause.Message);
                Context.System.Scheduler.ScheduleTellOnce(_retryInterval, Self, Again.Instance, Self);
                break;
            case NotRecorded failed:
                throw new InvalidOperationException($"the origin of member {_origin.MemberId} was not recorded", failed.Cause);
            case Again:
                Record();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _log.PdFailed("its journal in this directory cannot be read", reason);
}
