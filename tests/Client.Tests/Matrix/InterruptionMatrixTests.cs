using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Tests.Matrix;

/// <summary>
/// Connections that break, answers that get lost, PD and nodes that are away; and in each of these scenes the caller's cancellation, or the
/// deadline, at every point at which the call looks at its time, starts a timer or meets the transport. What must hold in any case
/// <see cref="Scene"/> judges.
/// </summary>
public class InterruptionMatrixTests
{
    private static readonly Dictionary<string, Scene.Spoiler> _troubles = new()
    {
        ["none"] = (_, _, _, _, _, _) => Pass,
        ["cut before the request left"] = (_, _, address, _, _, _) => throw new NodeUnreachableException(address, "refused"),
        ["too much waits here"] = (_, _, address, _, _, _) => throw new NodeUnreachableException(address, "busy", isBusy: true),
        ["never sent"] = async (_, _, _, _, _, attempt) => await Never(attempt).ConfigureAwait(false),
        ["cut after the request left"] = (scene, _, address, request, delivery, _) =>
        {
            scene.Leave(request, delivery);
            throw new NodeUnreachableException(address, "cut");
        },
        ["cut while the answer comes"] = (scene, _, address, request, delivery, _) =>
        {
            scene.Leave(request, delivery);
            scene.Execute(address, request);
            throw new NodeUnreachableException(address, "cut");
        },
        ["answer lost"] = async (scene, _, address, request, delivery, attempt) =>
        {
            scene.Leave(request, delivery);
            scene.Execute(address, request);
            return await Never(attempt).ConfigureAwait(false);
        },
        ["node silently gone"] = async (scene, _, _, request, delivery, attempt) =>
        {
            scene.Leave(request, delivery);
            return await Never(attempt).ConfigureAwait(false);
        },
        ["not leader"] = (scene, _, _, request, delivery, _) =>
        {
            scene.Leave(request, delivery);
            return Task.FromResult<IRegionResponse?>(FakeCluster.Failed(request, RegionErrors.NotLeader(request.Context.RegionId, null)));
        },
        ["answer of another kind"] = (scene, _, address, request, delivery, _) =>
        {
            scene.Leave(request, delivery);
            scene.Execute(address, request);
            return Task.FromResult<IRegionResponse?>(request is RawGetKeyTTLRequest ? new RawGetResponse() : new RawGetKeyTTLResponse());
        },
    };

    private static Task<IRegionResponse?> Pass => Task.FromResult<IRegionResponse?>(null);

    private static async Task<IRegionResponse?> Never(CancellationToken attempt)
    {
        await Scene.NeverAsync(attempt).ConfigureAwait(false);
        return null;
    }

    private static readonly Dictionary<string, Func<int, bool>> _times = new()
    {
        ["at first"] = number => number == 1,
        ["after a part"] = number => number == 2,
        ["always"] = _ => true,
    };

    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (var operation in Operation.All.Where(o => o.Regions > 0))
            foreach (var trouble in _troubles.Keys)
                foreach (var time in trouble == "none" ? ["always"] : _times.Keys.ToArray())
                    cases.Add(operation.Name, trouble, time);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Trouble_by_itself_and_with_a_cancellation_or_the_deadline_at_every_point(string name, string trouble, string time)
    {
        var operation = Operation.Of(name);
        var points = Scene.Run(operation, Troubled(trouble, time)).Points;
        Assert.InRange(points, 3, 20_000);
        foreach (var point in Choose(points))
        {
            Scene.Run(operation, Troubled(trouble, time), cancelAt: point);
            Scene.Run(operation, Troubled(trouble, time), expireAt: point);
        }
    }

    [Theory]
    [MemberData(nameof(Operation.Every), MemberType = typeof(Operation))]
    public void PD_that_is_away_or_silent_at_first_or_always(string name)
    {
        var operation = Operation.Of(name);
        foreach (var silent in new[] { false, true })
        {
            foreach (var losses in new[] { 1, int.MaxValue })
            {
                var points = Run(0, 0);
                foreach (var point in Choose(points))
                {
                    Run(point, 0);
                    Run(0, point);
                }

                int Run(int cancelAt, int expireAt)
                {
                    var left = losses;
                    return Scene.Run(operation, Troubled("none", "always"), cancelAt, expireAt, async (address, _, attempt) =>
                    {
                        if (left-- <= 0)
                            return null;
                        if (!silent)
                            throw new NodeUnreachableException(address, "gone");
                        await Scene.NeverAsync(attempt).ConfigureAwait(false);
                        return null;
                    }, cold: true).Points;
                }
            }
        }
    }

    [Fact]
    public void A_part_that_failed_does_not_hide_another_one_whose_answer_is_lost()
    {
        foreach (var name in new[] { "batch put", "batch delete" })
        {
            var scene = Scene.Run(Operation.Of(name), async (s, number, address, request, delivery, attempt) =>
            {
                s.Leave(request, delivery);
                if (number == 1)
                    return FakeCluster.Failed(request, RegionErrors.RaftEntryTooLarge(1, 9, 8));
                s.Execute(address, request);
                return await Never(attempt).ConfigureAwait(false);
            });
            Assert.IsType<UndeterminedException>(scene.Failure);
        }
    }

    [Fact]
    public void A_swap_that_happened_and_whose_answer_does_not_fit_has_happened()
    {
        var scene = Scene.Run(Operation.Of("compare-and-swap"), (s, _, address, request, delivery, _) =>
        {
            s.Leave(request, delivery);
            s.Execute(address, request);
            return Task.FromResult<IRegionResponse?>(new RawCASResponse { Succeed = true, Error = "the response of 9 bytes does not fit" });
        });
        Assert.Null(scene.Failure);
    }

    /// <summary>Every point of an ordinary run; of one that tries until its deadline the first ones, and some of the others.</summary>
    private static IEnumerable<int> Choose(int points) =>
        Enumerable.Range(1, Math.Min(points, 100))
            .Concat(Enumerable.Range(1, 30).Select(i => 100 + (points - 100) * i / 30).Where(p => p > 100).Distinct());

    private static Scene.Spoiler Troubled(string trouble, string time)
    {
        var (spoil, applies) = (_troubles[trouble], _times[time]);
        return (scene, number, address, request, delivery, attempt) => applies(number)
            ? spoil(scene, number, address, request, delivery, attempt)
            : Pass;
    }
}
