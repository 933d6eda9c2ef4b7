// Messages between two actor systems in a process each, over loopback. `dotnet run -c Release --project bench/Remoting [messages]`
using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Configuration;

const string Receiver = "--receiver";
if (args is [Receiver])
{
    using var system = Start("There");
    system.ActorOf(Props.Create(() => new Sink()), "sink");
    system.ActorOf(Props.Create(() => new Echo()), "echo");
    Console.WriteLine(((ExtendedActorSystem)system).Provider.DefaultAddress);
    // Until the other process closes the standard input, or ends.
    while (Console.ReadLine() is not null)
    {
    }

    await system.Terminate();
    return;
}

var messages = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1_000_000;
var arguments = Environment.GetCommandLineArgs()[0] is var self && self.EndsWith(".dll", StringComparison.Ordinal) ? $"\"{self}\" {Receiver}" : Receiver;
using var receiver = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments)
{
    RedirectStandardInput = true,
    RedirectStandardOutput = true,
})!;
var there = Address.Parse((await receiver.StandardOutput.ReadLineAsync())!);
using var here = Start("Here");
var sink = await here.ActorSelection(new RootActorPath(there) / "user" / "sink").ResolveOne(TimeSpan.FromSeconds(5));
var echo = await here.ActorSelection(new RootActorPath(there) / "user" / "echo").ResolveOne(TimeSpan.FromSeconds(5));

Console.WriteLine($"{"",-40} {"messages/s",12} {"CPU each, us: sender",22} {"receiver",10}");
await OneWay(null, 4, messages / 5, new byte[100]);
foreach (var senders in new[] { 1, 5, 10, 15, 20 })
    await OneWay($"one way, {senders} senders, 100 bytes", senders, messages, new byte[100]);
await OneWay("one way, 2 senders, 64 KiB", 2, messages / 100, new byte[64 * 1024]);
foreach (var clients in new[] { 1, 20 })
    await RoundTrips(clients, messages / 20);
await here.Terminate();
receiver.StandardInput.Close();
await receiver.WaitForExitAsync();

async Task OneWay(string? what, int senders, int count, byte[] message)
{
    var each = count / senders;
    // What may be under way of all senders; more than 64 MiB would be dropped.
    var window = Math.Clamp((16 << 20) / message.Length, 2 * Sink.AcknowledgedEvery, 20_000) / senders;
    await MeasureAsync(what, (long)each * senders, () => Task.WhenAll(Enumerable.Range(0, senders).Select(_ =>
    {
        var done = new TaskCompletionSource();
        here.ActorOf(Props.Create(() => new Source(sink, message, each, Math.Max(window, 2 * Sink.AcknowledgedEvery), done)));
        return done.Task;
    })));
}

Task RoundTrips(int clients, int count) => MeasureAsync(
    $"asked and answered, {clients} at a time", count / clients * clients,
    () => Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
    {
        for (var i = 0; i < count / clients; i++) await echo.Ask<byte[]>(new byte[100], TimeSpan.FromSeconds(10));
    }))));

async Task MeasureAsync(string? what, long count, Func<Task> work)
{
    using var sender = Process.GetCurrentProcess();
    receiver.Refresh();
    var (senderBefore, receiverBefore) = (sender.TotalProcessorTime, receiver.TotalProcessorTime);
    var watch = Stopwatch.StartNew();
    await work();
    var elapsed = watch.Elapsed;
    receiver.Refresh();
    sender.Refresh();
    if (what is null) return;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{what,-40} {count / elapsed.TotalSeconds,12:N0} {(sender.TotalProcessorTime - senderBefore).TotalMicroseconds / count,22:N2} "
            + $"{(receiver.TotalProcessorTime - receiverBefore).TotalMicroseconds / count,10:N2}"));
}

static ActorSystem Start(string name) => ActorSystem.Create(name, ConfigurationFactory.ParseString("""
    akka.loglevel = WARNING
    akka.actor.provider = remote
    akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
    """));

/// <summary>Sends, with only so many messages under way, and is done when all have arrived.</summary>
internal sealed class Source : UntypedActor
{
    private readonly IActorRef _sink;
    private readonly byte[] _message;
    private readonly int _count;
    private readonly int _window;
    private readonly TaskCompletionSource _done;
    private int _sent;
    private int _acknowledged;

    public Source(IActorRef sink, byte[] message, int count, int window, TaskCompletionSource done) =>
        (_sink, _message, _count, _window, _done) = (sink, message, count, window, done);

    protected override void PreStart() => Send();

    protected override void OnReceive(object message)
    {
        _acknowledged += (int)message;
        Send();
        if (_acknowledged < _count) return;
        _done.SetResult();
        Context.Stop(Self);
    }

    private void Send()
    {
        for (; _sent < _count && _sent - _acknowledged < _window; _sent++) _sink.Tell(_message);
        // The rest of what was not acknowledged yet.
        if (_sent == _count) _sink.Tell("end");
    }
}

/// <summary>Acknowledges every so many messages of a sender, and what is left when it says that there are no more.</summary>
internal sealed class Sink : UntypedActor
{
    public const int AcknowledgedEvery = 100;

    private readonly Dictionary<IActorRef, int> _received = [];

    protected override void OnReceive(object message)
    {
        var sender = Sender;
        var count = _received.GetValueOrDefault(sender) + (message is byte[] ? 1 : 0);
        if (count >= AcknowledgedEvery || (message is string && count > 0))
        {
            sender.Tell(count);
            count = 0;
        }

        _received[sender] = count;
    }
}

internal sealed class Echo : UntypedActor
{
    protected override void OnReceive(object message) => Sender.Tell(message);
}
