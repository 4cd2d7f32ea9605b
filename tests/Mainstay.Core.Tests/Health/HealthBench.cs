using Mainstay.Core.Balancing;
using Mainstay.Core.Health;

namespace Mainstay.Core.Tests.Health;

/// <summary>One machine in simulated time, with a server that answers as the test says. Records everything in order.</summary>
internal sealed class HealthBench
{
    public static readonly CheckOutcome Good = CheckOutcome.Pass(CheckLayer.Application, "HTTP 200");
    public static readonly CheckOutcome Bad = new(CheckLayer.Application, CheckCause.Unexpected, "HTTP 503");
    public static readonly CheckOutcome Unable = new(CheckLayer.Self, CheckCause.Unable, "this process has no descriptors left");

    private readonly List<HealthEffect> _effects = [];
    private (Instant At, int Check, CheckOutcome Outcome)? _answer;

    public HealthBench(HealthPolicy policy, ulong seed = 1) => Machine = new HealthMachine(policy, seed);

    public HealthMachine Machine { get; }
    public Instant Now { get; private set; } = new(1_000_000_000_000);
    public Instant Began { get; } = new(1_000_000_000_000);

    /// <summary>What the server does with a check; null = it never answers.</summary>
    public Func<(TimeSpan After, CheckOutcome Outcome)?> Server { get; set; } = () => (TimeSpan.FromMilliseconds(2), Good);

    public List<(Instant At, HealthEffect Effect)> Log { get; } = [];

    public IEnumerable<(Instant At, HealthEffect Effect)> Of(HealthEffectKind kind) => Log.Where(entry => entry.Effect.Kind == kind);

    public ServerState State => Machine.State;

    public TimeSpan SinceStart => Now - Began;

    public HealthBench Start(LastKnown? known = null, bool joins = false)
    {
        Step(HealthInput.Start(known ?? LastKnown.Nothing, joins));
        return this;
    }

    public void Step(in HealthInput input)
    {
        // A step within a step (the answer to a timeout) adds to the list that the outer one is going through.
        bool isOuter = _effects.Count == 0;
        Machine.Step(input, Now, _effects);
        if (!isOuter) return;
        for (int i = 0; i < _effects.Count; i++) Carry(_effects[i]);
        _effects.Clear();
    }

    public void Run(TimeSpan span) => RunUntil(Now + span, () => false);

    /// <summary>Runs until the condition holds; fails after an hour of simulated time.</summary>
    public void RunUntil(Func<bool> condition)
    {
        RunUntil(Now + TimeSpan.FromHours(1), condition);
        Assert.True(condition(), "the condition never came true");
    }

    private void RunUntil(Instant end, Func<bool> condition)
    {
        while (!condition())
        {
            Instant next = Instant.Min(Machine.NextDeadline, _answer?.At ?? Instant.Never);
            if (next > end) break;
            if (next > Now) Now = next;
            if (_answer is { } answer && answer.At <= Now)
            {
                _answer = null;
                Step(HealthInput.CheckEnded(answer.Check, answer.Outcome));
            }
            else
            {
                Step(HealthInput.DeadlineReached);
            }
        }

        if (end > Now && !condition()) Now = end;
    }

    private void Carry(HealthEffect effect)
    {
        Log.Add((Now, effect));
        switch (effect.Kind)
        {
            case HealthEffectKind.StartCheck:
                if (Server() is { } reply) _answer = (Now + reply.After, effect.Check, reply.Outcome);
                break;
            case HealthEffectKind.CancelCheck:
                _answer = null;
                break;
            case HealthEffectKind.TimeOutCheck:
                _answer = null;
                string text = $"timeout after {Machine.Policy.Timeout.TotalMilliseconds}ms waiting for the status line";
                Step(HealthInput.CheckEnded(effect.Check, new(CheckLayer.Application, CheckCause.TimedOut, text)));
                break;
        }
    }
}
