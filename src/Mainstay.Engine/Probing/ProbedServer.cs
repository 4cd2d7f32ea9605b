using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Core.Probing;
using Mainstay.Core.Proxy;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Probing;

/// <summary>One server of one pool: its machine, its timer, its probe. Carries out what the machine decides.</summary>
internal sealed class ProbedServer : TimerNode
{
    private static readonly TimeSpan ToleratedLateness = TimeSpan.FromMilliseconds(100);

    private static readonly byte[] s_lineHeader = LocalHeader(ProxyVersion.V1);
    private static readonly byte[] s_binaryHeader = LocalHeader(ProxyVersion.V2);

    private readonly Prober _prober;
    private readonly ProbedPool _pool;
    private Probe? _probe;
    private CheckSnapshot? _check;
    private int _weight;
    private int _checkNumber;
    private Instant _checkDeadline;

    public ProbedServer(Prober prober, ProbedPool pool, ServerRuntime runtime, ulong seed)
    {
        (_prober, _pool, Runtime) = (prober, pool, runtime);
        _check = pool.Snapshot.Check;
        Machine = new HealthMachine(prober.PolicyOf(pool.Snapshot), seed);
        if (_check is { } check) _probe = pool.CreateProbe(this, check);
    }

    public ServerRuntime Runtime { get; }
    public HealthMachine Machine { get; }

    /// <summary>What is asked. Probes exist only while there is a check.</summary>
    public CheckSnapshot Check => _check ?? throw new InvalidOperationException($"{Runtime.Pool}/{Runtime.Name} has no check");

    /// <summary>
    /// What every connection to the server begins with: a PROXY header that says that this is the balancer's own. A port that only checks
    /// use is not the one that expects it.
    /// </summary>
    public ReadOnlySpan<byte> Preamble => Check.Port != 0 ? default : _pool.Snapshot.SendProxy switch
    {
        ProxyVersion.V1 => s_lineHeader,
        ProxyVersion.V2 => s_binaryHeader,
        _ => default,
    };

    /// <summary>Checks leave from the address that the pool's connections leave from. 0, or a negated <see cref="Errno"/>.</summary>
    public int BindSource(int fd, in SocketAddress to)
    {
        foreach (NetAddress source in _pool.Snapshot.Sources)
            if (Sockets.Family(source) == to.Family) return Sockets.BindSource(fd, source);
        return 0;
    }

    /// <summary>Somebody waits for its first result.</summary>
    public bool IsWaitedFor { get; set; }

    /// <summary>Good and bad results so far.</summary>
    public long Passed { get; private set; }
    public long Failed { get; private set; }
    public long Changes { get; private set; }

    public string ResolveProblem => _prober.ResolveProblem(Runtime.Endpoint.HostName ?? "");

    public void Start(LastKnown known, bool joins, int weight)
    {
        _weight = weight;
        Step(HealthInput.Start(known, joins));
        WriteWord();
    }

    /// <summary>A new configuration that keeps this server.</summary>
    public void Reconfigure(int weight)
    {
        CheckSnapshot? before = _check;
        _check = _pool.Snapshot.Check;
        bool isChanged = before is null != _check is null || (before is not null && _check is not null && !before.AsksTheSameAs(_check));
        if (isChanged)
        {
            _probe?.Cancel();
            _probe = _check is null ? null : _pool.CreateProbe(this, _check);
        }

        HealthPolicy policy = _prober.PolicyOf(_pool.Snapshot);
        if (isChanged || policy != Machine.Policy) Step(HealthInput.Changed(policy, isChanged));
        if (weight == _weight) return;
        _weight = weight;
        WriteWord();
    }

    public void Order(ServerOrder order, string reason) => Step(HealthInput.Operator(order, reason));

    public void OnProbed(in CheckOutcome outcome) => Step(HealthInput.CheckEnded(_checkNumber, outcome));

    public override void OnDeadline(Instant now) => Step(HealthInput.DeadlineReached);

    /// <summary>Gone from the configuration.</summary>
    public void Remove()
    {
        _probe?.Cancel();
        _probe = null;
        _prober.Loop.Disarm(this);
    }

