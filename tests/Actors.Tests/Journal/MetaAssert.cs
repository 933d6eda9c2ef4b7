using TiKvActors.Actors.Journal;
using TiKvActors.Protocol;
using Query = TiKvActors.Protocol.MetaQuery.Types;

namespace TiKvActors.Actors.Tests.Journal;

internal static class MetaAssert
{
    /// <summary>Every query, over bounds around everything that the model holds, gives what the model holds.</summary>
    public static void Equal(MetaModel model, IMetaView view)
    {
        foreach (var id in MetaModel.Ids)
        {
            var askHighest = new MetaQuery { ReadHighestSequenceNr = new Query.ReadHighestSequenceNr { PersistenceId = id } };
            Assert.Equal(model.Highest(id), Ask(view, askHighest).HighestSequenceNr);
            Assert.Equal(model.Events(id), Read(view, id, 0, long.MaxValue, long.MaxValue, long.MaxValue).Events);
            var (highest, first) = (model.Highest(id), model.Highest(id) - model.Events(id).Count + 1);
            long[] edges = [-1, 1, first - 1, first, (first + highest) / 2, highest, highest + 1];
            foreach (var from in edges.Distinct())
            {
                foreach (var to in edges.Distinct())
                {
                    var within = model.Events(id).Where(e => e.SequenceNr >= from && e.SequenceNr <= to).ToList();
                    Assert.Equal(within, Read(view, id, from, to, long.MaxValue, long.MaxValue).Events);
                    Assert.Equal(within.Take(2), Read(view, id, from, to, 2, long.MaxValue).Events);
                    // A byte is exceeded by any event: one at a time, and it says that there are more.
                    var one = Read(view, id, from, to, long.MaxValue, 1);
                    Assert.Equal(within.Take(1), one.Events);
                    Assert.Equal(within.Count > 1, one.More);
                }
            }

            for (var max = -1L; max <= 11; max += 2)
            {
                SnapshotBounds[] all =
                [
                    MetaModel.Bounds(0, max), MetaModel.Bounds(max - 2, long.MaxValue), MetaModel.Bounds(0, max, 2), MetaModel.Bounds(0, max, 0, 1),
                ];
                foreach (var bounds in all)
                {
                    var expected = model.Snapshots(id).LastOrDefault(s => MetaModel.Fits(s, bounds));
                    var load = new Query.LoadSnapshot { PersistenceId = id, Bounds = bounds };
                    Assert.Equal(expected, Ask(view, new MetaQuery { LoadSnapshot = load }).Snapshot);
                }
            }

            Assert.Equal(model.Record(id), Ask(view, new MetaQuery { ReadRecord = new Query.ReadRecord { Name = id } }).Record);
        }
    }

    public static MetaAnswer Read(IMetaView view, string id, long from, long to, long max, long maxBytes)
    {
        var read = new Query.ReadEvents { PersistenceId = id, MaxEvents = max, MaxBytes = maxBytes };
        (read.FromSequenceNr, read.ToSequenceNr) = (from, to);
        return Ask(view, new MetaQuery { ReadEvents = read });
    }

    private static MetaAnswer Ask(IMetaView view, MetaQuery query) => MetaQueries.Answer(query, view);
}
