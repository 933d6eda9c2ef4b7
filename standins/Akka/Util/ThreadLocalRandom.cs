namespace Akka.Util;

public static class ThreadLocalRandom
{
    /// <summary>A random number generator that may be used from any thread without a lock.</summary>
    public static Random Current => Random.Shared;
}
