using Akka.Event;
using Akka.Pattern;

namespace Akka.Persistence.Journal;

/// <summary>What to do about the events of an older writer that come at or after the place where a newer writer took over.</summary>
public enum ReplayFilterMode
{
    Fail = 0,
    Warn = 1,
    RepairByDiscardOld = 2,
    Disabled = 3
}

/// <summary>
/// Two incarnations of one persistence id that wrote at the same time (a network partition, a hanging process) leave events
/// with the same numbers. The newer writer is the one whose first event came later; what the older one wrote from that number on
/// is in doubt. A window of events is held back, so that they can still be dropped when the newer writer appears.
/// </summary>
internal sealed class ReplayFilter(string persistenceId, ReplayFilterMode mode, int windowSize, int maxOldWriters, ILoggingAdapter log,
    Action<IPersistentRepresentation> release)
{
    private readonly LinkedList<IPersistentRepresentation> _window = new();
    private readonly LinkedList<string> _oldWriters = new();
    private string _writer;
    private long _sequenceNr;
    private IllegalStateException _failure;

    /// <summary>Called for each event in the order of the journal; never throws, so that a plugin's own loop is left alone.</summary>
    public void Offer(IPersistentRepresentation p)
    {
        if (mode == ReplayFilterMode.Disabled)
            release(p);
        else if (_failure == null)
            Filter(p);
    }

    /// <exception cref="IllegalStateException">In mode fail: there were events of two writers.</exception>
    public void Complete()
    {
        if (_failure != null) throw _failure;
        foreach (var p in _window) release(p);
        _window.Clear();
    }

    private void Filter(IPersistentRepresentation p)
    {
        if (_writer == null || p.WriterGuid == _writer)
        {
            if (p.SequenceNr >= _sequenceNr || Keeps(p, "comes after a higher number of the same writer")) Hold(p);
        }
        else if (_oldWriters.Contains(p.WriterGuid))
        {
            if (Keeps(p, $"comes after writer {_writer} took over")) Hold(p, takesOver: false);
        }
        else
        {
            DoubtWindowFrom(p.SequenceNr);
            _oldWriters.AddLast(_writer);
            if (_oldWriters.Count > maxOldWriters) _oldWriters.RemoveFirst();
            Hold(p);
        }
    }

    private void Hold(IPersistentRepresentation p, bool takesOver = true)
    {
        if (takesOver) (_writer, _sequenceNr) = (p.WriterGuid, p.SequenceNr);
        _window.AddLast(p);
        if (_window.Count <= windowSize) return;
        release(_window.First.Value);
        _window.RemoveFirst();
    }

    private void DoubtWindowFrom(long sequenceNr)
    {
        for (var node = _window.First; node != null;)
        {
            var (held, next) = (node, node.Next);
            if (held.Value.SequenceNr >= sequenceNr && !Keeps(held.Value, $"is written anew by a later writer from {sequenceNr} on"))
                _window.Remove(held);
            node = next;
        }
    }

    private bool Keeps(IPersistentRepresentation p, string doubt)
    {
        var text = $"Replayed event {p.SequenceNr} of '{persistenceId}' by writer {p.WriterGuid} {doubt}: "
            + "did two actors with this id write at the same time?";
        if (mode == ReplayFilterMode.Fail)
        {
            _failure = new IllegalStateException(text);
            return false;
        }
        log.Warning(mode == ReplayFilterMode.Warn ? text : text + " It is dropped.");
        return mode == ReplayFilterMode.Warn;
    }
}
