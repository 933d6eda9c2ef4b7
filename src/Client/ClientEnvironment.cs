namespace TiKvActors.Client;

/// <summary>Time, randomness and settings of one client.</summary>
internal sealed class ClientEnvironment(TimeProvider time, Random random, ClientSettings settings)
{
    public TimeProvider Time { get; } = time;

    public ClientSettings Settings { get; } = settings;

    /// <summary>At least 0, less than 1. Any thread.</summary>
    public double NextRandom()
    {
        lock (random)
            return random.NextDouble();
    }
}
