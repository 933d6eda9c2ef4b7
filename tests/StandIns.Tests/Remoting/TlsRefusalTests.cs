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
public class TlsRefusalTests
{
    /// <summary>One dial and no other.</summary>
    private const string Once = "\nakka.remote.retry-gate-closed-for = 10m\n";

    private const string Warns = "\nakka.loglevel = WARNING\nakka.loggers = []\nakka.log-dead-letters = off\n";

    private static readonly CertificateAuthority _unknown = CertificateAuthority.Create("Unknown");

    public static TheoryData<string, string, string> BadCertificates
    {
        get
        {
            var trusted = Certificates.Trusted;
            var expired = trusted.Certificate("expired", ["127.0.0.1"], firstDay: -3, lastDay: -2);
            var early = trusted.Certificate("early", ["127.0.0.1"], firstDay: 2, lastDay: 3);
            return new TheoryData<string, string, string>
            {
                { "unknown authority", Certificates.Settings(_unknown), "CN=Unknown" },
                { "expired", Certificates.Settings(Certificates.FileOf(expired, trusted)), "NotTimeValid" },
                { "not yet valid", Certificates.Settings(Certificates.FileOf(early, trusted)), "NotTimeValid" }
            };
        }
    }

    [Theory]
    [MemberData(nameof(BadCertificates))]
    public Task Who_dials_with_a_bad_certificate_is_refused(string what, string stranger, string reason) =>
        RefusedByTheDialled(what, stranger + Once, Certificates.Settings(Certificates.Trusted), reason);

