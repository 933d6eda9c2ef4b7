using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;
using Verdict = TiKvActors.Protocol.MetaMembersResponse.Types.Verdict;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// Changes of the members: what operators ask for goes into the table (<see cref="MemberTable"/>); every member reads it from its rows, and
/// the one that leads takes the next step towards it (<see cref="MemberPlan"/>).
/// </summary>
internal sealed partial class MetaGroup
{
    /// <summary>
    /// For so long a member that was heard from counts as living: some heartbeats, so that one that is slow is no hindrance to a change.
    /// </summary>
    private static readonly TimeSpan _heardFor = TimeSpan.FromSeconds(3);

    /// <summary>A step whose end is not heard of is decided anew.</summary>
    private static readonly TimeSpan _stepTimeout = TimeSpan.FromSeconds(10);

    /// <summary>For so long a leader that hands over waits before it tries again.</summary>
    private static readonly TimeSpan _transferTimeout = TimeSpan.FromSeconds(2);

    private sealed class CheckMembers
    {
        public static readonly CheckMembers Instance = new();
    }

    /// <summary>At one moment.</summary>
    /// <param name="Region">Null while this member has no data, and when it was removed.</param>
    private sealed record RowsRead(Region? Region, MetaMemberBook? Book);

    private sealed record HelloAnswered(ulong MemberId, IActorRef Sender, MetaHelloResponse? Response);

    private sealed record MembersAnswered(MetaReply Reply, MetaMembersResponse Response);

    private sealed record StepEnded(long Number, MemberStep Step, string? Failure)
    {
        public string What => Describe(Step);
    }

    private sealed class BookAsked
    {
        public static readonly BookAsked Instance = new();
    }

    private readonly Dictionary<ulong, TimeSpan> _heard = [];
    private readonly HashSet<ulong> _answering = [];

    /// <summary>This directory may vote, so its member knows what the group's table says.</summary>
    private bool _isAdmitted;

    private bool _reading;
    private bool _asking;
    private bool _toldRemoved;
    private RowsRead? _rows;
    private RegionPeer.Status? _status;

    /// <summary>Null unless this member leads.</summary>
    private MemberView? _view;

    private TimeSpan _leadsSince;

    private long _step;
    private TimeSpan? _stepUntil;

    private bool IsRemoved => _client.Book.Table is { } table && MemberTable.Find(table, _self) is { Removed: true };

    private bool OnMembersMessage(object message)
    {
        switch (message)
        {
            case CheckMembers:
                CheckRows();
                return true;
            case RowsRead rows:
                OnRows(rows);
                return true;
            case RegionPeer.Status status:
                OnStatus(status);
                return true;
            case StepEnded ended when ended.Number == _step:
                OnStepEnded(ended);
                return true;
            case StepEnded:
                return true;
            case HelloAnswered answered:
                _answering.Remove(answered.MemberId);
                if (answered.Response is { } response)
                    answered.Sender.Tell(response);
                return true;
            case BookAsked:
                _asking = false;
                return true;
            case MembersAnswered answered:
                answered.Reply.Send(new MetaResponse { Members = answered.Response });
                return true;
            case Status.Failure failure:
                throw new PeerFailedException("the table of the meta group's members cannot be changed", failure.Cause);
            default:
                return false;
        }
    }

    // ---- the table

    private void CheckRows()
    {
        if (_reading)
            return;
        _reading = true;
        var engine = _node.Engines.Data;
        _slowWorker.Tell(new SlowWorker.Run("reading the members of the meta group", () => ReadRows(engine)));
    }

    private static RowsRead ReadRows(IDataEngine engine)
    {
        using var snapshot = engine.NewSnapshot();
        if (snapshot.ReadRegionState(MetaRegion.Id) is not { State: PeerState.Normal } state)
            return new RowsRead(null, null);
        var key = MetaRegion.Record(MemberTable.Record);
        var record = MetaRecords.Parse(key, new MetaSnapshotView(snapshot).Get(key), MetaRecord.Parser);
        if (record is null)
            return new RowsRead(state.Region, null);
        var table = MetaMemberTable.Parser.ParseFrom(record.Value);
        return new RowsRead(state.Region, new MetaMemberBook { Revision = record.Revision, Table = table });
    }

