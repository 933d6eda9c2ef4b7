using Akka.Actor;

namespace Akka.Util;

/// <summary>What travels in place of an <see cref="ISurrogated"/> object; turns back into it on the receiving system.</summary>
public interface ISurrogate
{
    ISurrogated FromSurrogate(ActorSystem system);
}

/// <summary>An object that is serialized through a surrogate of itself.</summary>
public interface ISurrogated
{
    ISurrogate ToSurrogate(ActorSystem system);
}
