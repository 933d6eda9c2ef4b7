using Akka.Actor;
using Akka.Remote;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// An actor system's way to the meta group, whether the node is a member or not. Calls of one persistence id are answered in their order.
/// Thread-safe.
/// </summary>
internal sealed class MetaClient : IExtension
{
    private readonly IActorRef _caller;
    private readonly TimeSpan _patience;
    private readonly MemberBook _book;

    private MetaClient(ExtendedActorSystem system)
    {
        var settings = TikvSettings.ReadMeta(system.Settings.Config);
        if (settings.Members.Count == 0)
            throw new ArgumentException("tikv.meta.members is empty: there is no meta group that could keep a replicated journal");
        var self = $"{system.Provider.DefaultAddress.Host}:{system.Provider.DefaultAddress.Port}";
        // The caller ends a call in time; this is for one that is stopped.
        _patience = settings.Calls.Deadline + settings.Calls.AttemptTimeout;
        _book = new MemberBook(settings.Members, settings.DataDirectory, system.Log);
        _caller = system.SystemActorOf(Caller.Props(settings, _book, self), "tikv-meta-client");
    }

    /// <summary>Whom the group has, as far as this node knows. Never empty.</summary>
    public IReadOnlyList<MetaMember> Members => _book.Current.Members;

    /// <summary>Revision 0 while the first configuration holds, as far as this node knows.</summary>
    public MetaMemberBook Book => _book.Current.Book;

    /// <summary>What a member has found in its rows.</summary>
    public void Learn(MetaMemberBook book)
    {
        if (_book.Learn(book))
            _caller.Tell(Caller.MembersChanged.Instance);
    }

    /// <exception cref="ArgumentException">The configuration names no members of a meta group.</exception>
    public static MetaClient Get(ActorSystem system) => system.WithExtension<MetaClient, Provider>();

    /// <exception cref="FencedException"/>
    /// <exception cref="MetaGroupException">There was no answer in time, or the group refused the command.</exception>
    /// <exception cref="AskTimeoutException">The actor system ends.</exception>
    public async Task ExecuteAsync(string persistenceId, MetaCommand command)
    {
        var result = await ResultOfAsync(persistenceId, command).ConfigureAwait(false);
        if (result.KindCase != MetaResult.KindOneofCase.Done)
            throw Unexpected(persistenceId, result);
    }

    /// <returns>False: the record is at another revision, and stays as it is.</returns>
    /// <exception cref="MetaGroupException">There was no answer in time, or the group refused the command.</exception>
    /// <exception cref="AskTimeoutException">The actor system ends.</exception>
    public async Task<bool> PutRecordAsync(string name, ulong expectedRevision, ByteString value)
    {
        var put = new MetaCommand.Types.PutRecord { Name = name, ExpectedRevision = expectedRevision, Value = value };
        var result = await ResultOfAsync(name, new MetaCommand { PutRecord = put }).ConfigureAwait(false);
        return result.KindCase switch
        {
            MetaResult.KindOneofCase.Done => true,
            MetaResult.KindOneofCase.Conflict => false,
            _ => throw Unexpected(name, result),
        };
    }

    /// <returns>Null: there is no such record.</returns>
    /// <exception cref="MetaGroupException">There was no answer in time.</exception>
    /// <exception cref="AskTimeoutException">The actor system ends.</exception>
    public async Task<MetaRecord?> ReadRecordAsync(string name)
    {
        var query = new MetaQuery { ReadRecord = new MetaQuery.Types.ReadRecord { Name = name } };
        return (await QueryAsync(name, query).ConfigureAwait(false)).Record;
    }

    /// <exception cref="MetaGroupException">There was no answer in time.</exception>
    /// <exception cref="AskTimeoutException">The actor system ends.</exception>
    public async Task<MetaAnswer> QueryAsync(string persistenceId, MetaQuery query) =>
        (await CallAsync(persistenceId, new MetaRequest { Query = query }).ConfigureAwait(false)).Answer;

    /// <summary>What the member that leads answers to an operator.</summary>
    /// <exception cref="MetaGroupException">There was no answer in time.</exception>
    /// <exception cref="AskTimeoutException">The actor system ends.</exception>
    public async Task<MetaMembersResponse> AskAboutMembersAsync(MetaMembersRequest request) =>
        (await CallAsync("ctl/members", new MetaRequest { Members = request }).ConfigureAwait(false)).Members;

