using TiKvActors.Client;
using TiKvActors.Host.Terminal;

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
        Assert.Contains("a bug in tkv", Failures.Describe(new InvalidOperationException("oops")).Message, StringComparison.Ordinal);
    }
}
