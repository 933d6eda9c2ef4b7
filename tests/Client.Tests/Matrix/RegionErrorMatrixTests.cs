using Google.Protobuf.Reflection;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Tests.Matrix;

/// <summary>
/// Every operation against every region error, at the first attempt, after a part has succeeded, and always; what must hold in any case
/// <see cref="Scene"/> judges.
/// </summary>
public class RegionErrorMatrixTests
{
    private static readonly string[] _lasting = ["raft_entry_too_large", "FlashbackInProgress", "FlashbackNotPrepared"];

    private static IEnumerable<(string Name, Func<FakeCluster, IRegionRequest, Error> Make)> Errors()
    {
        foreach (var field in Error.Descriptor.Fields.InFieldNumberOrder().Where(f => f.FieldType == FieldType.Message))
        {
            yield return (field.Name, (_, _) =>
            {
                var error = new Error { Message = $"test of {field.Name}" };
                field.Accessor.SetValue(error, Activator.CreateInstance(field.MessageType.ClrType));
                return error;
            });
        }
        yield return ("an error of a newer program", (_, _) => new Error { Message = "what is that?" });
        yield return ("not_leader, another leads",
            (cluster, r) => RegionErrors.NotLeader(r.Context.RegionId, RegionOf(cluster, r).Peers.First(p => p.Id != r.Context.Peer.Id)));
        yield return ("not_leader, itself leads", (_, r) => RegionErrors.NotLeader(r.Context.RegionId, r.Context.Peer));
        yield return ("not_leader, a stranger leads",
            (_, r) => RegionErrors.NotLeader(r.Context.RegionId, new() { Id = 999, StoreId = 9 }));
        yield return ("epoch_not_match with regions",
            (cluster, r) => RegionErrors.EpochNotMatch(r.Context.RegionEpoch, [RegionOf(cluster, r)]));
        yield return ("epoch_not_match with older regions", (cluster, r) =>
        {
            var older = RegionOf(cluster, r).Clone();
            older.RegionEpoch.Version--;
            return RegionErrors.EpochNotMatch(r.Context.RegionEpoch, [older]);
        });
        yield return ("server_is_busy with a back-off", (_, _) => RegionErrors.ServerIsBusy("full", TimeSpan.FromMilliseconds(700)));
        yield return ("server_is_busy with an enormous back-off", (_, _) => RegionErrors.ServerIsBusy("full", TimeSpan.FromDays(40)));
    }

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var operation in Operation.All.Where(o => o.Regions > 0))
            foreach (var (name, _) in Errors())
                cases.Add(operation.Name, name);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void One_error_at_first(string name, string error)
    {
        var operation = Operation.Of(name);
        Expect(operation, error, Scene.Run(operation, When(error, number => number == 1)));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void One_error_after_a_part_has_succeeded(string name, string error)
    {
        var operation = Operation.Of(name);
        if (operation.Regions > 1)
            Expect(operation, error, Scene.Run(operation, When(error, number => number == 2)));
        else
            Assert.Null(Scene.Run(operation, When(error, number => number == 2)).Failure);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_error_always(string name, string error)
    {
        var operation = Operation.Of(name);
        var scene = Scene.Run(operation, When(error, _ => true));
        Assert.NotNull(scene.Failure);
        if (error == "undetermined_result" && operation.IsWrite)
            Assert.IsType<UndeterminedException>(scene.Failure);
        else if (_lasting.Contains(error))
            Assert.IsType(error == "raft_entry_too_large" ? typeof(InvalidRequestException) : typeof(ServerErrorException), scene.Failure);
        else
            Assert.IsAssignableFrom<DeadlineExceededException>(scene.Failure);
        // Pauses grow: not a hot loop against a server in trouble.
        Assert.InRange(scene.Requests, 1, 400);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void After_a_lost_answer_the_error_makes_no_write_a_failed_one(string name, string error)
    {
        var operation = Operation.Of(name);
        var errors = When(error, _ => true);
        var scene = Scene.Run(operation, (s, number, address, request, delivery, attempt) =>
        {
            if (number != 1)
                return errors(s, number, address, request, delivery, attempt);
            s.Leave(request, delivery);
            s.Execute(address, request);
            throw new NodeUnreachableException(address, "cut");
        });
        if (operation.IsWrite)
            Assert.IsType<UndeterminedException>(scene.Failure);
    }

    private static void Expect(Operation operation, string error, Scene scene)
    {
        if (_lasting.Contains(error))
            Assert.IsType(error == "raft_entry_too_large" ? typeof(InvalidRequestException) : typeof(ServerErrorException), scene.Failure);
        else if (error == "undetermined_result" && operation.IsConditional)
            Assert.IsType<UndeterminedException>(scene.Failure);
        else if (error == "server_is_busy with an enormous back-off")
            Assert.True(scene.Failure is null or DeadlineExceededException);
        else
            Assert.Null(scene.Failure);
    }

    private static Scene.Spoiler When(string error, Func<int, bool> applies)
    {
        var make = Errors().Single(e => e.Name == error).Make;
        return (scene, number, _, request, delivery, attempt) =>
        {
            if (!applies(number))
                return Task.FromResult<IRegionResponse?>(null);
            attempt.ThrowIfCancellationRequested();
            scene.Leave(request, delivery);
            return Task.FromResult<IRegionResponse?>(FakeCluster.Failed(request, make(scene.Cluster, request)));
        };
    }

    private static Protocol.Metapb.Region RegionOf(FakeCluster cluster, IRegionRequest request) =>
        cluster.Regions.Single(r => r.Id == request.Context.RegionId);
}
