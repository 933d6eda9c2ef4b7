using Akka.Actor;
using Akka.Event;
using TiKvActors.StandIns.Tests.Remoting;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Clustering;

[Collection(TlsCollection.Name)]
public class ClusterTlsTests(Certificates certificates)
{
    [Fact]
    public async Task Nodes_of_one_authority_form_a_cluster_and_one_of_another_does_not_get_in()
    {
        const string Warns = "akka.loglevel = WARNING\nakka.loggers = []";
        var nodes = await ClusterNode.StartCluster(3, certificates.Settings(certificates.Trusted) + Warns);
        Assert.All(nodes, n => Assert.Equal("akka.ssl.tcp", n.Address.Protocol));
        var refusal = new TaskCompletionSource<string>();
        nodes[0].System.EventStream.Subscribe(nodes[0].System.ActorOf(Props.Create(() => new Reader(refusal))), typeof(Warning));
        var stranger = ClusterNode.Start(certificates.Settings(CertificateAuthority.Create("Elsewhere")));
        var join = stranger.Cluster.JoinAsync(nodes[0].Address);
        Assert.Contains("CN=Elsewhere", await refusal.Task.WaitAsync(ClusterNode.Patience));
        Assert.False(join.IsCompleted);
        Assert.Equal(3, nodes[0].Cluster.State.Members.Count);
        await stranger.DisposeAsync();
        await nodes.End();
    }

    /// <summary>Keeps the first warning about a certificate.</summary>
    private sealed class Reader : UntypedActor
    {
        private readonly TaskCompletionSource<string> _found;

        public Reader(TaskCompletionSource<string> found) => _found = found;

        protected override void OnReceive(object message)
        {
            var text = message.ToString()!;
            if (text.Contains("certificate")) _found.TrySetResult(text);
        }
    }
}
