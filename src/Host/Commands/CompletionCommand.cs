using System.CommandLine;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary>Completion scripts that ask the program itself (the <c>[suggest]</c> directive) what may come next.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _tkv() {
          local line=${COMP_LINE#* }
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$((COMP_POINT - ${#COMP_WORDS[0]} - 1))]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _tkv tkv ./tkv
        """;

    private const string Zsh = """
        #compdef tkv ./tkv
        _tkv() {
          local line=${BUFFER#* }
          local -a candidates=("${(@f)$("${words[1]}" "[suggest:$((CURSOR - ${#words[1]} - 1))]" "$line" 2>/dev/null)}")
          compadd -a candidates
        }
        compdef _tkv tkv ./tkv
        """;

    private const string Fish = """
        function __tkv_complete
            set -l line (commandline -cp)
            set -l rest (string replace -r '^\S+ ?' '' -- $line)
            ./tkv "[suggest:"(string length -- $rest)"]" "$rest" 2>/dev/null
        end
        complete -c tkv -f -a '(__tkv_complete)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a completion script.\n\nExample: source <(./tkv completion bash)") { shell };
        command.SetAction(parsed =>
        {
            var script = parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish };
            parsed.InvocationConfiguration.Output.Write(script.ReplaceLineEndings("\n") + "\n");
            return ExitCode.Done;
        });
        return command;
    }
}