    private void Step(in HealthInput input)
    {
        List<HealthEffect> effects = _prober.Effects;
        Take(input, effects);

        // Results that are there at once add to the list while it is gone through.
        for (int i = 0; i < effects.Count; i++) Carry(effects[i], effects);
        effects.Clear();
        _prober.Loop.Arm(this, Machine.IsChecking ? Machine.NextDeadline : OnGrid(Machine.NextDeadline));
        if (IsWaitedFor && Machine.IsSettled) _prober.OnSettled(this);
    }

    private void Take(in HealthInput input, List<HealthEffect> effects)
    {
        long before = Machine.ChecksEnded;
        Machine.Step(input, _prober.Loop.Now, effects);
        if (Machine.ChecksEnded == before) return;
        if (Machine.LastOutcome.IsGood) Passed++;
        else Failed++;
    }

    private void Carry(in HealthEffect effect, List<HealthEffect> effects)
    {
        switch (effect.Kind)
        {
            case HealthEffectKind.StartCheck:
                _checkNumber = effect.Check;
                _checkDeadline = _prober.Loop.Now + Machine.Policy.Timeout;
                if (_probe?.Start() is { } outcome) Take(HealthInput.CheckEnded(effect.Check, outcome), effects);
                break;
            case HealthEffectKind.TimeOutCheck:
                if (_probe is not null) Take(HealthInput.CheckEnded(effect.Check, TimeOut(_probe)), effects);
                break;
            case HealthEffectKind.CancelCheck:
                _probe?.Cancel();
                break;
            case HealthEffectKind.StateChanged:
                Changes++;
                _prober.OnStateChanged(this, effect);
                WriteWord();
                if (effect.State != ServerState.Up) _prober.ServerOut?.Invoke(Runtime, EndsWork(effect.State));
                break;
            case HealthEffectKind.ShareChanged:
                WriteWord();
                break;
            case HealthEffectKind.DrainDeadlinePassed:
                _prober.OnDrainDeadline(this);
                break;
        }
    }

    /// <summary>Whether work under way on a server of this state is cut, so that clients try again elsewhere.</summary>
    private bool EndsWork(ServerState state) =>
        state is ServerState.Down or ServerState.Maintenance && _pool.Snapshot.OnFailure == FailedFlows.Drop;

    /// <summary>
    /// When this thread itself comes late (a starved or suspended machine), an answer that is missing says nothing about the server:
    /// one hiccup here must not take all servers down.
    /// </summary>
    private CheckOutcome TimeOut(Probe probe)
    {
        CheckOutcome outcome = probe.TimeOut();
        TimeSpan late = _prober.Loop.Now - _checkDeadline;
        return outcome.Cause == CheckCause.TimedOut && late > ToleratedLateness
            ? new(CheckLayer.Self, CheckCause.Unable, $"checks run {WireText.Duration(late)} late: this machine is overloaded")
            : outcome;
    }

    /// <summary>
    /// Checks begin at common moments, a fiftieth of the fast interval apart (1 to 20 ms; less than the jitter), so that one turn of the loop
    /// takes in many. Timeouts stay exact.
    /// </summary>
    private Instant OnGrid(Instant deadline)
    {
        if (deadline == Instant.Never) return deadline;
        TimeSpan fastest = Machine.Policy.FastInterval < Machine.Policy.Interval ? Machine.Policy.FastInterval : Machine.Policy.Interval;
        long grid = Math.Clamp(fastest.Ticks * 100 / 50, 1_000_000, 20_000_000);
        return new Instant((deadline.Nanoseconds + grid - 1) / grid * grid);
    }

    private static byte[] LocalHeader(ProxyVersion version)
    {
        Span<byte> header = stackalloc byte[ProxyHeaderWriter.MaxLength];
        return header[..ProxyHeaderWriter.WriteLocal(header, version)].ToArray();
    }

    /// <summary>Why it is left out although its checks pass; null: it is not.</summary>
    public string? LeftOut { get; private set; }
    public long Ejections { get; private set; }

    /// <summary>As planes see it.</summary>
    public ServerState State => LeftOut is not null && Machine.State == ServerState.Up ? ServerState.Down : Machine.State;

    public void LeaveOut(string? reason)
    {
        if (reason == LeftOut) return;
        LeftOut = reason;
        if (reason is not null) Ejections++;
        WriteWord();
        _prober.OnLeftOut(this, reason);
    }

    private void WriteWord()
    {
        _prober.Availability[Runtime.Slot] = new Availability(State, _weight, Machine.Share);
        _pool.Publish();
    }
}
