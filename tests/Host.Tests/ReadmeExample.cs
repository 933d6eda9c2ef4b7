using System.Text;
using TiKvActors.Client;

namespace TiKvActors.Host.Tests;

/// <summary>The README's C# example, compiled and run; ReadmeTests compares the text between the markers.</summary>
internal static class ReadmeExample
{
    public static async Task RunAsync(string endpoint, TextWriter console)
    {
        // begin
        await using var client = await RawClient.ConnectAsync(endpoint);
        await client.PutAsync("user:1"u8.ToArray(), "Ada"u8.ToArray());
        await client.PutAsync("user:2"u8.ToArray(), "Grace"u8.ToArray(), ttl: TimeSpan.FromHours(1));
        var name = await client.GetAsync("user:1"u8.ToArray());
        await foreach (var (key, value) in client.ScanAsync("user:"u8.ToArray(), "user;"u8.ToArray()))
            console.WriteLine($"{Encoding.UTF8.GetString(key)} = {Encoding.UTF8.GetString(value)}");
        var swap = await client.CompareAndSwapAsync("user:1"u8.ToArray(), expected: name, "Ada Lovelace"u8.ToArray());
        console.WriteLine(swap.Swapped);
        // end
    }
}
