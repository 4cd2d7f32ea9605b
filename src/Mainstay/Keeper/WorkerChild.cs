using Mainstay.Core;
using Mainstay.Engine.Shards;
using Mainstay.Link;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Keeper;

/// <summary>What the keeper does about its workers.</summary>
internal interface IWorkerOwner
{
    void OnMessage(WorkerChild worker, in LinkMessage message);

    /// <summary>The process has ended and is reaped.</summary>
    void OnEnd(WorkerChild worker, ExitStatus status);
}

internal enum WorkerStage
{
    /// <summary>Reads its configuration, opens what it needs.</summary>
    Starting,
    Serving,

    /// <summary>Was told to leave.</summary>
    Draining,
}

/// <summary>A worker as the keeper sees it: the process, the link to it, and how far it is.</summary>
internal sealed class WorkerChild : IDisposable
{
    /// <summary>30 s more than otherwise for the first sign of life: a runtime that starts on a busy machine.</summary>
    private const int StartTicks = 60;

    private readonly EventLoop _loop;
    private readonly IWorkerOwner _owner;
    private readonly ChildProcess _process;
    private readonly LinkSocket _link;
    private readonly LinkChannel _linkChannel;
    private readonly EndChannel _endChannel;

    private WorkerChild(EventLoop loop, IWorkerOwner owner, ChildProcess process, LinkSocket link)
    {
        (_loop, _owner, _process, _link) = (loop, owner, process, link);
        _linkChannel = new LinkChannel(this);
        _endChannel = new EndChannel(this);
        _ = loop.Register(_linkChannel, IoEvents.In);
        _ = loop.Register(_endChannel, IoEvents.In);
    }

    public int Pid => _process.Pid;

    public WorkerStage Stage { get; private set; }

    /// <summary>Said <see cref="LinkKind.Serving"/> for the first time; <see cref="Instant.Never"/> = not yet.</summary>
    public Instant ServingSince { get; private set; } = Instant.Never;

    /// <summary>How long its existing work may go on after <see cref="Drain"/>, as its configuration says.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>On its way out, by <see cref="Kill"/>.</summary>
    public bool IsKilled { get; private set; }

    /// <summary>Killed when it is still there then.</summary>
    public Instant KillAt { get; private set; } = Instant.Never;

    /// <summary>The keeper's ticks since the last sign of life. Ticks, not time: nobody is late while the machine sleeps.</summary>
    public int SilentTicks { get; set; } = -StartTicks;

    /// <summary>Endpoints whose sockets it was given.</summary>
    public HashSet<string> Listeners { get; } = new(StringComparer.Ordinal);

    /// <summary>Starts a worker that has its end of the link as descriptor 3.</summary>
    public static Errno TryStart(EventLoop loop, IWorkerOwner owner, WorkerProgram program, out WorkerChild? worker)
    {
        const int linkInChild = 3;
        worker = null;
        Errno error = DescriptorSocket.TryCreatePair(out int own, out int childs);
        if (error != Errno.None) return error;
        var request = new SpawnRequest
        {
            Path = program.Path,
            Arguments = [program.Path, .. program.Arguments, "worker", "--link-fd", $"{linkInChild}"],
            Environment = SpawnRequest.CurrentEnvironment([.. WorkerProgram.Environment]),
            Descriptors = [new(DescriptorMapping.DevNull, 0), new(childs, linkInChild)],
            OwnGroup = true,
        };
        error = ChildProcess.TrySpawn(request, out ChildProcess? process);
        Descriptor.Close(childs);
        if (process is null)
        {
            Descriptor.Close(own);
            return error;
        }

        worker = new WorkerChild(loop, owner, process, new LinkSocket(own));
        return Errno.None;
    }

    public bool TrySend(in LinkMessage message, params ReadOnlySpan<int> descriptors) => _link.TrySend(message, descriptors);

    public void BecomeServing(Instant now)
    {
        if (Stage != WorkerStage.Starting) return;
        Stage = WorkerStage.Serving;
        ServingSince = now;
    }

    /// <summary>Told to take no new work and to leave; killed some time after its deadline.</summary>
    public void Drain(TimeSpan? within, TimeSpan grace)
    {
        long milliseconds = within is { } time ? (long)time.TotalMilliseconds : -1;
        Stage = WorkerStage.Draining;
        KillAt = Instant.Min(KillAt, _loop.Now + ((within ?? DrainTimeout) + grace));
        if (!TrySend(new LinkMessage(LinkKind.Drain, Number: milliseconds))) Kill();
    }

    public void Kill()
    {
        if (IsKilled) return;
        IsKilled = true;
        _process.Signal(ChildProcess.SignalKill);
    }

    public void Dispose()
    {
        _loop.Unregister(_linkChannel);
        _loop.Unregister(_endChannel);
        _link.Dispose();
        _process.Dispose();
    }

    /// <summary>At most a few messages a turn; the link is level-triggered and comes again.</summary>
    private void ReadLink()
    {
        switch (_link.Receive(out LinkMessage message, out ReadOnlySpan<int> descriptors))
        {
            case LinkEvent.Message:
                // A worker has none to give.
                foreach (int fd in descriptors) Descriptor.Close(fd);
                _owner.OnMessage(this, message);
                break;
            case LinkEvent.Nothing:
                break;
            case LinkEvent.End:
                // It is ending, and the other channel will say how; if it is not, its silence will be noticed.
                _loop.Unregister(_linkChannel, staysOpen: true);
                break;
            default:
                _loop.Unregister(_linkChannel, staysOpen: true);
                Kill();
                break;
        }
    }

    private sealed class LinkChannel : Channel
    {
        private readonly WorkerChild _worker;

        public LinkChannel(WorkerChild worker) => (_worker, Descriptor) = (worker, worker._link.Descriptor);

        public override void OnReady(IoEvents events) => _worker.ReadLink();
    }

    private sealed class EndChannel : Channel
    {
        private readonly WorkerChild _worker;

        public EndChannel(WorkerChild worker) => (_worker, Descriptor) = (worker, worker._process.PidFd);

        public override void OnReady(IoEvents events)
        {
            if (_worker._process.TryReap(out ExitStatus status)) _worker._owner.OnEnd(_worker, status);
        }
    }
}
