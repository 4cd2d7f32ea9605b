using Mainstay.Core.Balancing;

namespace Mainstay.Core.Health;

/// <summary>
/// The health of one server of one pool: counts check results, obeys the operator and the server's agent, ramps the share up. Pure;
/// whoever owns it calls <see cref="Step"/> with <see cref="HealthInput.DeadlineReached"/> when <see cref="NextDeadline"/> is due.
///
/// An unknown server becomes up or down by its first result (as Envoy does); from then on a change needs
/// <see cref="HealthPolicy.Rise"/> good or <see cref="HealthPolicy.Fall"/> bad results in a row. Orders outrank results: the operator's
/// first, then the agent's. Checks go on while a server is drained and rest while the operator has it in maintenance.
///
/// Effects of one step come in this order: cancelled or timed out check, state or share, drain deadline, new check.
/// </summary>
public sealed class HealthMachine
{
    /// <summary>Intervals vary by this share of themselves to either side, so that checks made together do not stay together.</summary>
    public const double Jitter = 0.05;

    /// <summary>A slow start begins at a tenth of the weight (Envoy's default), so that the server sees traffic at all.</summary>
    private const int FirstShare = Availability.FullShare / 10;

    private const int RampSteps = 50;
    private static readonly TimeSpan ShortestRampStep = TimeSpan.FromMilliseconds(100);

    private HealthPolicy _policy;
    private ulong _random;
    private Instant _nextCheck = Instant.Never;
    private Instant _checkStarted;
    private Instant _checkDeadline = Instant.Never;
    private Instant _drainDeadline = Instant.Never;
    private Instant _rampStarted = Instant.Never;
    private Instant _nextRampStep = Instant.Never;
    private bool _inFlight;
    private bool _joins;
    private int _check;
    private ServerOrder _agentOrder;
    private int _agentShare = Availability.FullShare;

    /// <summary>Why the health or an order changed in this step; becomes <see cref="Reason"/> if the state changes with it.</summary>
    private string _why = "";

    public HealthMachine(HealthPolicy policy, ulong seed)
    {
        _policy = policy;
        _random = seed;
    }

    /// <summary>What the planes are told: orders first, then the checks' verdict.</summary>
    public ServerState State { get; private set; }

    /// <summary>0..256: slow start and the agent's percentage together.</summary>
    public int Share { get; private set; } = Availability.FullShare;

    /// <summary>Why <see cref="State"/> is what it is, and since when.</summary>
    public string Reason { get; private set; } = "not checked yet";

    public Instant Since { get; private set; }

    /// <summary>The checks' verdict alone: unknown, up or down.</summary>
    public ServerState Health { get; private set; }

    /// <summary>What made <see cref="Health"/> what it is.</summary>
    public string HealthReason { get; private set; } = "";

    /// <summary>The operator's order, and its reason.</summary>
    public ServerOrder Order { get; private set; }

    public string OrderReason { get; private set; } = "";

    /// <summary>Results in a row that contradict <see cref="Health"/>.</summary>
    public int Contradictions { get; private set; }

    /// <summary>The last result; meaningless before <see cref="ChecksEnded"/> is above 0.</summary>
    public CheckOutcome LastOutcome { get; private set; }

    public TimeSpan LastDuration { get; private set; }
    public Instant LastEnded { get; private set; }
    public long ChecksEnded { get; private set; }

    /// <summary>When the next check starts; <see cref="Instant.Never"/> while one is under way or none is made.</summary>
    public Instant NextCheck => _inFlight ? Instant.Never : _nextCheck;

    public bool IsChecking => _inFlight;

    public HealthPolicy Policy => _policy;

    /// <summary>Has had its first check, or needs none: no reason to wait for it with the opening of listeners.</summary>
    public bool IsSettled => Health != ServerState.Unknown || ChecksEnded > 0 || Order == ServerOrder.Maintenance;

    public Instant NextDeadline =>
        Instant.Min(
            Instant.Min(_inFlight ? _checkDeadline : _nextCheck, _drainDeadline),
            _nextRampStep);

    public void Step(in HealthInput input, Instant now, List<HealthEffect> effects)
    {
        _why = "";
        switch (input.Kind)
        {
            case HealthInputKind.Start: OnStart(input.Known ?? LastKnown.Nothing, input.Flag, now); break;
            case HealthInputKind.DeadlineReached: OnCheckTimeout(now, effects); break;
            case HealthInputKind.CheckEnded: OnCheckEnded(input.Check, input.Outcome, now); break;
            case HealthInputKind.Order: OnOrder(input.Order, input.Reason ?? "", now, effects); break;
            case HealthInputKind.PolicyChanged: OnPolicyChanged(input.Policy ?? _policy, input.Flag, now, effects); break;
        }

        Announce(now, effects);
        PassDrainDeadline(now, effects);
        StartDueCheck(now, effects);
    }

