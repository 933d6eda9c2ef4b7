using Akka.Dispatch;

namespace TiKvActors.StandIns.Tests.Actors;

public class DedicatedThreadsTests
{
    [Fact]
    public void Work_that_arrives_while_a_thread_is_being_woken_gets_a_thread_of_its_own()
    {
        for (var round = 0; round < 200; round++)
        {
            var threads = new DedicatedThreads("test", 2, TimeSpan.FromMilliseconds(1));
            using var first = new ManualResetEventSlim();
            threads.Execute(new Work(first.Set));
            Assert.True(first.Wait(TimeSpan.FromSeconds(20)));
            using var both = new Barrier(2);
            using var done = new CountdownEvent(2);
            for (var i = 0; i < 2; i++)
                threads.Execute(new Work(() =>
                {
                    if (both.SignalAndWait(TimeSpan.FromSeconds(20))) done.Signal();
                }));
            Assert.True(done.Wait(TimeSpan.FromSeconds(30)), $"round {round}: one of two pieces of work waited for the other");
            threads.Shutdown();
        }
    }

    private sealed class Work(Action action) : IRunnable
    {
        public void Run() => action();

        public void Execute() => action();
    }
}
