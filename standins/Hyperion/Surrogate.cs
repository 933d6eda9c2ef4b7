namespace Hyperion;

/// <summary>Objects of one type travel as objects of another.</summary>
public class Surrogate
{
    public Type From { get; protected set; }

    public Type To { get; protected set; }

    public Func<object, object> FromSurrogate { get; protected set; }

    public Func<object, object> ToSurrogate { get; protected set; }

    public static Surrogate Create<TSource, TSurrogate>(Func<TSource, TSurrogate> toSurrogate, Func<TSurrogate, TSource> fromSurrogate) =>
        new Surrogate<TSource, TSurrogate>(toSurrogate, fromSurrogate);

    public bool IsSurrogateFor(Type type) => From.IsAssignableFrom(type);
}

public class Surrogate<TSource, TSurrogate> : Surrogate
{
    public Surrogate(Func<TSource, TSurrogate> toSurrogate, Func<TSurrogate, TSource> fromSurrogate)
    {
        From = typeof(TSource);
        To = typeof(TSurrogate);
        ToSurrogate = source => toSurrogate((TSource)source);
        FromSurrogate = surrogate => fromSurrogate((TSurrogate)surrogate);
    }
}
