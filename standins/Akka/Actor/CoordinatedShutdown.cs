using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Event;
using Akka.Util;

namespace Akka.Actor;

public sealed class CoordinatedShutdownExtension : ExtensionIdProvider<CoordinatedShutdown>
{
    public override CoordinatedShutdown CreateExtension(ExtendedActorSystem system) => CoordinatedShutdown.Start(system);
}

/// <summary>
/// Ends a system in phases: the tasks of a phase run side by side, and a phase begins when the tasks of those that it depends on
/// have ended. Runs when the system is told to terminate or the process ends, at most once. Safe for threads.
/// </summary>
public sealed class CoordinatedShutdown : IExtension
{
    public const string PhaseBeforeServiceUnbind = "before-service-unbind";
    public const string PhaseServiceUnbind = "service-unbind";
    public const string PhaseServiceRequestsDone = "service-requests-done";
    public const string PhaseServiceStop = "service-stop";
    public const string PhaseBeforeClusterShutdown = "before-cluster-shutdown";
    public const string PhaseClusterShardingShutdownRegion = "cluster-sharding-shutdown-region";
    public const string PhaseClusterLeave = "cluster-leave";
    public const string PhaseClusterExiting = "cluster-exiting";
    public const string PhaseClusterExitingDone = "cluster-exiting-done";
    public const string PhaseClusterShutdown = "cluster-shutdown";
    public const string PhaseBeforeActorSystemTerminate = "before-actor-system-terminate";
    public const string PhaseActorSystemTerminate = "actor-system-terminate";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ShutdownPhase> _phases;
    private readonly List<string> _order;
    private readonly Dictionary<string, List<ShutdownTask>> _tasks = new();
    private readonly TaskCompletionSource<Done> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Config _settings;
    private Reason _reason;

    private CoordinatedShutdown(ExtendedActorSystem system, Config settings)
    {
        System = system;
        _settings = settings;
        _phases = ShutdownPhase.AllOf(settings);
        _order = ShutdownPhase.InOrder(_phases);
    }

    /// <summary>Why a system ends.</summary>
    public class Reason
    {
        protected Reason()
        {
        }
    }

    public class UnknownReason : Reason
    {
        public static readonly Reason Instance = new UnknownReason();

        private UnknownReason()
        {
        }
    }

    /// <summary><see cref="ActorSystem.Terminate"/> was called.</summary>
    public class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance = new ActorSystemTerminateReason();

