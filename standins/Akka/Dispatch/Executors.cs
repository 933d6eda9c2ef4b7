using Akka.Actor;
using Akka.Configuration;

namespace Akka.Dispatch;

/// <summary>Runs work on threads.</summary>
public abstract class ExecutorService
{
    protected ExecutorService(string id) => Id = id;

    public string Id { get; }

    public abstract void Execute(IRunnable run);

    /// <summary>Lets threads go once they have nothing to do. Work that comes later starts them again.</summary>
    public abstract void Shutdown();
}

public abstract class ExecutorServiceFactory
{
    public abstract ExecutorService Produce(string id);
}

/// <summary>An executor as a configuration section describes it.</summary>
public abstract class ExecutorServiceConfigurator : ExecutorServiceFactory
{
    protected ExecutorServiceConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    {
        Config = config;
        Prerequisites = prerequisites;
    }

    public Config Config { get; }

    public IDispatcherPrerequisites Prerequisites { get; }
}

public class RejectedExecutionException : AkkaException
{
    public RejectedExecutionException(string message = null, Exception inner = null) : base(message, inner)
    {
    }
}

/// <summary>Finds the executor that a dispatcher's configuration asks for.</summary>
internal static class Executors
{
    /// <exception cref="ConfigurationException">The executor is neither known nor the name of a configurator's type.</exception>
    public static ExecutorServiceConfigurator Configure(Config config, IDispatcherPrerequisites prerequisites)
    {
        var executor = config.GetString("executor", null);
        switch (executor)
        {
            case null or "" or "default-executor" or "thread-pool-executor" or "task-executor" or "channel-executor":
                return new ThreadPoolExecutorConfigurator(config, prerequisites);
            case "fork-join-executor":
                return new DedicatedThreadsConfigurator(config, prerequisites);
            case "current-context-executor":
                return new SynchronizationContextConfigurator(config, prerequisites);
        }
        var type = Type.GetType(executor) ?? throw new ConfigurationException(
            $"Could not resolve executor service configurator type {executor} for path {config.GetString("id", "unknown")}");
        return (ExecutorServiceConfigurator)Activator.CreateInstance(type, config, prerequisites);
    }
}

/// <summary>The shared thread pool of .NET.</summary>
internal sealed class ThreadPoolExecutorConfigurator : ExecutorServiceConfigurator
{
    public ThreadPoolExecutorConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
    {
    }

    public override ExecutorService Produce(string id) => new ThreadPoolExecutor(id);

    private sealed class ThreadPoolExecutor(string id) : ExecutorService(id)
    {
        // Not to the thread's own queue: that one is last in, first out, and an actor that keeps waking another would starve the rest.
        public override void Execute(IRunnable run) => ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: false);

        public override void Shutdown()
        {
        }
    }
}

/// <summary>Threads that serve only this dispatcher: dedicated-thread-pool { thread-count, deadlock-timeout, threadtype }.</summary>
internal sealed class DedicatedThreadsConfigurator : ExecutorServiceConfigurator
{
    private readonly int _threads;

    public DedicatedThreadsConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
    {
        var pool = config.GetConfig("dedicated-thread-pool");
        if (pool == null || pool.IsEmpty) pool = config.GetConfig("fork-join-executor.dedicated-thread-pool");
        if (pool != null && !pool.IsEmpty) _threads = pool.GetInt("thread-count", 0);
        else
        {
            var forkJoin = config.GetConfig("fork-join-executor") ?? Config.Empty;
            _threads = ThreadPoolConfig.ScaledPoolSize(
                forkJoin.GetInt("parallelism-min", 8), forkJoin.GetDouble("parallelism-factor", 1.0),
                forkJoin.GetInt("parallelism-max", 64));
        }
        if (_threads <= 0)
            throw new ConfigurationException(
                $"dedicated-thread-pool.thread-count of dispatcher {config.GetString("id", "unknown")} must be positive, is {_threads}");
    }

    public override ExecutorService Produce(string id) =>
        new DedicatedThreads(id, _threads, Config.GetTimeSpan("shutdown-timeout", TimeSpan.FromSeconds(1)));
}

internal sealed class SynchronizationContextConfigurator : ExecutorServiceConfigurator
{
    public SynchronizationContextConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
    {
    }

    public override ExecutorService Produce(string id) =>
        new SynchronizationContextExecutor(id, SynchronizationContext.Current
            ?? throw new InvalidOperationException($"dispatcher {id}: the current thread has no synchronization context"));

    private sealed class SynchronizationContextExecutor(string id, SynchronizationContext context) : ExecutorService(id)
    {
        public override void Execute(IRunnable run) => context.Post(r => ((IRunnable)r).Run(), run);

        public override void Shutdown()
        {
        }
    }
}

public class ThreadPoolConfig
{
    public ThreadPoolConfig(Config config)
    {
        PoolSizeMin = config.GetInt("core-pool-size-min", 0);
        PoolSizeFactor = config.GetDouble("core-pool-size-factor", 0);
        PoolSizeMax = config.GetInt("core-pool-size-max", 0);
    }

    public int PoolSizeMin { get; }

    public double PoolSizeFactor { get; }

    public int PoolSizeMax { get; }

    /// <summary>Processors times the factor, within the bounds.</summary>
    public static int ScaledPoolSize(int floor, double scalar, int ceiling) =>
        Math.Min(Math.Max((int)(Environment.ProcessorCount * scalar), floor), ceiling);
}
