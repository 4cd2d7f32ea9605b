using System.Runtime.InteropServices;
using Mainstay.Core;
using Mainstay.Engine.Control;
using Mainstay.Engine.Shards;
using Mainstay.Link;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Keeper;

/// <summary>
/// The keeper: starts the worker, holds the listening sockets for it, replaces it when it dies or stalls, hands it the configuration
/// and the signals. Parses nothing but the worker's few messages. One thread, one loop.
/// </summary>
public sealed partial class KeeperProcess : IWorkerOwner, ILoopReceiver, IDisposable
{
    /// <summary>After a worker's own deadline, before it is killed: for a last write of its state.</summary>
    private static readonly TimeSpan DrainGrace = TimeSpan.FromSeconds(2);

    /// <summary>nofile that a root keeper asks for; systemd's and Docker's usual hard limits are 512 Ki and 1 Mi.</summary>
    private const ulong WantedDescriptors = 1 << 20;

    private readonly EventLoop _loop = new();
    private readonly OperatorLog _log = new("keeper");
    private readonly ListenerTable _listeners = new();
    private readonly Dictionary<string, int> _claims = new(StringComparer.Ordinal);
    private readonly RestartPolicy _restarts = new();
    /// <summary>One byte more than the worker reads: it says what is wrong with a longer file.</summary>
    private const int LongestConfiguration = (64 << 20) + 1;

    private const string NotNamed = "the configuration does not name it in these words, and the keeper opens nothing else (EPERM)";

    private readonly RestartTimer _restartTimer;
    private readonly string _configuration;
    private readonly WorkerProgram _program;
    private readonly List<WorkerChild> _workers = [];

    /// <summary>Serves, or will when it has started; null while a replacement waits for its turn.</summary>
    private WorkerChild? _current;

    /// <summary>Started by an upgrade, not serving yet.</summary>
    private WorkerChild? _successor;

    /// <summary>
    /// Copies of the configuration file: the one in force, which a replacement of a dead worker starts with whatever the file has become,
    /// and the one that was given to a worker last and is not in force yet. -1 = none.
    /// </summary>
    private int _inForce = -1;
    private int _offered = -1;
    private bool _hasServed;
    private bool _reloadWaits;
    private bool _isLeaving;
    private int? _exitCode;

    private KeeperProcess(string configuration, WorkerProgram program)
    {
        (_configuration, _program) = (configuration, program);
        _restartTimer = new RestartTimer(this);
    }

    /// <summary>Runs until told to leave; the process's exit code.</summary>
    public static int Run(string configuration, WorkerProgram program)
    {
        using var keeper = new KeeperProcess(Path.GetFullPath(configuration), program);
        return keeper.Run();
    }

    public void Dispose()
    {
        _listeners.Dispose();
        if (_inForce >= 0) Descriptor.Close(_inForce);
        if (_offered >= 0) Descriptor.Close(_offered);
        foreach (int claim in _claims.Values) Descriptor.Close(claim);
        _loop.Dispose();
        _log.Dispose();
    }

    /// <summary>A signal, from the runtime's signal thread.</summary>
    void ILoopReceiver.OnMessage(object? content, long number)
    {
        switch ((Order)number)
        {
            case Order.Reload: Reload(); break;
            case Order.Upgrade: BeginUpgrade(); break;
            case Order.Leave: Leave(); break;
        }
    }

    void IWorkerOwner.OnMessage(WorkerChild worker, in LinkMessage message)
    {
        worker.SilentTicks = 0;
        switch (message.Kind)
        {
            case LinkKind.Hello: OnHello(worker, message); break;
            case LinkKind.OpenListener: OnOpenListener(worker, message); break;
            case LinkKind.CloseListener: OnCloseListener(worker, message.Text); break;
            case LinkKind.Claim: OnClaim(worker, message); break;
            case LinkKind.Serving: OnServing(worker, message); break;
            case LinkKind.WantConfiguration: Reload(); break;
            case LinkKind.Yielded: OnYielded(worker); break;
            case LinkKind.OpenFile: OnOpenFile(worker, message); break;
            case LinkKind.Heartbeat: break;
            default: worker.Kill(); break;
        }
    }

