using TiKvActors.Protocol;

namespace TiKvActors.Actors.Membership;

/// <summary>
/// Who forms the cluster and who joins it (docs/adr/0002-cluster-formation.md), for the life of one actor system. It goes in rounds: read
/// the newest incarnation, ask the voters, decide.
/// <code>
///   Idle ──► Reading ──► Asking ──► Idle        joined, told to restart, or nothing to be done yet
///              ▲           │
///              └── Committing ◄─┘               the leader alone; the next reading says whose incarnation is the newest
/// </code>
/// An incarnation's number is the revision of its record. A system is a member of the incarnation that it founded, or of that of another
/// member of the same cluster: never of the one that it meant to join, for who was asked may be somebody else by then.
/// Time and random numbers are passed in; what is to be done gathers in <see cref="Actions"/>.
/// </summary>
internal sealed class ClusterFormation
{
    public static readonly RestartReason Downed = new(RestartCause.Downed, "others have removed this member from the cluster");

    public enum Step
    {
        Idle,
        Reading,
        Asking,
        Committing,
    }

    private readonly FormationSettings _settings;
    private readonly SystemAddress _self;
    private readonly Func<ulong> _newId;
    private IReadOnlyList<string> _voters;
    private readonly Dictionary<string, MembershipResponse> _answers = [];
    private ClusterView _view = ClusterView.None;
    private ulong _round;
    private TimeSpan _roundBegan;
    private TimeSpan _asked;
    private TimeSpan _nextRound = TimeSpan.MinValue;

    /// <summary>As last read; revision 0 before the first.</summary>
    private ulong _newest;

    private SystemAddress? _founder;
    private string? _joining;
    private TimeSpan _joiningSince;

    /// <summary>Since when this member has been one to itself only.</summary>
    private TimeSpan? _astraySince;

    private bool _hasEnded;

    /// <param name="voters">Addresses of the meta group's members.</param>
    /// <param name="newId">Draws a random number.</param>
    public ClusterFormation(FormationSettings settings, SystemAddress self, IReadOnlyList<string> voters, Func<ulong> newId)
    {
        _settings = settings;
        _self = self;
        Voters = _voters = voters;
        _newId = newId;
    }

    public List<FormationAction> Actions { get; } = [];

    /// <summary>Addresses of the meta group's members, from the next round on.</summary>
    public IReadOnlyList<string> Voters { get; set; }

    /// <summary>The number of the incarnation that this system is a member of; 0 outside, and while it is not known.</summary>
    public ulong Incarnation { get; private set; }

    public Step Current { get; private set; }

    private bool IsVoter => _voters.Contains(_self.Address);

    /// <param name="leads">Whether this node leads the meta group, as far as it knows.</param>
    public void Tick(ClusterView view, bool leads, TimeSpan now)
    {
        Observe(view);
        if (_hasEnded)
            return;
        if (Current == Step.Asking)
            Decide(leads, now);
        else if (Current == Step.Idle && now >= _nextRound)
            BeginRound(now);
    }

    /// <param name="record">Null if there is none.</param>
    /// <param name="incarnation">What it holds.</param>
    public void RecordRead(ulong round, MetaRecord? record, ClusterIncarnation? incarnation, ClusterView view, TimeSpan now)
    {
        Observe(view);
        if (_hasEnded || Current != Step.Reading || round != _round)
            return;
        // After a pause it may be far from the newest.
        if (now - _roundBegan > _settings.AnswerTimeout)
        {
            BeginRound(now);
            return;
        }

        if (_view.Phase == MemberPhase.Downed)
        {
            // The group answers: another system of this node can join. Before that this one serves what it can.
            Restart(Downed);
            return;
        }

        (_newest, _founder) = (record?.Revision ?? 0, incarnation?.Founder);
        Observe(view);
        RestartIfOutdated();
        if (_hasEnded)
            return;
        if (!_view.IsMember && _self.Equals(_founder))
        {
            // Nobody can be a member of it before its founder.
            Actions.Add(new FormationAction.Join(_self.Address));
            EndRound(now);
        }
        else
        {
            AskVoters(now);
        }
    }