    private void OnStart(LastKnown known, bool joins, Instant now)
    {
        Since = now;
        _joins = joins;
        (Order, OrderReason) = (known.Order, known.OrderReason);
        if (!_policy.IsChecked)
        {
            SetHealth(ServerState.Up, "not checked");
        }
        else if (known.Health is ServerState.Up or ServerState.Down && Order != ServerOrder.Maintenance)
        {
            SetHealth(known.Health, LastKnownReason(known.HealthReason));
        }

        ScheduleFirst(now);
    }

    private void OnCheckTimeout(Instant now, List<HealthEffect> effects)
    {
        if (!_inFlight || now < _checkDeadline) return;
        _checkDeadline = Instant.Never;
        effects.Add(new HealthEffect(HealthEffectKind.TimeOutCheck, _check));
    }

    private void OnCheckEnded(int check, in CheckOutcome outcome, Instant now)
    {
        if (!_inFlight || check != _check) return;
        _inFlight = false;
        bool isFirst = ChecksEnded++ == 0;
        LastOutcome = outcome;
        LastEnded = now;
        LastDuration = now - _checkStarted;
        if (outcome.IsEvidence)
        {
            Count(outcome, now);
            Obey(outcome.Agent, outcome.Text);
        }

        // The first interval is cut at random: servers that started together are spread over the interval from then on.
        TimeSpan pause = Contradictions > 0 ? Jittered(_policy.FastInterval)
            : isFirst ? _policy.Interval * NextUnit()
            : Jittered(_policy.Interval);
        Instant due = _checkStarted + pause;
        _nextCheck = due > now ? due : now;
    }

    private void OnOrder(ServerOrder order, string reason, Instant now, List<HealthEffect> effects)
    {
        ServerOrder before = Order;
        (Order, OrderReason) = (order, reason);
        if (order == before) return;
        if (before == ServerOrder.Maintenance) ScheduleNow(now);
        if (order == ServerOrder.Maintenance) RestChecks(effects);
        _drainDeadline = order == ServerOrder.Drain && _policy.DrainTimeout > TimeSpan.Zero ? now + _policy.DrainTimeout : Instant.Never;
        if (order != ServerOrder.None) return;
        _why = Said("enabled", reason);
        if (Health != ServerState.Unknown) _why += $"; {HealthReason}";
    }

    private void OnPolicyChanged(HealthPolicy policy, bool checkChanged, Instant now, List<HealthEffect> effects)
    {
        bool wasChecked = _policy.IsChecked;
        _policy = policy;
        if (policy.SlowStart <= TimeSpan.Zero) EndRamp();
        if (!policy.IsChecked)
        {
            Cancel(effects);
            _nextCheck = Instant.Never;
            (_agentOrder, _agentShare) = (ServerOrder.None, Availability.FullShare);
            if (wasChecked) SetHealth(ServerState.Up, "not checked");
            return;
        }

        if (Order == ServerOrder.Maintenance) return;
        if (checkChanged || !wasChecked)
        {
            Cancel(effects);
            Contradictions = 0;
            _nextCheck = now + Shorter(policy.FirstSpread, policy.Interval) * NextUnit();
        }
        else if (!_inFlight)
        {
            _nextCheck = Instant.Min(_nextCheck, now + Jittered(policy.Interval));
        }
    }

    /// <summary>Hysteresis: a verdict falls only by results in a row that contradict it.</summary>
    private void Count(in CheckOutcome outcome, Instant now)
    {
        bool isGood = outcome.IsGood;
        if (Health == ServerState.Unknown)
        {
            SetHealth(isGood ? ServerState.Up : ServerState.Down, $"first check: {outcome.Text}");
            if (isGood && _joins) BeginRamp(now);
        }
        else if (isGood == (Health == ServerState.Up))
        {
            Contradictions = 0;
        }
        else if (++Contradictions >= (isGood ? _policy.Rise : _policy.Fall))
        {
            string quality = isGood ? "good" : "bad";
            SetHealth(
                isGood ? ServerState.Up : ServerState.Down,
                Contradictions == 1 ? outcome.Text : $"{outcome.Text}, {Contradictions} {quality} results in a row");
            if (isGood) BeginRamp(now);
        }
    }

    /// <summary>An agent's orders and percentage hold until it says otherwise; they are instructions and not counted.</summary>
    private void Obey(AgentReport report, string text)
    {
        if (report.Percent is { } percent) _agentShare = percent * Availability.FullShare / 100;
        ServerOrder order = report.Order switch
        {
            AgentOrder.Ready => ServerOrder.None,
            AgentOrder.Drain => ServerOrder.Drain,
            AgentOrder.Maintenance => ServerOrder.Maintenance,
            _ => _agentOrder,
        };
        if (order == _agentOrder) return;
        _agentOrder = order;
        if (_why.Length == 0) _why = text;
    }

