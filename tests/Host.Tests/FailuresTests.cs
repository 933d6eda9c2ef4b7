using System.Runtime.InteropServices;
using RocksDbSharp;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Host.Tests;

public class FailuresTests
{
    [Fact]
    public void Each_failure_has_its_exit_status()
    {
        Assert.Equal(4, Failures.Describe(new UndeterminedException("lost")).ExitCode);
        Assert.Equal(4, Failures.Describe(new OperationCanceledException("", new UndeterminedException("lost"))).ExitCode);
        Assert.Equal(1, Failures.Describe(new OperationCanceledException()).ExitCode);
        Assert.Equal(2, Failures.Describe(new InvalidRequestException("key too long")).ExitCode);
        Assert.Equal(1, Failures.Describe(new ConnectionFailedException("nobody there")).ExitCode);
        const string full = "IO error: No space left on device: While appending to file: /raft/000012.log: No space left on device";
        Assert.Equal((1, $"{full}. {DiskErrors.Remedy}"), Failures.Describe(new RocksDbException(Marshal.StringToCoTaskMemUTF8(full))));
        Assert.Equal((1, "the disk hangs"), Failures.Describe(new JournalFailedException("the disk hangs", null)));
        Assert.Equal((1, "the disk hangs"), Failures.Describe(new DataEngineFailedException("the disk hangs", null)));
        Assert.Contains("a bug in tkv", Failures.Describe(new InvalidOperationException("oops")).Message, StringComparison.Ordinal);
    }
}