    public void RecordUnread(ulong round, TimeSpan now)
    {
        if (!_hasEnded && Current == Step.Reading && round == _round)
            EndRound(now);
    }

    /// <summary>Also if what became of it is not known: what is read next decides.</summary>
    public void CommitEnded(TimeSpan now)
    {
        if (!_hasEnded && Current == Step.Committing)
            BeginRound(now);
    }

    public void Receive(MembershipResponse response, ClusterView view, bool leads, TimeSpan now)
    {
        Observe(view);
        if (_hasEnded || Current != Step.Asking || response.Round != _round)
            return;
        if (response.From is not { } from || from.Address == _self.Address || !_voters.Contains(from.Address))
            return;
        _answers[from.Address] = response;
        Decide(leads, now);
    }

    /// <returns>Null to a request that is none.</returns>
    public MembershipResponse? Answer(MembershipRequest request, ClusterView view)
    {
        Observe(view);
        if (request.From is null)
            return null;
        var standing = StandingNow();
        return new MembershipResponse
        {
            Round = request.Round,
            From = _self,
            Standing = standing,
            Incarnation = standing switch
            {
                ClusterStanding.Outside => 0,
                ClusterStanding.Founding => _newest,
                _ => Incarnation,
            },
            KnowsAsker = _view.IsMember && !_hasEnded && _view.Members.Contains(request.From),
        };
    }

    /// <summary>The system at the address takes nothing from this one any more, until it is started again.</summary>
    public void Quarantined(string by, ClusterView view)
    {
        Observe(view);
        // Of a client, or of a stranger, that is its own affair.
        if (_voters.Contains(by) || _view.Members.Any(m => m.Address == by && !_view.Clients.Contains(m)))
            Restart(new RestartReason(RestartCause.Quarantined, $"{by} has quarantined this actor system"));
    }

    private ClusterStanding StandingNow() => _view.Phase switch
    {
        _ when _hasEnded => ClusterStanding.Outside,
        MemberPhase.Outside when _self.Equals(_founder) => ClusterStanding.Founding,
        MemberPhase.Joining => ClusterStanding.Joining,
        MemberPhase.Up => ClusterStanding.Up,
        MemberPhase.Leaving => ClusterStanding.Leaving,
        _ => ClusterStanding.Outside,
    };

    private void Observe(ClusterView view)
    {
        _view = view;
        if (view.Phase == MemberPhase.Left)
            _hasEnded = true;
        else if (view.IsMember && Incarnation == 0 && _self.Equals(_founder))
            Incarnation = _newest;
    }

    // ---- rounds

    private void BeginRound(TimeSpan now)
    {
        Current = Step.Reading;
        _roundBegan = now;
        Actions.Add(new FormationAction.ReadRecord(++_round));
    }

    private void AskVoters(TimeSpan now)
    {
        Current = Step.Asking;
        _asked = now;
        _answers.Clear();
        _voters = Voters;
        foreach (var voter in _voters)
        {
            if (voter != _self.Address)
                Actions.Add(new FormationAction.Ask(voter, new MembershipRequest { Round = _round, From = _self }));
        }
    }

    private void EndRound(TimeSpan now)
    {
        Current = Step.Idle;
        var settled = _view.Phase == MemberPhase.Up && Incarnation != 0;
        _nextRound = now + (settled ? _settings.CheckInterval : _settings.RetryInterval);
    }

    private void Decide(bool leads, TimeSpan now)
    {
        if (_view.Phase == MemberPhase.Downed)
        {
            EndRound(now);
            return;
        }

        // After a pause the answers may be far from the truth.
        if (now - _asked > 2 * _settings.AnswerTimeout)
        {
            BeginRound(now);
            return;
        }

        var complete = _answers.Count == _voters.Count - (IsVoter ? 1 : 0) || now - _asked >= _settings.AnswerTimeout;
        if (_view.IsMember)
            DecideAsMember(complete, now);
        else
            DecideOutside(leads, complete, now);
    }

