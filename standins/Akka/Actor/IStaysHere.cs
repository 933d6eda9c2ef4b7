namespace Akka.Actor;

/// <summary>Like <see cref="INoSerializationVerificationNeeded"/>, for public messages that do not show it.</summary>
internal interface IStaysHere
{
}