    void IWorkerOwner.OnEnd(WorkerChild worker, ExitStatus status)
    {
        _workers.Remove(worker);
        TimeSpan served = worker.ServingSince == Instant.Never ? TimeSpan.Zero : _loop.Now - worker.ServingSince;
        worker.Dispose();
        if (worker == _successor)
        {
            _successor = null;
            _log.Error($"the new worker {worker.Pid} ended before it served ({status}); the old one goes on");
            AbandonUpgrade();
        }
        else if (worker == _current)
        {
            _current = null;
            if (!_isLeaving) OnCurrentLost(worker, status, served);
        }

        if (_isLeaving && _workers.Count == 0) _exitCode = 0;
    }

    private int Run()
    {
        // What this thread starts from here on can gain no privileges: the worker above all.
        Credentials.StartOnlyUnprivileged();
        ResourceLimits.RaiseDescriptors(WantedDescriptors);
        _ = Signals.Unignore(1 /* SIGHUP */); // under nohup it is an order to reload all the same
        using PosixSignalRegistration reload = On(PosixSignal.SIGHUP, Order.Reload);
        using PosixSignalRegistration terminate = On(PosixSignal.SIGTERM, Order.Leave);
        using PosixSignalRegistration interrupt = On(PosixSignal.SIGINT, Order.Leave);
        using PosixSignalRegistration upgrade = On((PosixSignal)12 /* SIGUSR2 */, Order.Upgrade);
        var watchdog = new Watchdog(this);
        _current = Start();
        while (_exitCode is null) _loop.Turn(1000);
        _loop.Disarm(watchdog);
        return _exitCode.Value;
    }

