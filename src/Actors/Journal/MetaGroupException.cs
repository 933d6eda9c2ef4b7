namespace TiKvActors.Actors.Journal;

/// <summary>The meta group did not do what was asked. Of a command that found no answer in time, whether it is done is unknown.</summary>
public class MetaGroupException(string message) : Exception(message);

/// <summary>
/// Another incarnation of the persistent actor wrote first: nothing was stored, and this incarnation must end.
/// </summary>
public sealed class FencedException(string message) : MetaGroupException(message);
