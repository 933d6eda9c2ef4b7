using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using Akka.Remote.Transport.DotNetty;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Remoting;

/// <summary>Systems that take each other's certificates: everything is as without TLS.</summary>
[Collection(TlsCollection.Name)]
public class TlsTests(Certificates certificates)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_they_say_can_be_read_on_the_way_without_tls_only(bool tls)
    {
        const string Text = "something that nobody else shall read";
        using var network = new Proxy { Recording = new MemoryStream() };
        await using var a = Node.Start("A", tls ? certificates.Settings(certificates.Trusted) : "");
        await using var b = Node.Start("B", network.Settings + "\n" + (tls ? certificates.Settings(certificates.Trusted) : ""));
        Assert.Equal(tls ? "akka.ssl.tcp" : "akka.tcp", b.Address.Protocol);
        var inbox = b.Listen("inbox");
        (await a.Find(b, "/user/inbox")).Tell(Text);
        await inbox.Has(Text);
        byte[] passed;
        lock (network.Recording) passed = network.Recording.ToArray();
        Assert.NotEmpty(passed);
        Assert.Equal(!tls, passed.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Text)) >= 0);
    }

    [Fact]
    public async Task Messages_small_and_large_arrive_whole_and_in_order_in_both_directions()
    {
        const int Small = 20_000;
        const string Frames = "\nakka.remote.dot-netty.tcp.maximum-frame-size = 8MiB";
        await using var a = Node.Start("A", certificates.Settings(certificates.Trusted) + Frames);
        await using var b = Node.Start("B", certificates.Settings(certificates.Trusted) + Frames);
        var (onA, onB) = (a.Listen("inbox"), b.Listen("inbox"));
        var (toA, toB) = (await b.Find(a, "/user/inbox"), await a.Find(b, "/user/inbox"));
        var random = new Random(5);
        var large = new[] { 16_384, 30_000, 1 << 20, 5_000_000 }.Select(n => string.Create(n, random, (to, r) =>
        {
            for (var i = 0; i < to.Length; i++) to[i] = (char)('a' + r.Next(26));
        })).ToList();
        var messages = Enumerable.Range(0, Small).Select(i => i % 5_000 == 2_500 ? (object)large[i / 5_000] : i).ToList();
        await Task.WhenAll(Task.Run(() => messages.ForEach(m => toA.Tell(m))), Task.Run(() => messages.ForEach(m => toB.Tell(m))));
        await onA.HasCount(Small);
        await onB.HasCount(Small);
        Assert.Equal(messages, onA.Got);
        Assert.Equal(messages, onB.Got);
    }

    [Fact]
    public async Task A_watch_survives_cut_connections_and_messages_arrive_again()
    {
        using var network = new Proxy();
        const string Patient = "akka.remote.watch-failure-detector.acceptable-heartbeat-pause = 20s";
        await using var a = Node.Start("A", certificates.Settings(certificates.Trusted) + Patient);
        await using var b = Node.Start("B", certificates.Settings(certificates.Trusted) + network.Settings);
        var watched = b.Listen("watched");
        var watcher = a.Listen("watcher");
        var lost = a.Listen("lost", typeof(DisassociatedEvent));
        var remote = await a.Find(b, "/user/watched");
        watcher.Ref.Tell(new Watch(remote));
        for (var round = 0; round < 3; round++)
        {
            network.Cut();
            await lost.HasCount(round + 1);
            await Node.Eventually(() =>
            {
                remote.Tell("round " + round);
                return watched.Got.Contains("round " + round);
            }, () => "a message after cut " + round);
        }
        network.Refuse();
        await lost.HasCount(4);
        b.System.Stop(watched.Ref);
        Assert.Equal(0, watcher.Count);
        network.Accept();
        await watcher.Has(m => m is Terminated { ExistenceConfirmed: true, AddressTerminated: false }, "Terminated");
    }

    [Fact]
    public async Task A_system_that_is_gone_ends_the_actors_that_were_watched_there()
    {
        await using var a = Node.Start("A", certificates.Settings(certificates.Trusted));
        var b = Node.Start("B", certificates.Settings(certificates.Trusted));
        b.Listen("watched");
        var watcher = a.Listen("watcher");
        watcher.Ref.Tell(new Watch(await a.Find(b, "/user/watched")));
        // The watch is known there once something sent after it has come back.
        await a.Find(b, "/user/watched");
        ((Akka.Remote.Remoting)((RemoteActorRefProvider)b.System.Provider).Transport).CutAllConnections();
        await watcher.Has(m => m is Terminated { ExistenceConfirmed: false, AddressTerminated: true }, "Terminated");
        await b.DisposeAsync();
    }

    [Fact]
    public Task A_setup_counts_instead_of_the_settings() => Talk(
        new("akka.remote.dot-netty.tcp { enable-ssl = true, ssl.certificate.path = nowhere }", Setup("a")),
        new(certificates.Settings(certificates.Trusted)));

    [Fact]
    public async Task A_setup_has_no_effect_while_tls_is_off()
    {
        await using var a = Node.Start("A", "", 0, Setup("a"));
        Assert.Equal("akka.tcp", a.Address.Protocol);
    }

    private DotNettySslSetup Setup(string name) => new(Certificates.Of(certificates.Trusted, name), suppressValidation: false);

    [Fact]
    public async Task A_certificate_is_found_in_a_store_by_its_thumbprint()
    {
        using var store = new X509Store("My", StoreLocation.CurrentUser, OpenFlags.ReadWrite);
        var file = certificates.FileOf(Certificates.Of(certificates.Trusted, "stored"), certificates.Trusted);
        using var certificate = X509CertificateLoader.LoadPkcs12FromFile(file, Certificates.Password, X509KeyStorageFlags.PersistKeySet);
        store.Add(certificate);
        try
        {
            await Talk(new($$"""
                akka.remote.dot-netty.tcp {
                  enable-ssl = true
                  ssl.certificate { use-thumbprint-over-file = true, thumbprint = "{{certificate.Thumbprint}}", store-name = "My" }
                }
                """), new(certificates.Settings(certificates.Trusted)));
        }
        finally
        {
            store.Remove(certificate);
        }
    }

    [Fact]
    public Task Certificates_of_an_intermediate_authority_come_with_its_own()
    {
        var below = certificates.Trusted.Intermediate("Department");
        return Talk(new(certificates.Settings(below)), new(certificates.Settings(below)));
    }

    [Fact]
    public Task Without_mutual_authentication_who_dials_shows_none() => Talk(
        new(certificates.Settings(CertificateAuthority.Create("Unknown"), "require-mutual-authentication = false")),
        new(certificates.Settings(certificates.Trusted, "require-mutual-authentication = false")));

    [Fact]
    public Task Without_validation_any_authority_and_date_will_do()
    {
        var unknown = CertificateAuthority.Create("Unknown");
        var certificate = unknown.Certificate("old", [], firstDay: -3, lastDay: -2);
        var expired = certificates.Settings(certificate, unknown, "suppress-validation = true");
        return Talk(new(expired), new(expired));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", "true")]
    [InlineData("localhost", "localhost", "true")]
    [InlineData("127.0.0.1", "elsewhere.example", "false")]
    public Task A_certificate_for_the_dialled_host_will_do_and_any_if_names_do_not_count(string dialled, string host, string validate) => Talk(
        new(certificates.Settings(certificates.Trusted, $"validate-certificate-hostname = {validate}", "dialler.example")),
        new(certificates.Settings(certificates.Trusted, "", host) + $"akka.remote.dot-netty.tcp.hostname = \"{dialled}\""));

    private sealed record End(string Settings, params Akka.Actor.Setup.Setup[] Setups);

    /// <summary>The first one dials.</summary>
    private static async Task Talk(End dialler, End dialled)
    {
        await using var a = Node.Start("A", dialler.Settings, 0, dialler.Setups);
        await using var b = Node.Start("B", dialled.Settings, 0, dialled.Setups);
        var inbox = b.Listen("inbox");
        (await a.Find(b, "/user/inbox")).Tell("hello");
        await inbox.Has("hello");
    }
}
