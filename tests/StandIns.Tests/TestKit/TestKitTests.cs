using Akka.Actor;
using Akka.Event;
using Xunit.Sdk;

namespace TiKvActors.StandIns.Tests.TestKit;

/// <summary>What the recorded scenarios leave open: the asynchronous half, and the kit as the base of a test class.</summary>
public class TestKitTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly TimeSpan _brief = TimeSpan.FromMilliseconds(50);

    public TestKitTests() : base("akka { loglevel = INFO, stdout-loglevel = OFF }")
    {
    }

    [Fact]
    public async Task The_test_actor_is_the_implicit_sender_also_after_an_await()
    {
        var echo = Sys.ActorOf(Props.Create(() => new Echo()));
        echo.Tell("before");
        Assert.Equal("before", await ExpectMsgAsync<string>());
        await Task.Yield();
        await Task.Delay(1);
        echo.Tell("after");
        Assert.Equal("after", await ExpectMsgAsync<string>());
        Assert.Equal(echo, LastSender);
    }

    [Fact]
    public async Task Asynchronous_expectations_judge_like_the_others()
    {
        TestActor.Tell(1);
        Assert.Equal(1, await ExpectMsgAsync(1));
        TestActor.Tell(2);
        await Assert.ThrowsAsync<Akka.TestKit.Xunit2.Internals.AkkaEqualException>(async () => await ExpectMsgAsync(3));
        await Assert.ThrowsAsync<FailException>(async () => await ExpectMsgAsync<int>(_brief));
        await ExpectNoMsgAsync(_brief);
        TestActor.Tell("a");
        await Assert.ThrowsAsync<FailException>(async () => await ExpectNoMsgAsync(_brief));
        foreach (var m in new object[] { 1, "b", 2.5 }) TestActor.Tell(m);
        Assert.Equal(2.5, await FishForMessageAsync(m => m is double));
    }

    [Fact]
    public async Task Conditions_are_awaited_without_holding_a_thread()
    {
        var tries = 0;
        await AwaitConditionAsync(() => ++tries == 3, TimeSpan.FromSeconds(10), interval: null);
        await AwaitAssertAsync(() => Assert.True(++tries > 5), TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<FailException>(() => AwaitConditionAsync(() => false, _brief, interval: null));
        await Assert.ThrowsAsync<TrueException>(() => AwaitAssertAsync(() => Assert.True(false), _brief));
        Assert.Equal(7, await WithinAsync(TimeSpan.FromSeconds(10), () => Task.FromResult(7)));
    }

    [Fact]
    public async Task An_expectation_can_be_cancelled()
    {
        using var cancelled = new CancellationTokenSource(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await ExpectMsgAsync<string>(TimeSpan.FromMinutes(1), cancellationToken: cancelled.Token));
    }

    [Fact]
    public void Probes_watch_and_forward_and_are_references_themselves()
    {
        var (a, b) = (CreateTestProbe(), CreateTestProbe());
        a.Ref.Tell("through a", b);
        Assert.Equal("through a", a.ExpectMsgFrom<string>(b));
        a.Forward(b);
        Assert.Equal("through a", b.ExpectMsg<string>());
        a.Watch(b);
        Sys.Stop(b);
        a.ExpectTerminated(b);
    }

    [Fact]
    public void Log_events_are_counted_and_more_than_expected_is_a_failure()
    {
        var log = Logging.GetLogger(Sys, "test");
        EventFilter.Info("first").And.Warning(contains: "second").Expect(2, () =>
        {
            log.Info("first");
            log.Warning("the second one");
        });
        Assert.Throws<FailException>(() => EventFilter.Info("twice").ExpectOne(() =>
        {
            log.Info("twice");
            log.Info("twice");
        }));
        Assert.Throws<FailException>(() => EventFilter.Info("never").Expect(0, () => log.Info("never")));
    }

    [Fact]
    public async Task Log_events_of_an_asynchronous_action_are_awaited()
    {
        var log = Logging.GetLogger(Sys, "test");
        await EventFilter.Info("late").ExpectOneAsync(async () =>
        {
            await Task.Yield();
            log.Info("late");
        });
    }

    [Fact]
    public void Dead_letters_can_be_expected()
    {
        EventFilter.DeadLetter<string>(m => m == "lost").ExpectOne(() => Sys.DeadLetters.Tell("lost"));
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(m => Sender.Tell(m));
    }
}