    // ---- outside

    private void DecideOutside(bool leads, bool complete, TimeSpan now)
    {
        // Who is not Up may be the rest of a cluster in which nobody will ever be.
        var doors = _voters.Where(v => _answers.TryGetValue(v, out var answer) && IsUpIn(answer, _newest)).ToList();
        if (doors.Count > 0)
        {
            JoinOneOf(doors, now);
            EndRound(now);
        }
        else if (complete && leads && MayFound)
        {
            Current = Step.Committing;
            var incarnation = new ClusterIncarnation { Id = _newId(), Founder = _self };
            Actions.Add(new FormationAction.CommitRecord(_newest, incarnation));
        }
        else if (complete)
        {
            EndRound(now);
        }
    }

    /// <summary>Akka itself repeats a join; after a while somebody else may know better.</summary>
    private void JoinOneOf(List<string> doors, TimeSpan now)
    {
        if (_joining is not null && now - _joiningSince < _settings.JoinTimeout)
            return;
        _joining = doors[(doors.IndexOf(_joining ?? "") + 1) % doors.Count];
        _joiningSince = now;
        Actions.Add(new FormationAction.Join(_joining));
    }

    /// <summary>A majority, this node included, is outside, and nobody who answered may be a member of the newest incarnation.</summary>
    private bool MayFound => IsVoter && _answers.Values.All(IsOutside) && 2 * (_answers.Count + 1) > _voters.Count;

    private bool IsOutside(MembershipResponse answer) =>
        answer.Standing == ClusterStanding.Outside || (answer.Incarnation != 0 && answer.Incarnation < _newest);

    private static bool IsUpIn(MembershipResponse answer, ulong incarnation) =>
        answer.Standing == ClusterStanding.Up && answer.Incarnation == incarnation && incarnation != 0;

    // ---- as a member

    private void DecideAsMember(bool complete, TimeSpan now)
    {
        if (Incarnation == 0 && _answers.Values.FirstOrDefault(IsOfMyCluster) is { } fellow)
        {
            Incarnation = fellow.Incarnation;
            RestartIfOutdated();
        }

        if (!complete || _hasEnded)
            return;
        var why = WhyAstray();
        _astraySince = why is null ? null : _astraySince ?? now;
        if (now - _astraySince >= _settings.ForgottenTimeout)
            Restart(new RestartReason(RestartCause.Forgotten, why!));
        else
            EndRound(now);
    }

    private string? WhyAstray()
    {
        if (Incarnation == 0)
            return "no voter in its cluster says which incarnation this is";
        var fellows = _answers.Values.Where(a => IsUpIn(a, Incarnation)).ToList();
        if (2 * fellows.Count(f => !f.KnowsAsker) > _voters.Count)
            return "most voters are members of its cluster and do not know this member";
        if (_view.Phase == MemberPhase.Joining && !fellows.Any(f => f.KnowsAsker))
            return "it is not Up, and no voter that is knows it";
        return null;
    }

    /// <summary>
    /// Each is a member in the other's eyes: who has begun to join two clusters is one in the eyes of both, and sees one of them.
    /// </summary>
    private bool IsOfMyCluster(MembershipResponse answer) =>
        answer.KnowsAsker && answer.Incarnation != 0 && _view.Members.Contains(answer.From);

    private void RestartIfOutdated()
    {
        if (Incarnation != 0 && Incarnation < _newest)
            Restart(new RestartReason(
                RestartCause.OutdatedIncarnation, $"this is a member of cluster incarnation {Incarnation}, the newest is {_newest}"));
    }

    private void Restart(RestartReason reason)
    {
        if (_hasEnded)
            return;
        _hasEnded = true;
        Actions.Add(new FormationAction.Restart(reason));
    }
}
