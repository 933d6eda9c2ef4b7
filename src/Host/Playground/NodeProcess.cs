using System.Diagnostics;
using System.Globalization;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Playground;

/// <summary>
/// One store of a playground in a process of its own (<c>tkv playground-node</c>), which can also be killed, paused and resumed. It obeys
/// lines on its
/// standard input and ends when that is closed: when this process ends, however it ends.
/// </summary>
/// <param name="root">Of all stores' data.</param>
/// <param name="messages">Takes what the process prints beside answers, and its unexpected end. Any thread.</param>
internal sealed class NodeProcess(int number, string root, PlaygroundOptions options, Action<string> messages)
    : IPlaygroundNode, IDisposable
{
    /// <summary>An orderly stop that lasts longer ends by a kill.</summary>
    private static readonly TimeSpan _stopTimeout = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _asking = new(1);
    private Child? _child;

    public int Number => number;

    public string Endpoint => PlaygroundAddress.Of(number, options);

    public bool IsRunning => _child is { HasEnded: false };

    public int? ProcessId => _child?.Process.Id;

    public bool IsPaused { get; private set; }

    /// <returns>When the engines are open.</returns>
    /// <exception cref="CommandException">It ended instead; the message is its own.</exception>
    public async Task StartAsync()
    {
        // Serving is an answer too: nobody else may take it for theirs.
        await _asking.WaitAsync();
        try
        {
            if (IsRunning) return;
            var before = _child;
            _child = new Child(number, SelfProcess.Start(Arguments()), messages);
            before?.Dispose();
            await _child.AnswerAsync();
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>In order. One that does not react is killed.</summary>
    public async Task StopAsync(bool handsOver = true)
    {
        if (_child is not { HasEnded: false } child) return;
        if (IsPaused) await ResumeAsync();
        child.IsEndExpected = true;
        await child.TypeAsync(handsOver ? NodeRunner.Stop : NodeRunner.StopAtOnce);
        try
        {
            await child.Process.WaitForExitAsync().WaitAsync(_stopTimeout);
        }
        catch (TimeoutException)
        {
            messages(string.Create(
                CultureInfo.InvariantCulture,
                $"store {number} did not stop within {_stopTimeout.TotalSeconds:0} s: killing process {child.Process.Id}"));
            await KillAsync();
        }
    }

    /// <summary>SIGKILL: nothing is flushed or closed.</summary>
    public async Task KillAsync()
    {
        if (_child is not { } child) return;
        child.IsEndExpected = true;
        child.Process.Kill();
        await child.Process.WaitForExitAsync();
        IsPaused = false;
    }

    /// <summary>SIGSTOP: it stands still until <see cref="ResumeAsync"/>, with all its connections open.</summary>
    public async Task PauseAsync()
    {
        await SignalAsync("STOP");
        IsPaused = true;
    }

    public async Task ResumeAsync()
    {
        await SignalAsync("CONT");
        IsPaused = false;
    }

    /// <summary>A line to it, and its answer.</summary>
    /// <exception cref="CommandException">It refused or ended.</exception>
    public async Task<string> AskAsync(string line)
    {
        await _asking.WaitAsync();
        try
        {
            if (_child is not { HasEnded: false } child) throw new CommandException(ExitCode.Failed, $"store {number} is not running");
            await child.TypeAsync(line);
            return await child.AnswerAsync();
        }
        finally
        {
            _asking.Release();
        }
    }

    public void Dispose()
    {
        _child?.Dispose();
        _asking.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        if (_child is not { HasEnded: false } child) throw new CommandException(ExitCode.Failed, $"store {number} is not running");
        using var kill = Process.Start("kill", string.Create(CultureInfo.InvariantCulture, $"-{signal} {child.Process.Id}"));
        await kill.WaitForExitAsync();
    }

    private IEnumerable<string> Arguments()
    {
        yield return "playground-node";
        yield return "--number";
        yield return number.ToString(CultureInfo.InvariantCulture);
        yield return "--stores";
        yield return options.Stores.ToString(CultureInfo.InvariantCulture);
        yield return "--pds";
        yield return options.Pds.ToString(CultureInfo.InvariantCulture);
        yield return "--port-offset";
        yield return options.PortOffset.ToString(CultureInfo.InvariantCulture);
        foreach (var port in options.PublicPorts)
        {
            yield return "--public-port";
            yield return port.ToString(CultureInfo.InvariantCulture);
        }

        if (options.HasManagement) yield return "--management";
        if (options.Grpc) yield return "--grpc";
        yield return "--data";
        yield return root;
        if (options.ConfigFile is { } config)
        {
            yield return "--config";
            yield return config;
        }

        if (options.ApiMode is not { } mode) yield break;
        yield return "--api";
        yield return mode;
    }

    /// <summary>One life of the process.</summary>
    private sealed class Child : IDisposable
    {
        private const int KeptErrorLines = 20;

        private readonly int _number;
        private readonly Action<string> _messages;
        private readonly Lock _gate = new();
        private readonly Queue<string> _errors = [];
        private readonly SemaphoreSlim _typing = new(1);
        private TaskCompletionSource<string> _answer = NewAnswer();
        private bool _isServing;

        public Child(int number, Process process, Action<string> messages)
        {
            _number = number;
            Process = process;
            _messages = messages;
            process.OutputDataReceived += (_, line) => OnOutput(line.Data);
            process.ErrorDataReceived += (_, line) => OnError(line.Data);
            process.Exited += (_, _) => OnExit();
            process.EnableRaisingEvents = true;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public Process Process { get; }

        public bool HasEnded => Process.HasExited;

        public bool IsEndExpected { get; set; }

        public async Task TypeAsync(string line)
        {
            await _typing.WaitAsync();
            try
            {
                await Process.StandardInput.WriteAsync(line + "\n");
                await Process.StandardInput.FlushAsync();
            }
            catch (IOException) when (Process.HasExited)
            {
                // OnExit answers.
            }
            finally
            {
                _typing.Release();
            }
        }

        /// <summary>The next answer, which may be a refusal; the one after it is another.</summary>
        public async Task<string> AnswerAsync()
        {
            try
            {
                return await _answer.Task;
            }
            finally
            {
                lock (_gate) _answer = NewAnswer();
            }
        }

        public void Dispose()
        {
            IsEndExpected = true;
            if (!Process.HasExited)
            {
                Process.Kill();
                Process.WaitForExit();
            }

            Process.Dispose();
            _typing.Dispose();
        }

        private static TaskCompletionSource<string> NewAnswer() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        private void OnOutput(string? line)
        {
            if (line is null) return;
            if (line.StartsWith(NodeRunner.Answer, StringComparison.Ordinal)) Settle(a => a.TrySetResult(line[NodeRunner.Answer.Length..]));
            else if (line.StartsWith(NodeRunner.Refusal, StringComparison.Ordinal))
                Settle(a => a.TrySetException(new CommandException(ExitCode.Failed, line[NodeRunner.Refusal.Length..])));
            else _messages($"store {_number}: {line}");
        }

        private void Settle(Action<TaskCompletionSource<string>> settle)
        {
            lock (_gate)
            {
                _isServing = true;
                settle(_answer);
            }
        }

        private void OnError(string? line)
        {
            if (line is null) return;
            lock (_gate)
            {
                if (!_isServing)
                {
                    _errors.Enqueue(line);
                    if (_errors.Count > KeptErrorLines) _errors.Dequeue();
                    return;
                }
            }

            _messages($"store {_number}: {line}");
        }

        private void OnExit()
        {
            // Its last words may still be on their way.
            Process.WaitForExit();
            lock (_gate)
            {
                var words = string.Join('\n', _errors);
                if (words.StartsWith("tkv: ", StringComparison.Ordinal)) words = words["tkv: ".Length..];
                var text = _isServing || words.Length == 0
                    ? $"store {_number} (process {Process.Id}) ended with exit status {Process.ExitCode}"
                    : words;
                var wasServing = _isServing;
                if (!_answer.TrySetException(new CommandException(
                    Process.ExitCode == ExitCode.Done ? ExitCode.Failed : Process.ExitCode, text)) || (wasServing && !IsEndExpected))
                {
                    // Nobody asks at the moment.
                    if (!IsEndExpected) _messages(text);
                }

                _ = _answer.Task.Exception;
            }
        }
    }
}
