using System.Globalization;
using Xunit.Sdk;

namespace Akka.TestKit.Xunit2.Internals;

/// <summary>A value is not the expected one.</summary>
public class AkkaEqualException : XunitException
{
    private readonly string _message;

    public AkkaEqualException(string format = "", params object[] args) => _message = args.Length == 0 ? format : string.Format(CultureInfo.InvariantCulture, format, args);

    public override string Message => _message;

    public static AkkaEqualException ForMismatchedValues(object expected, object actual, string format = null, params object[] args)
    {
        var hint = string.IsNullOrEmpty(format) ? "" : string.Format(CultureInfo.InvariantCulture, format, args);
        return new AkkaEqualException("{0}", $"Assert.Equal() Failure\n{(hint.Length == 0 ? "" : hint + "\n")}Expected: {expected ?? "(null)"}\nActual:   {actual ?? "(null)"}");
    }
}
