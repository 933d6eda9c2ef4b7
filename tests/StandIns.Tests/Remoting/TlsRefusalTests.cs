using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;
using Akka.Remote.Transport;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>
/// Who has no certificate that is taken, or speaks no TLS, gets nowhere; both ends say why, once, and nothing else happens.
/// </summary>
[Collection(TlsCollection.Name)]
public class TlsRefusalTests(Certificates certificates)
{
    /// <summary>One dial and no other.</summary>
    private const string Once = "\nakka.remote.retry-gate-closed-for = 10m\n";

    private const string Warns = "\nakka.loglevel = WARNING\nakka.loggers = []\nakka.log-dead-letters = off\n";

    private static readonly CertificateAuthority _unknown = CertificateAuthority.Create("Unknown");

    /// <summary>The settings of a system whose certificate is not to be taken.</summary>
    private string Bad(string what) => what switch
    {
        "unknown authority" => certificates.Settings(_unknown),
        "expired" => Settings(certificates.Trusted.Certificate(what, ["127.0.0.1"], firstDay: -3, lastDay: -2)),
        "not yet valid" => Settings(certificates.Trusted.Certificate(what, ["127.0.0.1"], firstDay: 2, lastDay: 3)),
        "for servers only" => Settings(certificates.Trusted.Certificate(what, ["127.0.0.1"], onlyForServers: true)),
        _ => throw new ArgumentOutOfRangeException(nameof(what), what, null)
    };

    private string Settings(X509Certificate2 certificate) => certificates.Settings(certificate, certificates.Trusted);

    [Theory]
    [InlineData("unknown authority", "CN=Unknown")]
    [InlineData("expired", "NotTimeValid")]
    [InlineData("not yet valid", "NotTimeValid")]
    [InlineData("for servers only", "NotValidForUsage")]
    public Task Who_dials_with_a_bad_certificate_is_refused(string what, string reason) =>
        RefusedByTheDialled(what, Bad(what) + Once, certificates.Settings(certificates.Trusted), reason);

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public Task Who_dials_without_a_certificate_is_refused(string suppressValidation) => RefusedByTheDialled(
        "none",
        certificates.Settings(certificates.Trusted, "require-mutual-authentication = false") + Once,
        certificates.Settings(certificates.Trusted, "suppress-validation = " + suppressValidation),
        "no certificate (akka.remote.dot-netty.tcp.ssl.require-mutual-authentication)");

    [Fact]
    public Task Who_dials_in_plaintext_is_refused() =>
        RefusedByTheDialled("plaintext", Once, certificates.Settings(certificates.Trusted), "the TLS handshake failed", "akka.tcp");

    [Fact]
    public Task Who_dials_with_tls_where_there_is_none_is_refused() => RefusedByTheDialled(
        "TLS",
        certificates.Settings(certificates.Trusted) + Once,
        "",
        "TLS, which is off here (akka.remote.dot-netty.tcp.enable-ssl)",
        "akka.ssl.tcp");

    private static async Task RefusedByTheDialled(string what, string stranger, string settings, string reason, string protocol = null)
    {
        await using var a = Node.Start("A", settings + Warns);
        await using var b = Node.Start("B", stranger);
        var warnings = a.Listen("warnings", typeof(Warning), typeof(Error));
        var happened = a.Listen("happened", typeof(AssociationEvent));
        var inbox = a.Listen("inbox");
        var failures = b.Listen("failures", typeof(AssociationErrorEvent));
        b.System.ActorSelection(new RootActorPath(a.Address.WithProtocol(protocol ?? a.Address.Protocol)) / "user" / "inbox").Tell(what);
        await failures.HasCount(1);
        await warnings.Has(IsRefusal(reason), reason);
        await Node.Eventually(() => RemotingOf(a).HandshakeCount == 0, () => "the end of the handshake");
        Assert.Equal(1, warnings.Count);
        Assert.Equal((0, 0, 1), (inbox.Count, happened.Count, failures.Count));
        var told = ((AssociationErrorEvent)failures.Got.Single()).Cause.Message;
        Assert.True(told.Contains(Tls.ClosedHint) || told.Contains(Tls.EnabledHint), told);
        Assert.Equal(0, RemotingOf(a).AssociationCount);
    }

    private static Func<object, bool> IsRefusal(string reason) => warning =>
        warning.ToString()!.Contains("Closed a connection from 127.0.0.1:") && warning.ToString()!.Contains(reason);

