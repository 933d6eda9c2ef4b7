using System.CommandLine;
using TiKvActors.Host.Commands;

return await Tkv.RunAsync(args, new InvocationConfiguration
{
    Output = Console.Out,
    Error = Console.Error,
    ProcessTerminationTimeout = TimeSpan.FromSeconds(30)
});
