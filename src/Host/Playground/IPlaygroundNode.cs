using TiKvActors.Host.Terminal;
using TiKvActors.Storage;

namespace TiKvActors.Host.Playground;

/// <summary>One store of a playground, which can be stopped and started again on its data. One call at a time.</summary>
internal interface IPlaygroundNode
{
    int Number { get; }

    /// <summary>host:port of the actor protocol.</summary>
    string Endpoint { get; }

    bool IsRunning { get; }

    /// <summary>Null: it runs in this process.</summary>
    int? ProcessId { get; }

    /// <exception cref="CommandException">The port or the directory can't be used.</exception>
    /// <exception cref="StorageException">The data directory can't be used.</exception>
    Task StartAsync();

    /// <summary>In order.</summary>
    /// <param name="handsOver">What it leads is led by others first. False when those stop as well.</param>
    Task StopAsync(bool handsOver = true);
}