    [Theory]
    [InlineData("unknown authority", "CN=Unknown")]
    [InlineData("expired", "NotTimeValid")]
    [InlineData("not yet valid", "NotTimeValid")]
    public Task Who_is_dialled_and_has_a_bad_certificate_is_refused(string what, string reason) =>
        RefusedByTheDialler(what, certificates.Settings(certificates.Trusted), Bad(what), reason);

    [Fact]
    public Task Who_is_dialled_and_has_a_certificate_for_another_host_is_refused_if_names_are_looked_at() => RefusedByTheDialler(
        "another host",
        certificates.Settings(certificates.Trusted, "validate-certificate-hostname = true"),
        certificates.Settings(certificates.Trusted, "", "elsewhere.example"),
        "not for the host 127.0.0.1 (akka.remote.dot-netty.tcp.ssl.validate-certificate-hostname)");

    [Fact]
    public Task Names_are_looked_at_without_validation_too() => RefusedByTheDialler(
        "another host",
        certificates.Settings(_unknown, "validate-certificate-hostname = true, suppress-validation = true"),
        certificates.Settings(_unknown, "suppress-validation = true", "elsewhere.example"),
        "not for the host 127.0.0.1 (akka.remote.dot-netty.tcp.ssl.validate-certificate-hostname)");

    private static async Task RefusedByTheDialler(string what, string settings, string stranger, string reason)
    {
        await using var a = Node.Start("A", settings + Once);
        await using var b = Node.Start("B", stranger + Warns);
        var failures = a.Listen("failures", typeof(AssociationErrorEvent));
        var letters = a.Listen("letters", typeof(DeadLetter));
        var warnings = b.Listen("warnings", typeof(Warning), typeof(Error));
        var happened = b.Listen("happened", typeof(AssociationEvent));
        a.Select(b, "/user/happened").Tell(what);
        await failures.HasCount(1);
        var failure = (AssociationErrorEvent)failures.Got.Single();
        Assert.Equal(b.Address, failure.RemoteAddress);
        Assert.Contains(reason, failure.Cause.Message);
        await letters.HasCount(1);
        await warnings.Has(IsRefusal("its log says why"), "its end there");
        Assert.Equal((1, 1, 0), (warnings.Count, failures.Count, happened.Count));
        Assert.Equal(0, RemotingOf(b).AssociationCount);
    }

    [Theory]
    [InlineData("")]
    [InlineData("160301")]
    public async Task Who_does_not_go_on_with_the_tls_handshake_is_closed_after_the_time_for_handshakes(string begins)
    {
        await using var a = Node.Start("A", certificates.Settings(certificates.Trusted) + Warns + "akka.remote.handshake-timeout = 500ms");
        var warnings = a.Listen("warnings", typeof(Warning));
        using var stranger = await RawPeer.ConnectAsync(a);
        await stranger.SendAsync(Convert.FromHexString(begins));
        await stranger.ClosedAsync();
        await warnings.Has(IsRefusal("no greeting within 00:00:00.5000000 (akka.remote.handshake-timeout)"), "the reason");
        await Node.Eventually(() => RemotingOf(a).HandshakeCount == 0, () => "the end of the handshake");
        Assert.Equal(1, warnings.Count);
    }

