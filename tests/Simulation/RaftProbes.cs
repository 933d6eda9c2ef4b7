namespace TiKvActors.Simulation;

/// <summary>What many seeds of the Raft level must have met; without it they prove little.</summary>
internal static class RaftProbes
{
    public static readonly IReadOnlyList<string> All =
    [
        "conf changes applied: joint entered",
        "conf changes applied: joint left",
        "conf changes applied: simple",
        "disk: applied entries lost in a crash",
        "disk: unacknowledged write survived a crash",
        "disk: write in flight lost in a crash",
        "fault: attack on a transfer",
        "fault: attack on the lease",
        "fault: leaders crash as soon as they are elected",
        "fault: links cut in one direction",
        "fault: pause",
        "fault: pause in the middle of a step",
        "fault: restart of everybody",
        "fault: restart of one peer",
        "journal reads for followers",
        "journal reads for the applier",
        "leaders removed by a conf change",
        "log suffixes overwritten",
        "network: straggler",
        "proposals replaced",
        "reads by lease",
        "reads by read index",
        "reads dropped by a lost leadership",
        "refused: TooMuchInFlight",
        "refused: Transferring",
        "snapshots installed",
        "snapshots lost",
        "transfers: leadership offered",
    ];
}
