using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;

namespace TiKvActors.Actors.Journal;

/// <param name="Deadline">Of a call, waiting for an earlier one with its key included.</param>
/// <param name="AttemptTimeout">After which a member that does not answer is given up.</param>
/// <param name="RetryBackoff">Between attempts that find no leader.</param>
internal sealed record MetaCallSettings(TimeSpan Deadline, TimeSpan AttemptTimeout, TimeSpan RetryBackoff);

/// <summary>
/// Calls to the meta group, each attempted until a member has answered or its time is over. An attempt whose answer is lost may have been
/// carried out, so what is called must bear being carried out twice; the group's commands do. Calls with the same key go one after
/// the other: a write that is repeated after a later one of its writer would be fenced.
/// Time is passed in; what is to be sent, and who is to be told what, gathers in <see cref="Attempts"/> and <see cref="Outcomes"/>.
/// </summary>
internal sealed class MetaCalls<TCaller>
{
    public sealed record Attempt(MetaMember To, MetaRequest Request);

    /// <param name="Response">A result or an answer; null if the call failed.</param>
    public sealed record Outcome(TCaller Caller, MetaResponse? Response, MetaGroupException? Failure);

    private sealed class Call(MetaRequest request, TCaller caller, TimeSpan deadline)
    {
        public MetaRequest Request => request;

        public TCaller Caller => caller;

        public TimeSpan Deadline => deadline;

        /// <summary>Any of them may still be answered.</summary>
        public List<ulong> Attempts { get; } = [];

        /// <summary>The newest attempt, 0 after its answer.</summary>
        public ulong UnderWay { get; set; }

        public MetaMember? Asked { get; set; }

        /// <summary>When the attempt under way is given up, or when the next one begins.</summary>
        public TimeSpan Next { get; set; }

        public int Redirects { get; set; }

        public string LastError { get; set; } = "an earlier call had no answer either";
    }

    private readonly MetaCallSettings _settings;
    private IReadOnlyList<MetaMember> _members;

    /// <summary>By key, none empty; only the first of each is attempted.</summary>
    private readonly Dictionary<string, List<Call>> _queues = [];

    private readonly Dictionary<ulong, (string Key, Call Call)> _attempts = [];
    private readonly Dictionary<string, TimeSpan> _lost = [];
    private ulong _lastAttempt;
    private int _target;

    /// <param name="members">Not empty.</param>
    /// <param name="nearest">Index of the member that is asked first.</param>
    public MetaCalls(IReadOnlyList<MetaMember> members, int nearest, MetaCallSettings settings)
    {
        _members = members;
        _target = nearest;
        _settings = settings;
    }

    /// <summary>Of the newest table. Attempts that are under way go on.</summary>
    /// <param name="members">Not empty.</param>
    public void SetMembers(IReadOnlyList<MetaMember> members)
    {
        var target = _members[_target].Id;
        _members = members;
        _target = Math.Max(0, IndexOf(target));
    }

    public List<Attempt> Attempts { get; } = [];

    public List<Outcome> Outcomes { get; } = [];

    /// <summary>When <see cref="Advance"/> has something to do; null while nothing is called.</summary>
    public TimeSpan? NextEvent
    {
        get
        {
            TimeSpan? next = null;
            foreach (var queue in _queues.Values)
            {
                next = Earlier(next, queue[0].Next);
                foreach (var call in queue)
                    next = Earlier(next, call.Deadline);
            }

            return next;
        }
    }

    /// <param name="request">A command or a query; id and time-out are set here.</param>
    public void Start(string key, MetaRequest request, TCaller caller, TimeSpan now)
    {
        var call = new Call(request, caller, now + _settings.Deadline);
        if (_queues.TryGetValue(key, out var queue))
        {
            queue.Add(call);
            return;
        }

        _queues.Add(key, [call]);
        Try(key, call, now);
    }

    public void Advance(TimeSpan now)
    {
        foreach (var (key, queue) in _queues.ToList())
        {
            // The last one first: who moves up is in time.
            foreach (var late in queue.Where(c => c.Deadline <= now).Reverse().ToList())
                Finish(key, late, null, Unanswered(late), now);
            if (queue.Count == 0 || queue[0] is not { } first || first.Next > now)
                continue;
            if (first.UnderWay != 0)
            {
                first.LastError = $"{Show(first.Asked!)} did not answer";
                MoveOnFrom(first.Asked!);
            }

            Try(key, first, now);
        }
    }

