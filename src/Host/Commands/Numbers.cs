using System.CommandLine;
using System.Globalization;

namespace TiKvActors.Host.Commands;

/// <summary>Options that take a number within bounds.</summary>
internal static class Numbers
{
    public static Option<int> Option(string name, string description, int byDefault, int least, int most)
    {
        var option = new Option<int>(name)
        {
            Description = $"{description} (default {byDefault.ToString(CultureInfo.InvariantCulture)})",
            HelpName = "N",
            DefaultValueFactory = _ => byDefault
        };
        option.Validators.Add(result =>
        {
            var given = result.GetValueOrDefault<int>();
            if (given < least || given > most)
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} {given}: must be from {least} to {most}"));
        });
        return option;
    }
}