    private PosixSignalRegistration On(PosixSignal signal, Order order) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        _loop.Post(this, number: (long)order);
    });

    /// <summary>Starts a worker and gives it the configuration; null when that failed, which is reported and dealt with.</summary>
    /// <param name="isReplacement">In place of one that died: with the configuration that was in force, not with an edit of it.</param>
    private WorkerChild? Start(bool isReplacement = false)
    {
        int file = isReplacement && _inForce >= 0 ? _inForce : OpenConfiguration();
        if (file < 0)
        {
            OnStartFailed();
            return null;
        }

        Offer(file);
        Errno error = WorkerChild.TryStart(_loop, this, _program, out WorkerChild? worker);
        if (worker is null)
        {
            _log.Error($"cannot start a worker from {_program.Path}: {error.Describe()}");
            OnStartFailed();
        }
        else
        {
            _workers.Add(worker);
            Files.Rewind(file);
            if (!worker.TrySend(new LinkMessage(LinkKind.Configuration, Text: _configuration), file)) worker.Kill();
        }

        return worker;
    }

    /// <summary>Remembers what a worker is given next; what was offered before and never came into force is let go.</summary>
    private void Offer(int file)
    {
        if (_offered >= 0) Descriptor.Close(_offered);
        _offered = file == _inForce ? -1 : file;
    }

    /// <summary>A worker serves with what it was offered last.</summary>
    private void BringIntoForce()
    {
        if (_offered < 0) return;
        if (_inForce >= 0) Descriptor.Close(_inForce);
        (_inForce, _offered) = (_offered, -1);
    }

    /// <summary>The first start is the user's to repeat; later ones are repeated here.</summary>
    private void OnStartFailed()
    {
        if (!_hasServed) _exitCode = 1;
        // Never from within the start that failed: what that one returns would take the place of the new worker.
        else if (_current is null) _loop.Arm(_restartTimer, _loop.Now + _restarts.OnDeath(TimeSpan.Zero));
    }

    private int OpenConfiguration()
    {
        int file = Files.CopyToMemory(_configuration, LongestConfiguration);
        if (file >= 0) return file;
        string text = $"cannot read the configuration {_configuration}: {((Errno)(-file)).Describe()}";
        if (_hasServed) _log.Error(text);
        else _log.WriteForUser(text);
        return file;
    }

    private void OnHello(WorkerChild worker, in LinkMessage message)
    {
        if (message.Number == LinkCodec.Version) return;
        _log.Error($"worker {worker.Pid} is of a version that does not work with this keeper; restart the service to upgrade");
        worker.Kill();
    }

    /// <summary>In the configuration in force or in the one that was offered last.</summary>
    private bool IsNamed(Func<byte[], bool> isNamed) =>
        (_offered >= 0 && isNamed(Files.ReadWhole(_offered))) || (_inForce >= 0 && isNamed(Files.ReadWhole(_inForce)));

    private void OnOpenListener(WorkerChild worker, LinkMessage message)
    {
        if (!IsNamed(content => NamedInConfiguration.Endpoint(content, message.Text)))
        {
            if (!worker.TrySend(new LinkMessage(LinkKind.Listener, message.Id, (long)Errno.EPERM, NotNamed))) worker.Kill();
            return;
        }

        bool isPrivate = (message.Number & LinkCodec.PrivateListener) != 0;
        int count = (int)Math.Clamp(message.Number & ~LinkCodec.PrivateListener, 0, DescriptorSocket.MaxDescriptors);
        IReadOnlyList<int> sockets = _listeners.Open(message.Text, count, isPrivate, out Errno error);
        var answer = new LinkMessage(LinkKind.Listener, message.Id, (long)error, error == Errno.None ? "" : error.Describe());
        if (error == Errno.None) worker.Listeners.Add(message.Text);
        if (!worker.TrySend(answer, [.. sockets])) worker.Kill();
    }

    private void OnCloseListener(WorkerChild worker, string endpoint)
    {
        worker.Listeners.Remove(endpoint);
        if (!_workers.Exists(other => other.Stage != WorkerStage.Draining && other.Listeners.Contains(endpoint))) _listeners.Close(endpoint);
    }

    /// <summary>Two instances with one state directory would overwrite each other's state: the second one is told so.</summary>
    private void OnClaim(WorkerChild worker, LinkMessage message)
    {
        int error = 0;
        if (!IsNamed(content => NamedInConfiguration.Path(content, message.Text)))
        {
            error = (int)Errno.EPERM;
        }
        else if (!_claims.ContainsKey(message.Text))
        {
            int claim = Files.OpenLocked(Path.Combine(message.Text, "lock"));
            if (claim >= 0) _claims[message.Text] = claim;
            else error = -claim;
        }

        if (!worker.TrySend(new LinkMessage(LinkKind.Claimed, message.Id, error))) worker.Kill();
    }

    /// <summary>Private keys are readable by root alone; the worker has given that up.</summary>
    private void OnOpenFile(WorkerChild worker, LinkMessage message)
    {
        bool isNamed = IsNamed(content => NamedInConfiguration.File(content, message.Text));
        int file = isNamed ? Files.OpenToRead(message.Text) : -(int)Errno.EPERM;
        var answer = new LinkMessage(LinkKind.File, message.Id, Math.Max(0, -file));
        bool sent = worker.TrySend(answer, file < 0 ? [] : [file]);
        if (file >= 0) Descriptor.Close(file);
        if (!sent) worker.Kill();
    }

    private void OnServing(WorkerChild worker, in LinkMessage message)
    {
        BringIntoForce();
        worker.DrainTimeout = TimeSpan.FromMilliseconds(Math.Clamp(message.Number, 0, (long)TimeSpan.FromHours(24).TotalMilliseconds));
        if (worker.Stage != WorkerStage.Starting) return;
        worker.BecomeServing(_loop.Now);
        _hasServed = true;
        _log.Info($"worker {worker.Pid} serves");
        if (worker == _successor) EndUpgrade(worker);
        _listeners.KeepOnly(worker.Listeners);
        if (_reloadWaits) Reload();
    }

    private void OnCurrentLost(WorkerChild worker, ExitStatus status, TimeSpan served)
    {
        if (!_hasServed)
        {
            // Code 1: it has said why, line by line.
            if (status != new ExitStatus(1, 0)) _log.Error($"the worker ended before it served ({status})");
            _exitCode = 1;
            return;
        }

        TimeSpan delay = _restarts.OnDeath(served);
        string when = delay == TimeSpan.Zero ? "now" : $"in {delay.TotalSeconds:0.0} s";
        _log.Error($"worker {worker.Pid} ended unexpectedly ({status}); its sockets are kept, a new one starts {when}");
        RestartAfter(delay);
    }

    private void RestartAfter(TimeSpan delay)
    {
        _isUpgrading = false;
        if (_successor is not null)
        {
            (_current, _successor) = (_successor, null);
            return;
        }

        if (delay == TimeSpan.Zero) _current = Start(isReplacement: true);
        else _loop.Arm(_restartTimer, _loop.Now + delay);
    }

    private void Reload()
    {
        if (_isLeaving) return;
        if (_isUpgrading || _current?.Stage != WorkerStage.Serving)
        {
            // One that is starting may have read the file before it changed.
            _reloadWaits = _current is not null;
            return;
        }

        _reloadWaits = false;
        int file = Files.CopyToMemory(_configuration, LongestConfiguration);
        // What went wrong is the worker's to report: it may have been asked for over the API.
        var message = new LinkMessage(LinkKind.Configuration, Number: Math.Max(0, -file), Text: _configuration);
        if (file >= 0)
        {
            Offer(file);
            Files.Rewind(file);
        }

        if (!_current.TrySend(message, file < 0 ? [] : [file])) _current.Kill();
    }

    /// <summary>The first time: no new work, existing work ends. The second time: now.</summary>
    private void Leave()
    {
        bool isSecond = _isLeaving;
        _isLeaving = true;
        _loop.Disarm(_restartTimer);
        // The workers still have these sockets and take what is queued in them; after that nobody is there to connect to.
        _listeners.Dispose();
        if (_workers.Count == 0) _exitCode = 0;
        foreach (WorkerChild worker in _workers)
        {
            if (isSecond || worker.Stage == WorkerStage.Starting) worker.Kill();
            else if (worker.Stage == WorkerStage.Serving) worker.Drain(within: null, DrainGrace);
        }
    }

    private void LookAfter(WorkerChild worker)
    {
        if (worker.IsKilled) return;
        if (_loop.Now >= worker.KillAt)
        {
            _log.Warning($"worker {worker.Pid} has not left in time and is killed");
            worker.Kill();
        }
        else if (++worker.SilentTicks > Watchdog.AllowedSilentTicks)
        {
            _log.Error($"worker {worker.Pid} has stalled (no heartbeat for {Watchdog.AllowedSilence.TotalSeconds:0} s) and is killed");
            worker.Kill();
        }
    }

    private enum Order : long
    {
        Reload,
        Upgrade,
        Leave,
    }

    private sealed class Watchdog : TimerNode
    {
        private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

        /// <summary>Heartbeats come twice a second. Short enough to be better than waiting, too long for any pause of a healthy worker.</summary>
        public static readonly TimeSpan AllowedSilence = TimeSpan.FromSeconds(5);
        public static readonly int AllowedSilentTicks = (int)(AllowedSilence / Tick);

        private readonly KeeperProcess _keeper;

        public Watchdog(KeeperProcess keeper)
        {
            _keeper = keeper;
            keeper._loop.Arm(this, keeper._loop.Now + Tick);
        }

        public override void OnDeadline(Instant now)
        {
            foreach (WorkerChild worker in _keeper._workers) _keeper.LookAfter(worker);
            _keeper._loop.Arm(this, now + Tick);
        }
    }

    private sealed class RestartTimer(KeeperProcess keeper) : TimerNode
    {
        public override void OnDeadline(Instant now)
        {
            if (!keeper._isLeaving && keeper._current is null) keeper._current = keeper.Start(isReplacement: true);
        }
    }
}