    [Fact]
    public async Task Who_says_nothing_after_the_tls_handshake_is_closed_after_the_same_time()
    {
        await using var a = Node.Start("A", certificates.Settings(certificates.Trusted) + Warns + "akka.remote.handshake-timeout = 2s");
        var warnings = a.Listen("warnings", typeof(Warning));
        using var socket = new TcpClient("127.0.0.1", a.Address.Port!.Value);
        await using var stranger = new SslStream(socket.GetStream());
        await stranger.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            ClientCertificates = [Certificates.Of(certificates.Trusted, "silent")]
        });
        Assert.Equal(1, RemotingOf(a).HandshakeCount);
        Assert.Equal(0, await stranger.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        await warnings.Has(IsRefusal("no greeting within"), "the reason");
        Assert.Equal(1, warnings.Count);
    }

    [Fact]
    public async Task Who_is_dialled_and_does_not_answer_the_tls_handshake_is_given_up()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var a = Node.Start("A", certificates.Settings(certificates.Trusted) + Once + "akka.remote.handshake-timeout = 500ms");
        var failures = a.Listen("failures", typeof(AssociationErrorEvent));
        a.System.ActorSelection($"akka.ssl.tcp://B@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/user/none").Tell("hello");
        await failures.Has(m => ((AssociationErrorEvent)m).Cause.Message.Contains("did not answer in time"), "the reason");
    }

    [Fact]
    public async Task Garbage_ends_its_own_connections_and_no_other()
    {
        const int Connections = 200;
        await using var a = Node.Start("A", certificates.Settings(certificates.Trusted) + Warns);
        await using var b = Node.Start("B", certificates.Settings(certificates.Trusted));
        var lost = a.Listen("lost", typeof(DisassociatedEvent));
        var warnings = a.Listen("warnings", typeof(Warning), typeof(Error));
        var inbox = a.Listen("inbox");
        var remote = await b.Find(a, "/user/inbox");
        await Parallel.ForEachAsync(Enumerable.Range(0, Connections), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            var random = new Random(i);
            var garbage = new byte[random.Next(16, 4_000)];
            random.NextBytes(garbage);
            // Half of it begins as TLS does: a record of the handshake, with a length.
            if (i % 2 == 0) (garbage[0], garbage[1], garbage[2], garbage[3], garbage[4]) = (22, 3, 1, 0, 10);
            using var stranger = await RawPeer.ConnectAsync(a);
            await stranger.TrySendAsync(garbage);
            await stranger.ClosedAsync();
        });
        remote.Tell("still here");
        await inbox.Has("still here");
        await Node.Eventually(() => RemotingOf(a).HandshakeCount == 0, () => "the end of the handshakes");
        Assert.Equal(0, lost.Count);
        Assert.InRange(warnings.Count, 1, 20);
        Assert.All(warnings.Got, m => Assert.Contains("Closed a connection from", m.ToString()));
    }

    [Theory]
    [InlineData("", "certificate.path: empty")]
    [InlineData("certificate.path = /nowhere/node.pfx", "/nowhere/node.pfx cannot be loaded")]
    [InlineData("certificate.path = GARBAGE", "GARBAGE cannot be loaded")]
    [InlineData("certificate.path = KEYLESS", "KEYLESS: the certificate CN=keyless has no key")]
    [InlineData("certificate { path = GOOD, password = wrong }", "GOOD cannot be loaded")]
    [InlineData("certificate { path = GOOD, flags = [exportabel] }", "certificate.flags: 'exportabel'")]
    [InlineData("certificate { path = GOOD, thumpbrint = 00 }", "certificate.thumpbrint: there is no such setting")]
    [InlineData("certificate.path = GOOD, require-mutual-auth = true", "ssl.require-mutual-auth: there is no such setting")]
    [InlineData("certificate { path = GOOD, use-thumbprint-over-file = true }", "certificate.thumbprint: empty")]
    [InlineData("certificate { use-thumbprint-over-file = true, thumbprint = 00 }", "certificate.store-name: empty")]
    [InlineData("certificate { use-thumbprint-over-file = true, thumbprint = 00, store-name = My }",
        "00 in the store My of CurrentUser: there is no such certificate")]
    [InlineData("certificate { use-thumbprint-over-file = true, thumbprint = 00, store-name = My, store-location = local-machine }",
        "the store My of LocalMachine cannot be opened")]
    [InlineData("certificate { use-thumbprint-over-file = true, thumbprint = 00, store-name = My, store-location = anywhere }",
        "certificate.store-location: 'anywhere'")]
    public void A_system_whose_certificate_cannot_be_had_does_not_start_and_says_why(string settings, string reason)
    {
        var good = certificates.FileOf(Certificates.Of(certificates.Trusted, "good"), certificates.Trusted);
        var (garbage, keyless) = (certificates.NewFile(), certificates.NewFile());
        File.WriteAllText(garbage, "no certificate");
        using var withoutKey = X509CertificateLoader.LoadCertificate(Certificates.Of(certificates.Trusted, "keyless").RawData);
        File.WriteAllBytes(keyless, withoutKey.Export(X509ContentType.Pkcs12, Certificates.Password)!);
        string Named(string text) => text.Replace("GOOD", good).Replace("GARBAGE", garbage).Replace("KEYLESS", keyless);
        var error = Assert.ThrowsAny<ConfigurationException>(() => Node.Start("A", $$"""
            akka.remote.dot-netty.tcp {
              enable-ssl = true
              ssl {
                certificate.password = "{{Certificates.Password}}"
                {{Named(settings)}}
              }
            }
            """));
        Assert.Contains(Named(reason), error.Message);
    }

    private static Akka.Remote.Remoting RemotingOf(Node node) =>
        (Akka.Remote.Remoting)((RemoteActorRefProvider)node.System.Provider).Transport;
}