    private void OnRows(RowsRead rows)
    {
        _reading = false;
        _rows = rows;
        if (rows.Book is { } book)
            _client.Learn(book);
        FollowAddresses();
        if (rows.Region is null)
            AskForBook();
        else if (rows.Book is { Table: var table } && MemberTable.Find(table, _self)?.Address is { } known && known != _address)
            TellAddress();
        if (IsRemoved && rows.Region is null && !_toldRemoved)
        {
            _toldRemoved = true;
            _log.MetaMemberRemoved(_self);
        }

        if (_services.Router.Find(MetaRegion.Id) is { } peer)
            peer.Tell(RegionPeer.GetStatus.Instance);
        else
            (_status, _view) = (null, null);
    }

    private void FollowAddresses()
    {
        foreach (var member in _client.Members.Where(m => m.Id != _self))
        {
            if (_services.Addresses.GetValueOrDefault(member.Id) == member.Address)
                continue;
            _services.Addresses[member.Id] = member.Address;
            LinkTo(member.Id);
        }
    }

    /// <summary>Without rows of its own this member learns by an answer whether it is one still.</summary>
    private void AskForBook()
    {
        if (_asking)
            return;
        _asking = true;
        AskAsync().PipeTo(Self);

        async Task<object> AskAsync()
        {
            try
            {
                await _client.ReadRecordAsync(MemberTable.Record).ConfigureAwait(false);
            }
            catch (Exception e) when (e is MetaGroupException or AskTimeoutException)
            {
                // It is asked again.
            }

            return BookAsked.Instance;
        }
    }