    /// <summary>
    /// The connection to an address has ended, or there is none: what was sent there has no answer. For one attempt's time others are asked.
    /// </summary>
    public void Lost(string address, TimeSpan now)
    {
        // Clients come and go, each with an address of its own: only members are remembered.
        if (_members.All(m => m.Address != address))
            return;
        _lost[address] = now;
        foreach (var queue in _queues.Values)
        {
            if (queue[0] is not { UnderWay: not 0 } first || first.Asked!.Address != address)
                continue;
            first.UnderWay = 0;
            first.LastError = $"{Show(first.Asked)} cannot be reached";
            first.Next = Earlier(first.Next, now + _settings.RetryBackoff);
        }
    }

    /// <summary>There is a connection again.</summary>
    public void Found(string address) => _lost.Remove(address);

    public void Receive(MetaResponse response, TimeSpan now)
    {
        if (!_attempts.TryGetValue(response.Id, out var attempt))
            return;
        var (key, call) = attempt;
        if (response.Error is not { } error)
        {
            Finish(key, call, response, null, now);
            return;
        }

        // Of an attempt that was given up: the one under way decides.
        if (call.UnderWay != response.Id)
            return;
        if (error.RaftEntryTooLarge is not null)
        {
            Finish(key, call, null, new MetaGroupException($"the meta group does not take it: {error.Message}"), now);
            return;
        }

        call.UnderWay = 0;
        call.LastError = $"{Show(call.Asked!)}: {error.Message}";
        if (Follow(error, call))
            Try(key, call, now);
        else
            call.Next = now + _settings.RetryBackoff;
    }

    /// <returns>Whether the next attempt need not wait.</returns>
    private bool Follow(Error error, Call call)
    {
        if (error.NotLeader is { } notLeader)
        {
            var leader = notLeader.Leader is { } named ? IndexOf(named.StoreId) : -1;
            if (leader >= 0 && _members[leader].Id != call.Asked!.Id)
            {
                _target = leader;
                // Members that name each other have to find out first.
                return ++call.Redirects % _members.Count != 0;
            }

            MoveOnFrom(call.Asked!);
        }
        else if (error.RegionNotFound is not null || error.RegionNotInitialized is not null)
        {
            MoveOnFrom(call.Asked!);
        }

        return false;
    }

    /// <summary>Unless another call has found a better one meanwhile.</summary>
    private void MoveOnFrom(MetaMember member)
    {
        if (_members[_target].Id == member.Id)
            _target = (_target + 1) % _members.Count;
    }

    private void Try(string key, Call call, TimeSpan now)
    {
        for (var i = 0; i < _members.Count && IsLost(_members[_target], now); i++)
            _target = (_target + 1) % _members.Count;
        var left = call.Deadline - now;
        var timeout = left < _settings.AttemptTimeout ? left : _settings.AttemptTimeout;
        call.Asked = _members[_target];
        call.Next = now + timeout;
        call.UnderWay = ++_lastAttempt;
        call.Attempts.Add(_lastAttempt);
        _attempts.Add(_lastAttempt, (key, call));
        var request = call.Request.Clone();
        request.Id = _lastAttempt;
        request.TimeoutMillis = (ulong)Math.Ceiling(timeout.TotalMilliseconds);
        Attempts.Add(new Attempt(call.Asked, request));
    }

    private bool IsLost(MetaMember member, TimeSpan now) =>
        _lost.TryGetValue(member.Address, out var since) && now - since < _settings.AttemptTimeout;

    private void Finish(string key, Call call, MetaResponse? response, MetaGroupException? failure, TimeSpan now)
    {
        foreach (var id in call.Attempts)
            _attempts.Remove(id);
        Outcomes.Add(new Outcome(call.Caller, response, failure));
        var queue = _queues[key];
        var wasFirst = queue[0] == call;
        queue.Remove(call);
        if (queue.Count == 0)
            _queues.Remove(key);
        else if (wasFirst)
            Try(key, queue[0], now);
    }

    private MetaGroupException Unanswered(Call call) => new(
        $"the meta group has not answered within {_settings.Deadline.TotalSeconds:0.###} s ({call.LastError})"
        + (call.Request is { Command: null, Members: null or { List: not null } }
            ? "" : "; whether it has stored what it was given is unknown"));

    private int IndexOf(ulong memberId)
    {
        for (var i = 0; i < _members.Count; i++)
        {
            if (_members[i].Id == memberId)
                return i;
        }

        return -1;
    }

    private static string Show(MetaMember member) => $"member {member.Id} at {member.Address}";

    private static TimeSpan Earlier(TimeSpan? a, TimeSpan b) => a < b ? a.Value : b;
}
