using Akka.Remote.Transport;

namespace TiKvActors.StandIns.Tests.Remoting;

public class SystemMessageDeliveryTests
{
    private static readonly OutboundEnvelope _message = new(null, null, "m", 1, "", []);

    [Fact]
    public void What_is_not_acknowledged_is_sent_again_in_order()
    {
        var delivery = new SystemMessageDelivery(10, 100);
        var sent = Enumerable.Range(0, 5).Select(_ => Send(delivery)).ToList();
        delivery.Acknowledge(sent[1]);
        Assert.Equal(3, delivery.Unacknowledged);
        Assert.Equal(sent[2..], delivery.ToResend(long.MaxValue).Select(m => m.SystemSequence));
        Assert.Equal(sent[2..4], delivery.ToResend(sent[4]).Select(m => m.SystemSequence));
    }

    [Fact]
    public void Sequence_numbers_go_on_after_the_other_end_was_replaced()
    {
        var delivery = new SystemMessageDelivery(10, 100);
        var last = Send(delivery);
        delivery.Reset();
        Assert.Equal(0, delivery.Unacknowledged);
        Assert.True(Send(delivery) > last);
    }

    [Fact]
    public void More_than_the_limit_is_refused()
    {
        var delivery = new SystemMessageDelivery(2, 0);
        Send(delivery);
        Send(delivery);
        Assert.False(delivery.TrySend(_message, out _));
        delivery.Acknowledge(1);
        Assert.True(delivery.TrySend(_message, out _));
    }

    [Fact]
    public void What_arrives_again_is_delivered_once()
    {
        var delivery = new SystemMessageDelivery(10, 0);
        Assert.Equal([true, true, false, false, true, false], new long[] { 7, 8, 7, 8, 9, 9 }.Select(delivery.TryDeliver));
        Assert.Equal(9, delivery.LastDelivered);
        delivery.Reset();
        Assert.True(delivery.TryDeliver(1));
    }

    private static long Send(SystemMessageDelivery delivery)
    {
        Assert.True(delivery.TrySend(_message, out var numbered));
        return numbered.SystemSequence;
    }
}
