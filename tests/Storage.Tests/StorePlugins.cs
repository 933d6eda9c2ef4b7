using Akka.Actor;

namespace TiKvActors.Storage.Tests;

/// <summary>A store, and an actor system whose plugins use it.</summary>
internal sealed class StorePlugins
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private ActorSystem? _system;

    public TestStore Store { get; } = new();

    public ActorSystem System => _system ??= PersistenceTests.Start(Store);

    public async Task ReopenAsync()
    {
        await StopAsync();
        Store.Reopen();
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        Store.Dispose();
    }

    private async Task StopAsync()
    {
        if (_system is not { } system) return;
        _system = null;
        await system.Terminate().WaitAsync(Patience);
    }
}
