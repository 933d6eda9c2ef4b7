namespace Akka.Util;

/// <summary>Makes its value on first use, once, under whichever thread comes first.</summary>
public sealed class FastLazy<T>
{
    private readonly Lazy<T> _lazy;

    public FastLazy(Func<T> producer) => _lazy = new Lazy<T>(producer, LazyThreadSafetyMode.ExecutionAndPublication);

    public T Value => _lazy.Value;

    public bool IsValueCreated() => _lazy.IsValueCreated;
}