    [Fact]
    public Task Who_dials_with_a_certificate_for_servers_only_is_refused()
    {
        var certificate = Certificates.Trusted.Certificate("server", ["127.0.0.1"], onlyForServers: true);
        var stranger = Certificates.Settings(Certificates.FileOf(certificate, Certificates.Trusted)) + Once;
        return RefusedByTheDialled("for servers only", stranger, Certificates.Settings(Certificates.Trusted), "NotValidForUsage");
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public Task Who_dials_without_a_certificate_is_refused(string suppressValidation) => RefusedByTheDialled(
        "none",
        Certificates.Settings(Certificates.Trusted, "require-mutual-authentication = false") + Once,
        Certificates.Settings(Certificates.Trusted, "suppress-validation = " + suppressValidation),
        "no certificate (akka.remote.dot-netty.tcp.ssl.require-mutual-authentication)");

    [Fact]
    public Task Who_dials_in_plaintext_is_refused() =>
        RefusedByTheDialled("plaintext", Once, Certificates.Settings(Certificates.Trusted), "the TLS handshake failed", "akka.tcp");

    [Fact]
    public Task Who_dials_with_tls_where_there_is_none_is_refused() => RefusedByTheDialled(
        "TLS",
        Certificates.Settings(Certificates.Trusted) + Once,
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
    [MemberData(nameof(BadCertificates))]
    public Task Who_is_dialled_and_has_a_bad_certificate_is_refused(string what, string stranger, string reason) =>
        RefusedByTheDialler(what, Certificates.Settings(Certificates.Trusted), stranger, reason);

    [Fact]
    public Task Who_is_dialled_and_has_a_certificate_for_another_host_is_refused_if_names_are_looked_at() => RefusedByTheDialler(
        "another host",
        Certificates.Settings(Certificates.Trusted, "validate-certificate-hostname = true"),
        Certificates.Settings(Certificates.Trusted, "", "elsewhere.example"),
        "not for the host 127.0.0.1 (akka.remote.dot-netty.tcp.ssl.validate-certificate-hostname)");

    [Fact]
    public Task Names_are_looked_at_without_validation_too() => RefusedByTheDialler(
        "another host",
        Certificates.Settings(_unknown, "validate-certificate-hostname = true, suppress-validation = true"),
        Certificates.Settings(_unknown, "suppress-validation = true", "elsewhere.example"),
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
        await using var a = Node.Start("A", Certificates.Settings(Certificates.Trusted) + Warns + "akka.remote.handshake-timeout = 500ms");
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
        await using var a = Node.Start("A", Certificates.Settings(Certificates.Trusted) + Warns + "akka.remote.handshake-timeout = 2s");
        var warnings = a.Listen("warnings", typeof(Warning));
        using var socket = new TcpClient("127.0.0.1", a.Address.Port!.Value);
        await using var stranger = new SslStream(socket.GetStream());
        await stranger.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            ClientCertificates = [Certificates.Of(Certificates.Trusted, "silent")]
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
        await using var a = Node.Start("A", Certificates.Settings(Certificates.Trusted) + Once + "akka.remote.handshake-timeout = 500ms");
        var failures = a.Listen("failures", typeof(AssociationErrorEvent));
        a.System.ActorSelection($"akka.ssl.tcp://B@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/user/none").Tell("hello");
        await failures.Has(m => ((AssociationErrorEvent)m).Cause.Message.Contains("did not answer in time"), "the reason");
    }

    [Fact]
    public async Task Garbage_ends_its_own_connections_and_no_other()
    {
        const int Connections = 200;
        await using var a = Node.Start("A", Certificates.Settings(Certificates.Trusted) + Warns);
        await using var b = Node.Start("B", Certificates.Settings(Certificates.Trusted));
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

    public static TheoryData<string, string> ImpossibleSettings
    {
        get
        {
            var good = Certificates.FileOf(Certificates.Of(Certificates.Trusted, "good"), Certificates.Trusted);
            var garbage = Certificates.NewFile(".pfx");
            File.WriteAllText(garbage, "no certificate");
            var keyless = Certificates.NewFile(".pfx");
            using var certificate = Certificates.Of(Certificates.Trusted, "keyless");
            using var withoutKey = X509CertificateLoader.LoadCertificate(certificate.RawData);
            File.WriteAllBytes(keyless, withoutKey.Export(X509ContentType.Pkcs12, Certificates.Password)!);
            const string Ssl = "akka.remote.dot-netty.tcp.ssl.";
            const string Certificate = Ssl + "certificate.";
            return new TheoryData<string, string>
            {
                { "akka.remote.dot-netty.tcp.enable-ssl = true", Certificate + "path: empty" },
                { Certificates.Settings("/nowhere/node.pfx"), "/nowhere/node.pfx" },
                { Certificates.Settings(garbage), garbage + " cannot be loaded" },
                { Certificates.Settings(keyless), keyless + ": the certificate CN=keyless has no key" },
                { Certificates.Settings(good, "certificate.password = wrong"), good + " cannot be loaded" },
                { Certificates.Settings(good, "certificate.flags = [exportabel]"), Certificate + "flags: 'exportabel'" },
                { Certificates.Settings(good, "certificate.use-thumbprint-over-file = true"), Certificate + "thumbprint: empty" },
                { Thumbprint("00", "My", "current-user"), "00 in the store My of CurrentUser: there is no such certificate" },
                { Thumbprint("00", "", "current-user"), Certificate + "store-name: empty" },
                { Thumbprint("00", "My", "local-machine"), "the store My of LocalMachine cannot be opened" },
                { Thumbprint("00", "My", "anywhere"), Certificate + "store-location: 'anywhere'" },
                { Certificates.Settings(good, "certificate.thumpbrint = 00"), Certificate + "thumpbrint: there is no such setting" },
                { Certificates.Settings(good, "require-mutual-auth = true"), Ssl + "require-mutual-auth: there is no such setting" }
            };

            string Thumbprint(string thumbprint, string store, string location) => Certificates.Settings(good, $$"""
                certificate { use-thumbprint-over-file = true, thumbprint = "{{thumbprint}}", store-name = "{{store}}", store-location = {{location}} }
                """);
        }
    }

    [Theory]
    [MemberData(nameof(ImpossibleSettings))]
    public void A_system_whose_certificate_cannot_be_had_does_not_start_and_says_why(string settings, string reason)
    {
        var error = Assert.ThrowsAny<ConfigurationException>(() => Node.Start("A", settings));
        Assert.Contains(reason, error.Message);
    }

    private static Akka.Remote.Remoting RemotingOf(Node node) =>
        (Akka.Remote.Remoting)((RemoteActorRefProvider)node.System.Provider).Transport;
}
