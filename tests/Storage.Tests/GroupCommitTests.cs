using RocksDbSharp;
using TiKvActors.Storage.Journal;

namespace TiKvActors.Storage.Tests;

public class GroupCommitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Everything_that_waits_goes_in_one_batch()
    {
        using var disk = new Disk();
        disk.Block();
        var first = disk.Submit("first");
        await disk.Arrived;
        var others = Enumerable.Range(0, 100).Select(i => disk.Submit($"{i}")).ToArray();
        Assert.False(first.IsCompleted);
        disk.Release();
        await Task.WhenAll(others.Append(first)).WaitAsync(Patience);
        Assert.Equal([1, 100], disk.BatchSizes);
        Assert.Equal(new GroupCommitCounters(2, 101, 101, 101, 100), disk.Commits.Counters);
    }

    [Fact]
    public async Task Settled_waits_for_what_was_submitted_and_writes_nothing()
    {
        using var disk = new Disk();
        Assert.True(disk.Commits.Settled().IsCompletedSuccessfully);
        disk.Block();
        var write = disk.Submit("a");
        await disk.Arrived;
        var settled = disk.Commits.Settled();
        Assert.False(settled.IsCompleted);
        disk.Release();
        await settled.WaitAsync(Patience);
        Assert.True(write.IsCompletedSuccessfully);
        Assert.Equal([1], disk.BatchSizes);
    }

    [Fact]
    public async Task A_failed_write_fails_everything_under_way_and_everything_after_it()
    {
        using var disk = new Disk();
        disk.Block();
        var writing = disk.Submit("writing");
        await disk.Arrived;
        var waiting = disk.Submit("waiting");
        var settled = disk.Commits.Settled();
        disk.Fail(new IOException("no space left"));
        foreach (var task in new[] { writing, waiting, settled })
            Assert.Contains("no space left", (await Assert.ThrowsAsync<JournalFailedException>(() => task.WaitAsync(Patience))).Message);
        await Assert.ThrowsAsync<JournalFailedException>(() => disk.Submit("later"));
        await Assert.ThrowsAsync<JournalFailedException>(() => disk.Commits.Settled());
        Assert.IsType<IOException>((await disk.Failure.WaitAsync(Patience)).InnerException);
        Assert.Empty(disk.BatchSizes);
    }

    [Fact]
    public async Task A_write_that_does_not_come_back_is_unknown_and_fails_the_journal()
    {
        using var disk = new Disk(TimeSpan.FromMilliseconds(100));
        disk.Block();
        var stuck = disk.Submit("stuck");
        var error = await Assert.ThrowsAsync<JournalFailedException>(() => stuck.WaitAsync(Patience));
        Assert.Contains("unknown", error.Message);
        Assert.Same(error, await disk.Failure.WaitAsync(Patience));
        await Assert.ThrowsAsync<JournalFailedException>(() => disk.Submit("later"));
        Assert.False(disk.Commits.Close(TimeSpan.FromMilliseconds(50)));
        // It did succeed in the end; nobody is told so any more.
        disk.Release();
        Assert.True(disk.Commits.Close(Patience));
        Assert.True(stuck.IsFaulted);
    }

    [Fact]
    public async Task Closing_writes_what_was_submitted_and_takes_nothing_more()
    {
        using var disk = new Disk();
        disk.Block();
        var first = disk.Submit("first");
        await disk.Arrived;
        var second = disk.Submit("second");
        var closed = Task.Run(() => disk.Commits.Close(Patience));
        disk.Release();
        Assert.True(await closed.WaitAsync(Patience));
        await Task.WhenAll(first, second).WaitAsync(Patience);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => disk.Submit("later"));
    }

    [Fact]
    public async Task Writers_on_many_threads_are_all_answered()
    {
        using var disk = new Disk();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++) await disk.Submit($"{t} {i}");
        }))).WaitAsync(Patience);
        Assert.Equal(4_000, disk.BatchSizes.Sum());
        Assert.Equal(4_000, disk.Commits.Counters.Requests);
    }

    /// <summary>A disk whose write can be held, let go and made to fail.</summary>
    private sealed class Disk : IDisposable
    {
        private readonly ManualResetEventSlim _open = new(true);
        private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<JournalFailedException> _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile Exception? _error;

        public Disk(TimeSpan? writeTimeout = null) =>
            Commits = new GroupCommit("test", Write, failure => _failure.SetResult(failure), writeTimeout ?? Patience, TimeProvider.System);

        public GroupCommit Commits { get; }

        public List<int> BatchSizes { get; } = [];

        public Task Arrived => _arrived.Task.WaitAsync(Patience);

        public Task<JournalFailedException> Failure => _failure.Task;

        public Task Submit(string key) => Commits.Submit(key, static (batch, k) => batch.Put(TestStore.Bytes(k), TestStore.Bytes(k)), 1, 1);

        public void Block() => _open.Reset();

        public void Release() => _open.Set();

        public void Fail(Exception error)
        {
            _error = error;
            _open.Set();
        }

        public void Dispose()
        {
            Release();
            Commits.Close(Patience);
            Commits.Dispose();
        }

        private void Write(WriteBatch batch)
        {
            _arrived.TrySetResult();
            _open.Wait();
            if (_error is { } error) throw error;
            lock (BatchSizes) BatchSizes.Add(batch.Count());
        }
    }
}
