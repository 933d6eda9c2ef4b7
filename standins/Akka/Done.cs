namespace Akka;

/// <summary>The result of something that has no result but its completion.</summary>
public sealed class Done
{
    public static readonly Done Instance = new();

    private Done()
    {
    }
}
