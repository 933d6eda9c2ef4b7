using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>What every journal does with events on their way in and out: event adapters, and no sender on disk.</summary>
public abstract class WriteJournalBase : ActorBase
{
    private readonly EventAdapters _adapters;

    protected WriteJournalBase() => _adapters = Persistence.Instance.Apply(Context.System).AdaptersFor(Self.Path.Name);

    protected IEnumerable<AtomicWrite> PreparePersistentBatch(IEnumerable<IPersistentEnvelope> resequenceables)
    {
        foreach (var envelope in resequenceables)
            if (envelope is AtomicWrite write)
                yield return Prepare(write);
    }

    protected IPersistentRepresentation AdaptToJournal(IPersistentRepresentation representation)
    {
        var payload = representation.Payload;
        var adapter = _adapters.Get(payload.GetType());
        return ReferenceEquals(adapter, IdentityEventAdapter.Instance)
            ? representation
            : representation.WithPayload(adapter.ToJournal(payload)).WithManifest(adapter.Manifest(payload));
    }

    /// <returns>As many events as the adapter makes of it, all with the number of the stored one.</returns>
    protected IEnumerable<IPersistentRepresentation> AdaptFromJournal(IPersistentRepresentation representation)
    {
        var adapter = _adapters.Get(representation.Payload.GetType());
        return ReferenceEquals(adapter, IdentityEventAdapter.Instance)
            ? [representation]
            : adapter.FromJournal(representation.Payload, representation.Manifest).Events.Select(representation.WithPayload);
    }

    internal bool HasAdapters => !_adapters.IsEmpty;

    private AtomicWrite Prepare(AtomicWrite write)
    {
        if (!HasAdapters && !HasSender(write)) return write;
        return new AtomicWrite(write.Events.Select(p => WithoutSender(AdaptToJournal(p))).ToImmutableArray());
    }

    private static bool HasSender(AtomicWrite write)
    {
        for (var i = 0; i < write.Size; i++)
            if (write.Events[i].Sender != ActorRefs.NoSender)
                return true;
        return false;
    }

    private static IPersistentRepresentation WithoutSender(IPersistentRepresentation p) =>
        p.Sender == ActorRefs.NoSender ? p : p.Update(p.SequenceNr, p.PersistenceId, p.IsDeleted, ActorRefs.NoSender, p.WriterGuid);
}