    /// <summary>In maintenance a server is not asked, and what was known about it grows stale: it comes back as unknown.</summary>
    private void RestChecks(List<HealthEffect> effects)
    {
        Cancel(effects);
        _nextCheck = Instant.Never;
        EndRamp();
        _joins = true;
        (_agentOrder, _agentShare) = (ServerOrder.None, Availability.FullShare);
        if (_policy.IsChecked) SetHealth(ServerState.Unknown, "in maintenance");
    }

    private void ScheduleFirst(Instant now)
    {
        if (!_policy.IsChecked || Order == ServerOrder.Maintenance) return;
        _nextCheck = now + Shorter(_policy.FirstSpread, _policy.Interval) * NextUnit();
    }

    private void ScheduleNow(Instant now)
    {
        if (_policy.IsChecked) _nextCheck = now;
        else BeginRamp(now);
    }

    private void StartDueCheck(Instant now, List<HealthEffect> effects)
    {
        if (_inFlight || now < _nextCheck) return;
        _inFlight = true;
        _checkStarted = now;
        _checkDeadline = now + _policy.Timeout;
        _nextCheck = Instant.Never;
        effects.Add(new HealthEffect(HealthEffectKind.StartCheck, ++_check));
    }

    private void Cancel(List<HealthEffect> effects)
    {
        if (!_inFlight) return;
        _inFlight = false;
        effects.Add(new HealthEffect(HealthEffectKind.CancelCheck, _check));
    }

    private void SetHealth(ServerState health, string reason)
    {
        Health = health;
        HealthReason = _why = reason;
        Contradictions = 0;
        if (health != ServerState.Up) EndRamp();
    }

    private void BeginRamp(Instant now)
    {
        if (_policy.SlowStart <= TimeSpan.Zero) return;
        _rampStarted = now;
        _nextRampStep = now + RampStep;
    }

    private void EndRamp() => _rampStarted = _nextRampStep = Instant.Never;

    private TimeSpan RampStep
    {
        get
        {
            TimeSpan step = _policy.SlowStart / RampSteps;
            return step > ShortestRampStep ? step : ShortestRampStep;
        }
    }

    private int RampShare(Instant now)
    {
        if (_rampStarted == Instant.Never) return Availability.FullShare;
        double done = (now - _rampStarted) / _policy.SlowStart;
        if (done >= 1)
        {
            EndRamp();
            return Availability.FullShare;
        }

        if (now >= _nextRampStep) _nextRampStep = now + RampStep;
        return Math.Max(FirstShare, (int)(Availability.FullShare * done));
    }

    private void Announce(Instant now, List<HealthEffect> effects)
    {
        ServerState state = Order switch
        {
            ServerOrder.Maintenance => ServerState.Maintenance,
            ServerOrder.Drain => ServerState.Draining,
            _ => _agentOrder switch
            {
                ServerOrder.Maintenance => ServerState.Maintenance,
                ServerOrder.Drain => ServerState.Draining,
                _ => Health,
            },
        };
        int share = _agentShare * RampShare(now) / Availability.FullShare;
        bool sameState = state == State;
        if (sameState && share == Share) return;
        (State, Share) = (state, share);
        if (sameState)
        {
            effects.Add(new HealthEffect(HealthEffectKind.ShareChanged, 0, State, Share, Reason));
            return;
        }

        Since = now;
        Reason = Order switch
        {
            ServerOrder.Maintenance => Said("put into maintenance", OrderReason),
            ServerOrder.Drain => Said("drained", OrderReason),
            _ => _why.Length > 0 ? _why : HealthReason,
        };
        effects.Add(new HealthEffect(HealthEffectKind.StateChanged, 0, State, Share, Reason));
    }

    private void PassDrainDeadline(Instant now, List<HealthEffect> effects)
    {
        if (now < _drainDeadline) return;
        _drainDeadline = Instant.Never;
        effects.Add(new HealthEffect(HealthEffectKind.DrainDeadlinePassed, 0, State, Share, Reason));
    }

    /// <summary>Said once, however many restarts the knowledge has come through.</summary>
    private static string LastKnownReason(string reason) =>
        reason.StartsWith("last known: ", StringComparison.Ordinal) ? reason : $"last known: {reason}";

    private static string Said(string done, string reason) =>
        reason.Length == 0 ? $"{done} by the operator" : $"{done} by the operator: {reason}";

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private TimeSpan Jittered(TimeSpan interval) => interval * (1 - Jitter + 2 * Jitter * NextUnit());

    /// <summary>Uniform in [0, 1): SplitMix64 (Steele, Lea and Flood, 2014); eight bytes of state for each server.</summary>
    private double NextUnit()
    {
        ulong z = _random += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
