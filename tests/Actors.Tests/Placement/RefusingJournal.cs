using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using TiKvActors.Actors.Journal;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>The replicated journal, which refuses a write when a test says so.</summary>
internal sealed class RefusingJournal(Config config) : ReplicatedJournal(config)
{
    private static readonly ConditionalWeakTable<ActorSystem, StrongBox<bool>> _refusals = [];

    private readonly ActorSystem _system = Context.System;

    /// <param name="rejects">The actor hears that its write is rejected, not that it failed.</param>
    public static void RefuseNext(ActorSystem system, bool rejects) => _refusals.Add(system, new StrongBox<bool>(rejects));

    protected override Task<IImmutableList<Exception>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        if (!_refusals.TryGetValue(_system, out var rejects))
            return base.WriteMessagesAsync(messages);
        _refusals.Remove(_system);
        var cause = new InvalidOperationException("the test refuses this write");
        return rejects.Value
            ? Task.FromResult<IImmutableList<Exception>?>([.. messages.Select(_ => cause)])
            : Task.FromException<IImmutableList<Exception>?>(cause);
    }
}