    /// <summary>The node has moved.</summary>
    private void TellAddress()
    {
        if (_asking)
            return;
        _asking = true;
        var (self, address) = (_self, _address);
        TellAsync().PipeTo(Self);

        async Task<object> TellAsync()
        {
            try
            {
                await UpdateAsync(table => MemberTable.Moved(table, self, address)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is MetaGroupException or AskTimeoutException)
            {
                // It is told again.
            }

            return BookAsked.Instance;
        }
    }

    /// <summary>Any thread.</summary>
    /// <exception cref="MetaGroupException">There was no answer in time.</exception>
    /// <exception cref="AskTimeoutException">The actor system ends.</exception>
    private async Task<MetaMemberTable> UpdateAsync(Func<MetaMemberTable, MetaMemberTable> change)
    {
        while (true)
        {
            var record = await _client.ReadRecordAsync(MemberTable.Record).ConfigureAwait(false);
            var table = record is null ? FirstTable() : MetaMemberTable.Parser.ParseFrom(record.Value);
            var next = change(table);
            // Otherwise another change was first.
            if (ReferenceEquals(next, table)
                || await _client.PutRecordAsync(MemberTable.Record, record?.Revision ?? 0, next.ToByteString()).ConfigureAwait(false))
                return next;
        }
    }

    private MetaMemberTable FirstTable() => _admission.Membership.First is { Count: > 0 } first
        ? MemberTable.Of(first)
        : throw new MetaGroupException("the group has no table of members yet, and this member is not of the first configuration");

    // ---- who asks to take part

    private void AdmitAdded(MetaHello hello)
    {
        var id = hello.Header.FromStoreId;
        if (!_answering.Add(id))
            return;
        var (sender, admission) = (Sender, _admission);
        AnswerAsync().PipeTo(Self);

        async Task<object> AnswerAsync()
        {
            try
            {
                MemberAdmission decided = null!;
                await UpdateAsync(table =>
                {
                    decided = MemberTable.Admit(id, hello.Token, hello.Address, table);
                    return decided.Table;
                }).ConfigureAwait(false);
                return new HelloAnswered(id, sender, admission.Answer(hello, decided));
            }
            catch (Exception e) when (e is MetaGroupException or AskTimeoutException)
            {
                // It asks again.
                return new HelloAnswered(id, sender, null);
            }
        }
    }

    // ---- what operators ask for

    private void OnMembersRequest(MetaMembersRequest request, MetaReply reply)
    {
        if (_view is not { } view)
        {
            reply.Send(new MetaResponse { Error = WhyNotLeader() });
            return;
        }

        if (request.List is null && _services.Clock.Now - _leadsSince < _heardFor)
        {
            // It is asked again; refused for that reason it would not be.
            var why = $"member {_self} has just begun to lead, and does not know yet who lives";
            reply.Send(new MetaResponse { Error = RegionErrors.ServerIsBusy(why, TimeSpan.Zero) });
            return;
        }

        ChangeAsync().PipeTo(Self);

        async Task<object> ChangeAsync()
        {
            var response = new MetaMembersResponse();
            try
            {
                MemberDecision decided = null!;
                var table = await UpdateAsync(current =>
                {
                    decided = MemberTable.Change(request, current, view);
                    return decided.Table;
                }).ConfigureAwait(false);
                (response.Verdict, response.Why) = (decided.Verdict, decided.Why);
                if (decided.Verdict == Verdict.Accepted)
                    response.Members.Add(MemberPlan.Describe(table, view));
            }
            catch (Exception e) when (e is MetaGroupException or AskTimeoutException)
            {
                (response.Verdict, response.Why) = (Verdict.Unknown, e.Message);
            }

            return new MembersAnswered(reply, response);
        }
    }

    private Error WhyNotLeader()
    {
        if (_status is not { } status)
            return _services.Router.Find(MetaRegion.Id) is null ? NoPeer() : RegionErrors.RegionNotInitialized(MetaRegion.Id);
        var leads = status.Leader?.Id == _self;
        return RegionErrors.NotLeader(MetaRegion.Id, leads ? null : status.Leader);
    }

    // ---- the steps of the leader

    private void OnStatus(RegionPeer.Status status)
    {
        _status = status;
        if (status.Leader?.Id != _self || _rows?.Region is not { } region)
        {
            _view = null;
            _heard.Clear();
            return;
        }

        var now = _services.Clock.Now;
        if (_view is null)
            _leadsSince = now;
        // Who has acknowledged nothing in this term has not been heard from: a leader begins by taking everybody for alive.
        foreach (var follower in status.Followers.Where(f => f is { RecentlyActive: true, MatchIndex: > 0 }))
            _heard[follower.Id] = now;
        _view = new MemberView(
            status.Region, _self, status.LastIndex,
            status.Followers.ToDictionary(f => f.Id, f => f.MatchIndex),
            _heard.Where(h => now - h.Value < _heardFor).Select(h => h.Key).Append(_self).ToHashSet());
        if (_stepUntil is { } until && now < until)
            return;
        // Table and configuration of one moment; the epoch keeps the step from a later configuration.
        if (_rows.Book is { Table: var table } && region.Equals(status.Region) && MemberPlan.Next(table, _view) is { } step)
            Take(step, _rows.Book.Revision, status, now);
    }

    private void Take(MemberStep step, ulong revision, RegionPeer.Status status, TimeSpan now)
    {
        var (number, self) = (++_step, Self);
        _stepUntil = now + _stepTimeout;
        var peer = _services.Router.Find(MetaRegion.Id) ?? ActorRefs.Nobody;
        switch (step)
        {
            case MemberStep.Change change:
                var context = new Context { RegionId = MetaRegion.Id, RegionEpoch = status.Region.RegionEpoch, Peer = status.Self };
                peer.Tell(new RegionPeer.Submit(
                    [new MemberChange(context, now + _stepTimeout, change.Changes, e => self.Tell(new StepEnded(number, step, e), self))]));
                break;
            case MemberStep.Transfer transfer:
                LeaderTransfer.StartAsync(peer, transfer.To, _stepTimeout)
                    .PipeTo(self, self, success: e => new StepEnded(number, step, e), failure: e => new StepEnded(number, step, e.Message));
                break;
            case MemberStep.Record record:
                _client.PutRecordAsync(MemberTable.Record, revision, record.Table.ToByteString()).PipeTo(
                    self, self, success: put => new StepEnded(number, step, put ? null : "another change was first"),
                    failure: e => new StepEnded(number, step, e.GetBaseException().Message));
                break;
        }
    }

    private void OnStepEnded(StepEnded ended)
    {
        if (ended.Failure is { } why)
        {
            // Not before the next check: it may be refused again at once.
            _stepUntil = null;
            _log.MetaMembersStepFailed(ended.What, why);
            return;
        }

        _log.MetaMembersStep(ended.What);
        // A transfer has only begun.
        _stepUntil = ended.Step is MemberStep.Transfer ? _services.Clock.Now + _transferTimeout : null;
        // What it has led to shows in the rows.
        CheckRows();
    }

    private static string Describe(MemberStep step) => step switch
    {
        MemberStep.Change change => string.Join(", ", change.Changes.Changes.Select(c => $"{c.ChangeType} {c.Peer.Id}")),
        MemberStep.Transfer transfer => $"member {transfer.To} is to lead",
        _ => "the table says that a member has been replaced",
    };
}
