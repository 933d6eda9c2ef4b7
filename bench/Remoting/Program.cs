// Messages between two actor systems in this process over loopback. `dotnet run -c Release --project bench/Remoting [messages]`
using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Configuration;

var messages = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1_000_000;
using var here = Start("Here");
using var there = Start("There");
var meter = new Meter();
there.ActorOf(Props.Create(() => new Counter(meter)), "counter");
there.ActorOf(Props.Create(() => new Echo()), "echo");
var address = ((ExtendedActorSystem)there).Provider.DefaultAddress;
var counter = await here.ActorSelection(new RootActorPath(address) / "user" / "counter").ResolveOne(TimeSpan.FromSeconds(5));
var echo = await here.ActorSelection(new RootActorPath(address) / "user" / "echo").ResolveOne(TimeSpan.FromSeconds(5));

await OneWay("warm-up", 4, messages / 5, "warm");
await OneWay("one way, 4 threads, texts of 16 bytes", 4, messages, new string('x', 16));
await OneWay("one way, 1 thread, texts of 16 bytes", 1, messages, new string('x', 16));
await OneWay("one way, 4 threads, 1 KiB", 4, messages / 4, new byte[1024]);
await OneWay("one way, 2 threads, 64 KiB", 2, messages / 100, new byte[64 * 1024]);
await RoundTrips(64, messages / 10);
await RoundTrips(1, messages / 100);
await Task.WhenAll(here.Terminate(), there.Terminate());

async Task OneWay(string what, int threads, int count, object message)
{
    // What may be under way; more than 64 MiB would be dropped.
    var window = message is byte[] bytes ? Math.Clamp((32 << 20) / bytes.Length, 1, 20_000) : 20_000;
    meter.Begin();
    var allocated = GC.GetTotalAllocatedBytes();
    var watch = Stopwatch.StartNew();
    var sent = 0;
    await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(async () =>
    {
        for (var i = 0; i < count / threads; i++)
        {
            while (Interlocked.Increment(ref sent) - meter.Count > window) { Interlocked.Decrement(ref sent); await Task.Delay(1); }
            counter.Tell(message, ActorRefs.NoSender);
        }
    })));
    while (meter.Count < count / threads * threads) await Task.Delay(1);
    Report(what, meter.Count, watch.Elapsed, allocated);
}

async Task RoundTrips(int clients, int count)
{
    var allocated = GC.GetTotalAllocatedBytes();
    var watch = Stopwatch.StartNew();
    await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
    {
        for (var i = 0; i < count / clients; i++) await echo.Ask<string>("ping", TimeSpan.FromSeconds(10));
    })));
    Report($"asked and answered, {clients} at a time", count / clients * clients, watch.Elapsed, allocated);
}

static void Report(string what, long count, TimeSpan elapsed, long allocatedBefore) =>
    Console.WriteLine($"{what,-45} {count / elapsed.TotalSeconds,12:N0}/s   {(GC.GetTotalAllocatedBytes() - allocatedBefore) / (double)count,8:N0} bytes allocated each, both ends");

static ActorSystem Start(string name) => ActorSystem.Create(name, ConfigurationFactory.ParseString("""
    akka.loglevel = WARNING
    akka.actor.provider = remote
    akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
    """));

internal sealed class Meter
{
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public void Begin() => Volatile.Write(ref _count, 0);

    public void Add() => Volatile.Write(ref _count, _count + 1);
}

internal sealed class Counter : UntypedActor
{
    private readonly Meter _meter;

    public Counter(Meter meter) => _meter = meter;

    protected override void OnReceive(object message) => _meter.Add();
}

internal sealed class Echo : UntypedActor
{
    protected override void OnReceive(object message) => Sender.Tell(message);
}
