namespace TiKvActors.Client;

/// <summary>Why a call failed. Every message says what was asked and what to do.</summary>
public abstract class TikvException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The arguments break a rule; nothing was sent. The message names the input and the limit.</summary>
public sealed class InvalidRequestException(string message) : TikvException(message);

/// <summary>No endpoint answered.</summary>
public sealed class ConnectionFailedException(string message, Exception? inner = null) : TikvException(message, inner);

/// <summary>The cluster answered with an error that no retry would change.</summary>
public sealed class ServerErrorException(string message) : TikvException(message);

/// <summary>
/// The call did not finish within its timeout. It had no effect: a write that may have had one is an <see cref="UndeterminedException"/>.
/// </summary>
public class DeadlineExceededException(string message, Exception? inner = null) : TikvException(message, inner);

/// <summary>Until the timeout a region had no leader that could be reached: too many of its replicas are away.</summary>
public sealed class RegionUnavailableException(string message, Exception? inner = null) : DeadlineExceededException(message, inner);

/// <summary>Until the timeout a store refused more work: ask less, or wait longer.</summary>
public sealed class ServerIsBusyException(string message, Exception? inner = null) : DeadlineExceededException(message, inner);

/// <summary>
/// Until the timeout the leader of a region had no room for more data. Reads and deletions go on there, and writes as soon as there is
/// room.
/// </summary>
public sealed class DiskFullException(string message, Exception? inner = null) : DeadlineExceededException(message, inner);

/// <summary>Until the timeout the cluster waited for its initial stores.</summary>
public sealed class ClusterNotReadyException(string message, Exception? inner = null) : DeadlineExceededException(message, inner);

/// <summary>
/// The outcome of a write is unknown: it has happened, will happen, or never will. Read the key before deciding what to do.
/// </summary>
public sealed class UndeterminedException(string message, Exception? inner = null) : TikvException(message, inner);