        private ActorSystemTerminateReason()
        {
        }
    }

    /// <summary>The process ends.</summary>
    public class ClrExitReason : Reason
    {
        public static readonly Reason Instance = new ClrExitReason();

        private ClrExitReason()
        {
        }
    }

    public class ClusterDowningReason : Reason
    {
        public static readonly Reason Instance = new ClusterDowningReason();

        private ClusterDowningReason()
        {
        }
    }

    public class ClusterLeavingReason : Reason
    {
        public static readonly Reason Instance = new ClusterLeavingReason();

        private ClusterLeavingReason()
        {
        }
    }

    public class ClusterJoinUnsuccessfulReason : Reason
    {
        public static readonly Reason Instance = new ClusterJoinUnsuccessfulReason();

        private ClusterJoinUnsuccessfulReason()
        {
        }
    }

    private sealed record ShutdownTask(string Name, Func<Task<Done>> Run);

    public ExtendedActorSystem System { get; }

    /// <summary>null while the shutdown has not begun.</summary>
    public Reason ShutdownReason => Volatile.Read(ref _reason);

    /// <summary>The longest that all phases together may take.</summary>
    public TimeSpan TotalTimeout => _order.Where(HasTasks).Aggregate(TimeSpan.Zero, (sum, phase) => sum + Timeout(phase));

    public static CoordinatedShutdown Get(ActorSystem sys) => sys.WithExtension<CoordinatedShutdown, CoordinatedShutdownExtension>();

    internal static CoordinatedShutdown Start(ExtendedActorSystem system)
    {
        var shutdown = new CoordinatedShutdown(system, system.Settings.Config.GetConfig("akka.coordinated-shutdown"));
        shutdown.AddTask(PhaseActorSystemTerminate, "terminate-system", shutdown.TerminateSystem);
        if (shutdown._settings.GetBoolean("run-by-clr-shutdown-hook")) shutdown.RunWhenProcessEnds();
        return shutdown;
    }

    /// <param name="task">is called when the phase begins; the phase ends when its task has.</param>
    /// <exception cref="ConfigurationException">there is no such phase.</exception>
    public void AddTask(string phase, string taskName, Func<Task<Done>> task)
    {
        if (!_phases.ContainsKey(phase))
            throw new ConfigurationException(
                $"Unknown phase [{phase}], known phases [{string.Join(", ", _order)}]. "
                    + "All phases (along with their optional dependencies) must be defined in configuration.");
        lock (_lock)
        {
            if (!_tasks.TryGetValue(phase, out var tasks)) _tasks.Add(phase, tasks = []);
            tasks.Add(new ShutdownTask(taskName, task));
        }
    }

    /// <exception cref="ArgumentException">there is no such phase.</exception>
    public TimeSpan Timeout(string phase) => _phases.TryGetValue(phase, out var found)
        ? found.Timeout
        : throw new ArgumentException($"Unknown phase [{phase}]. All phases must be defined in configuration.", nameof(phase));

    /// <summary>Runs the phases, where that has not begun yet.</summary>
    /// <param name="fromPhase">phases before it are passed over; null: none.</param>
    /// <returns>
    /// Ends when the last phase has, also if another call began it; faulted by the first phase that failed and does not recover.
    /// </returns>
    /// <exception cref="ArgumentException">there is no phase fromPhase.</exception>
    public Task<Done> Run(Reason reason, string fromPhase = null)
    {
        if (fromPhase != null) Timeout(fromPhase);
        if (Interlocked.CompareExchange(ref _reason, reason, null) != null) return _done.Task;
        if (_settings.GetBoolean("log-reason", true)) System.Log.Info("Running CoordinatedShutdown with reason [{0}]", reason);
        var phases = fromPhase == null ? _order : _order[_order.IndexOf(fromPhase)..];
        // Not on the caller's thread: it may be an actor's.
        _ = Task.Run(() => RunPhases(phases));
        return _done.Task;
    }

    private async Task RunPhases(List<string> phases)
    {
        try
        {
            foreach (var name in phases)
            {
                var (phase, tasks) = (_phases[name], TasksOf(name));
                if (!IsToRun(phase, tasks)) continue;
                var runs = tasks.ConvertAll(Begin);
                var all = Task.WhenAll(runs);
                // Whether it failed or is late is looked at one by one.
                await all.WaitAsync(phase.Timeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                CheckFailures(phase, tasks, runs);
                if (!all.IsCompleted) CheckTimeout(phase);
            }
            _done.SetResult(Done.Instance);
        }
        catch (Exception e)
        {
            _done.SetException(e);
            // Nobody may be waiting for it.
            _ = _done.Task.Exception;
        }
    }

    private bool IsToRun(ShutdownPhase phase, List<ShutdownTask> tasks)
    {
        if (tasks.Count == 0) return false;
        if (phase.Enabled) System.Log.Debug("Performing phase [{0}] with [{1}] tasks: [{2}]", phase.Name, tasks.Count, NamesOf(tasks));
        else System.Log.Warning("Phase [{0}] is disabled, its tasks do not run: [{1}]", phase.Name, NamesOf(tasks));
        return phase.Enabled;
    }

    private static string NamesOf(List<ShutdownTask> tasks) => string.Join(", ", tasks.ConvertAll(task => task.Name));

    private static Task Begin(ShutdownTask task)
    {
        try
        {
            return task.Run();
        }
        catch (Exception e)
        {
            return Task.FromException(e);
        }
    }

    private void CheckFailures(ShutdownPhase phase, List<ShutdownTask> tasks, List<Task> runs)
    {
        for (var i = 0; i < runs.Count; i++)
        {
            if (!runs[i].IsCompleted || runs[i].IsCompletedSuccessfully) continue;
            var cause = runs[i].Exception?.InnerException ?? new TaskCanceledException(runs[i]);
            if (!phase.Recover)
                throw new AggregateException(
                    $"Task [{tasks[i].Name}] of phase [{phase.Name}] failed, and the phase does not recover", cause);
            System.Log.Warning(cause, "Task [{0}] failed in phase [{1}]: {2}", tasks[i].Name, phase.Name, cause.Message);
        }
    }

    private void CheckTimeout(ShutdownPhase phase)
    {
        if (!phase.Recover)
            throw new TimeoutException($"Coordinated shutdown phase [{phase.Name}] timed out after {phase.Timeout}, and does not recover");
        System.Log.Warning("Coordinated shutdown phase [{0}] timed out after {1}", phase.Name, phase.Timeout);
    }

    private bool HasTasks(string phase) => TasksOf(phase).Count > 0;

    private List<ShutdownTask> TasksOf(string phase)
    {
        lock (_lock) return _tasks.TryGetValue(phase, out var tasks) ? [.. tasks] : [];
    }

    private Config SettingsFor(Reason reason)
    {
        var overrides = reason == null
            ? null : _settings.GetConfig("reason-overrides")?.Root.GetObject()?.GetKey(reason.GetType().TypeQualifiedName());
        return overrides == null ? _settings : overrides.ToConfig().WithFallback(_settings);
    }

    private Task<Done> TerminateSystem()
    {
        var settings = SettingsFor(ShutdownReason);
        var exit = settings.GetBoolean("exit-clr");
        if (!settings.GetBoolean("terminate-actor-system")) return ExitIf(exit);
        ((ActorSystemImpl)System).FinalTerminate();
        return System.WhenTerminated.ContinueWith(_ => ExitIf(exit), TaskScheduler.Default).Unwrap();
    }

    private Task<Done> ExitIf(bool exit)
    {
        // Not from here: the end of the process waits for the phases, of which this is one.
        if (exit && ShutdownReason is not ClrExitReason) _ = Task.Run(() => Environment.Exit(0));
        return Task.FromResult(Done.Instance);
    }

    /// <summary>While the system runs, the end of the process waits for the phases.</summary>
    private void RunWhenProcessEnds()
    {
        void OnProcessExit(object sender, EventArgs e)
        {
            var run = Run(ClrExitReason.Instance);
            // The last chance to do anything: nothing runs after this handler.
            if (!((IAsyncResult)run).AsyncWaitHandle.WaitOne(TotalTimeout))
                System.Log.Warning("The process ends before CoordinatedShutdown does");
        }

        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        System.RegisterOnTermination(() => AppDomain.CurrentDomain.ProcessExit -= OnProcessExit);
    }
}