    private async Task<MetaResult> ResultOfAsync(string key, MetaCommand command) =>
        (await CallAsync(key, new MetaRequest { Command = command }).ConfigureAwait(false)).Result;

    private static MetaGroupException Unexpected(string key, MetaResult result) => result.KindCase switch
    {
        MetaResult.KindOneofCase.Fenced => new FencedException(
            $"another incarnation of {key} has written up to {result.Fenced.HighestSequenceNr}"
            + (result.Fenced.Writer.Length == 0 ? "" : $" (writer {result.Fenced.Writer})")),
        MetaResult.KindOneofCase.Invalid => new MetaGroupException($"the meta group refuses a command of {key}: {result.Invalid.Why}"),
        var other => new MetaGroupException($"the meta group answers {other} to {key}: is it newer than this program?"),
    };

    private Task<MetaResponse> CallAsync(string persistenceId, MetaRequest request) =>
        _caller.Ask<MetaResponse>(new Caller.Call(persistenceId, request), _patience);

    public sealed class Provider : ExtensionIdProvider<MetaClient>
    {
        public override MetaClient CreateExtension(ExtendedActorSystem system) => new(system);
    }

    /// <summary>Moves messages and time between <see cref="MetaCalls{T}"/> and the members.</summary>
    private sealed class Caller : UntypedActor, IWithTimers
    {
        public sealed record Call(string PersistenceId, MetaRequest Request);

        public sealed class MembersChanged
        {
            public static readonly MembersChanged Instance = new();
        }

        private sealed class Due
        {
            public static readonly Due Instance = new();
        }

        private readonly MonotonicClock _clock = new(TimeProvider.System);
        private readonly MetaCalls<IActorRef> _calls;
        private readonly MemberBook _book;
        private TimeSpan? _due;

        public Caller(MetaSettings settings, MemberBook book, string address)
        {
            _book = book;
            var members = book.Current.Members;
            var nearest = 0;
            for (var i = 0; i < members.Count; i++)
            {
                if (members[i].Address == address)
                    nearest = i;
            }

            _calls = new MetaCalls<IActorRef>(members, nearest, settings.Calls);
        }

        public ITimerScheduler Timers { get; set; } = null!;

        public static Props Props(MetaSettings settings, MemberBook book, string address) =>
            Akka.Actor.Props.Create(() => new Caller(settings, book, address));

        protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(RemotingLifecycleEvent));

        protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

        protected override void OnReceive(object message)
        {
            var now = _clock.Now;
            switch (message)
            {
                case Call call:
                    _calls.Start(call.PersistenceId, call.Request, Sender, now);
                    break;
                case MetaResponse response:
                    // First: it may name a leader that only the newer table knows.
                    if (response.Book is { } book && _book.Learn(book))
                        _calls.SetMembers(_book.Current.Members);
                    _calls.Receive(response, now);
                    break;
                case MembersChanged:
                    _calls.SetMembers(_book.Current.Members);
                    break;
                case AssociatedEvent e:
                    _calls.Found(Show(e.RemoteAddress));
                    break;
                case AssociationEvent e and (DisassociatedEvent or AssociationErrorEvent):
                    _calls.Lost(Show(e.RemoteAddress), now);
                    break;
                case RemotingLifecycleEvent:
                    return;
                case Due:
                    _due = null;
                    _calls.Advance(now);
                    break;
                default:
                    Unhandled(message);
                    return;
            }

            foreach (var attempt in _calls.Attempts)
            {
                attempt.Request.BookRevision = _book.Current.Book.Revision;
                Context.ActorSelection(NodePaths.Door(Context.System, attempt.To.Address, NodePaths.MetaDoor)).Tell(attempt.Request, Self);
            }

            _calls.Attempts.Clear();
            foreach (var outcome in _calls.Outcomes)
                outcome.Caller.Tell(outcome.Response ?? (object)new Status.Failure(outcome.Failure));
            _calls.Outcomes.Clear();
            Schedule(now);
        }

        private static string Show(Address address) => $"{address.Host}:{address.Port}";

        private void Schedule(TimeSpan now)
        {
            if (_calls.NextEvent is not { } next || next == _due)
                return;
            _due = next;
            Timers.StartSingleTimer("due", Due.Instance, next > now ? next - now : TimeSpan.Zero);
        }
    }
}
