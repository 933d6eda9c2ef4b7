using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Simulation;

/// <summary>Drops, repeats, delays and reorders messages; links can be cut in one direction or in both.</summary>
internal sealed class Network(World world, SimProfile profile, TimeSpan electionTimeout)
{
    private readonly HashSet<(ulong From, ulong To)> _cut = [];
    private readonly TimeSpan _slowest = electionTimeout / 30;

    public bool IsReliable { get; set; }

    public bool HasCuts => _cut.Count > 0;

    public void Cut(ulong from, ulong to) => _cut.Add((from, to));

    public void Heal() => _cut.Clear();

    /// <summary>The next offer of the leadership arrives that much later, right after something was done.</summary>
    public (TimeSpan Delay, Action Before)? LateOffer { get; set; }

    public TimeSpan Latency() => world.Between(electionTimeout / 1000, _slowest);

    public void Send(Message message, TimeSpan departsIn, Action<Message> deliver)
    {
        if (_cut.Contains((message.From, message.To)))
        {
            world.Coverage.Count("network: lost at a cut link");
            return;
        }
        if (!IsReliable && world.Chance(profile.Drop))
        {
            world.Coverage.Count("network: dropped");
            return;
        }
        if (message.MsgType == MessageType.MsgTimeoutNow && LateOffer is { } late)
        {
            LateOffer = null;
            world.After(departsIn + late.Delay, () =>
            {
                late.Before();
                deliver(message);
            });
            return;
        }
        Schedule(message, departsIn, deliver);
        if (IsReliable || !world.Chance(profile.Duplicate)) return;
        world.Coverage.Count("network: duplicated");
        Schedule(message, departsIn, deliver);
    }

    private void Schedule(Message message, TimeSpan departsIn, Action<Message> deliver)
    {
        var latency = Latency();
        if (!IsReliable && world.Chance(profile.Straggle))
        {
            latency = world.Between(TimeSpan.Zero, 2 * electionTimeout);
            world.Coverage.Count("network: straggler");
        }
        world.After(departsIn + latency, () => deliver(message));
    }
}
