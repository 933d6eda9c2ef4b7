using System.Globalization;
using Xunit.Sdk;

namespace Akka.TestKit.Xunit2.Internals;

/// <summary>A value is not the expected one.</summary>
public class AkkaEqualException : XunitException
{
    public AkkaEqualException(string format = "", params object[] args)
        : base(args.Length == 0 ? format : string.Format(CultureInfo.InvariantCulture, format, args))
    {
    }

    public static AkkaEqualException ForMismatchedValues(object expected, object actual, string format = null, params object[] args)
    {
        var hint = string.IsNullOrEmpty(format) ? "" : string.Format(CultureInfo.InvariantCulture, format, args);
        return new AkkaEqualException(
            "{0}",
            $"Assert.Equal() Failure\n{(hint.Length == 0 ? "" : hint + "\n")}Expected: {expected ?? "(null)"}\n"
                + $"Actual:   {actual ?? "(null)"}");
    }
}
