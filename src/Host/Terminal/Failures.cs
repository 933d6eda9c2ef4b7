using Akka.Configuration;
using RocksDbSharp;
using TiKvActors.Client;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Host.Terminal;

/// <summary>What a failure means for the exit status, and the line that is printed for it.</summary>
internal static class Failures
{
    public static (int ExitCode, string Message) Describe(Exception failure) => failure switch
    {
        CommandException e => (e.ExitCode, e.Message),
        InvalidRequestException e => (ExitCode.BadUsage, e.Message),
        UndeterminedException e => (ExitCode.Undetermined, $"outcome unknown: {e.Message}"),
        StorageException e => (ExitCode.Failed, e.Message),
        JournalFailedException or DataEngineFailedException => (ExitCode.Failed, failure.Message),
        RocksDbException e => (ExitCode.Failed, $"{e.Message}. {DiskErrors.Remedy}"),
        TikvException e => (ExitCode.Failed, e.Message),
        ConfigurationException e => (ExitCode.Failed, e.Message),
        OperationCanceledException { InnerException: UndeterminedException e } =>
            (ExitCode.Undetermined, $"interrupted, outcome unknown: {e.Message}"),
        OperationCanceledException => (ExitCode.Failed, "interrupted"),
        IOException or UnauthorizedAccessException => (ExitCode.Failed, failure.Message),
        _ => (ExitCode.Failed, $"a bug in tkv: {failure}"),
    };
}
