using System.CommandLine;
using System.Text;
using TiKvActors.Client;
using TiKvActors.Host.Commands;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Tests;

/// <summary>Two of three stores are gone: the error says so, and when one is back, so is service.</summary>
public class QuorumTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_a_quorum_calls_fail_with_its_name_and_with_one_they_succeed_again(bool byKill)
    {
        using var directory = new TemporaryDirectory();
        var options = ProcessCluster.Options(directory.Path, 3, pds: 1);
        await using var cluster = await ProcessCluster.StartAsync(options, _ => { }, CancellationToken.None);
        await using var client =
            await RawClient.ConnectAsync(cluster.Endpoints, new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(8) });
        await client.PutAsync(Bytes("k"), Bytes("v"));
        // Store 1 has PD: a new client, as each command is one, can only connect there.
        await Task.WhenAll(cluster.Nodes.Skip(1).Select(n => byKill ? n.KillAsync() : n.StopAsync()));

        // If store 1 led, it takes it some time to see that it does not any more. A write whose answer comes too late, on a busy machine, may
        // have happened for all that its caller knows.
        foreach (var failure in new[]
        {
            await FailureOfAsync(() => client.GetAsync(Bytes("k"))),
            await FailureOfAsync(() => client.PutAsync(Bytes("k"), Bytes("w"))),
            await RunAsync(cluster, "get", "k"),
            await RunAsync(cluster, "put", "k", "w")
        })
        {
            Assert.Matches("region [0-9]+ has no quorum \\(of its 3 voters, store", failure);
            Assert.Equal(2, failure.Split(" did not answer: ").Length - 1);
            Assert.Equal(1, failure.Split(" answered: ").Length - 1);
        }

        await cluster.Nodes[2].StartAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    await client.PutAsync(Bytes("k"), Bytes("x"));
                    return true;
                }
                catch (TikvException)
                {
                    return false;
                }
            },
            "writes succeed");
        Assert.Equal(Bytes("x"), await client.GetAsync(Bytes("k")));
    }

    /// <returns>What it says when it fails for want of a quorum.</returns>
    private static Task<string> FailureOfAsync(Func<Task> call) => Eventually.NotNullAsync(async () =>
    {
        try
        {
            await call();
            return null;
        }
        catch (TikvException e)
        {
            return e is RegionUnavailableException ? e.Message : null;
        }
    }, "a call fails for want of a quorum");

    /// <returns>What it says when it fails with exit status 1.</returns>
    private static Task<string> RunAsync(ProcessCluster cluster, params string[] arguments) => Eventually.NotNullAsync(async () =>
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await Tkv.RunAsync(
            ["raw", .. arguments, "--timeout", "8", "--endpoint", cluster.Endpoints],
            new InvocationConfiguration { Output = output, Error = error });
        if (exitCode == ExitCode.Undetermined)
            return null;
        Assert.Equal((ExitCode.Failed, ""), (exitCode, output.ToString()));
        return error.ToString();
    }, "a command fails for want of a quorum");

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
