using System.Collections.Immutable;

namespace Mainstay.Demo;

/// <summary>One scene as it was played. All times since the script's beginning.</summary>
/// <param name="HealedAt">The fault was taken back; null = not yet, or it cannot be.</param>
/// <param name="NoticedAt">The server was out; null = not yet.</param>
/// <param name="BackAt">The server was in again, or requests were answered again.</param>
internal sealed record Act(Scene Scene, TimeSpan BeganAt, TimeSpan? HealedAt = null, TimeSpan? NoticedAt = null, TimeSpan? BackAt = null)
{
    /// <summary>
    /// Until when a request may fail by this fault: sent before the balancer could know of it. Nobody may take longer to notice than
    /// the configured checks need.
    /// </summary>
    public TimeSpan ExcusedUntil
    {
        get
        {
            TimeSpan limit = BeganAt + Detection.Limit(Scene.Fault);
            return Scene.IsChecked && NoticedAt is { } noticed && noticed < limit ? noticed : limit;
        }
    }
}

/// <summary>A request that was not answered with success.</summary>
internal readonly record struct Failure(TimeSpan SentAt, TimeSpan EndedAt, string Reason);

/// <summary>What became of the requests sent during one act.</summary>
/// <param name="WhileNoticing">Failed, hit by the act's fault before it could be known.</param>
/// <param name="Lost">Failed without such an excuse.</param>
/// <param name="Retried">Answered at the client's second attempt: its idle connection had been closed.</param>
internal sealed record ActResult(Act Act, long Answered, long WhileNoticing, long Lost, long Retried);

/// <summary>Counts the client's requests and says which act each belongs to. Any thread.</summary>
internal sealed class Ledger
{
    /// <summary>More are counted as lost without being looked at: something is very wrong then.</summary>
    private const int MaxFailures = 100_000;

    private readonly Lock _gate = new();
    private readonly List<Act> _acts = [];
    private readonly List<(long Answered, long Retried)> _counts = [];
    private readonly List<Failure> _failures = [];
    private long _excess;

    public void Begin(Scene scene, TimeSpan now)
    {
        lock (_gate)
        {
            _acts.Add(new Act(scene, now));
            _counts.Add(default);
        }
    }

    /// <summary>Notes something about the act that is being played.</summary>
    public void Note(Func<Act, Act> change)
    {
        lock (_gate)
        {
            if (_acts.Count > 0) _acts[^1] = change(_acts[^1]);
        }
    }

    /// <summary>Counts for the act during which the answer came.</summary>
    public void OnAnswered(TimeSpan sentAt, TimeSpan endedAt, bool isRetried)
    {
        lock (_gate)
        {
            if (_acts.Count == 0) return;
            _counts[^1] = (_counts[^1].Answered + 1, _counts[^1].Retried + (isRetried ? 1 : 0));
            Act act = _acts[^1];
            // A new worker serves: the first answer to a request that the old one cannot have had.
            if (act.Scene.Fault == Fault.KillWorker && act.BackAt is null && sentAt >= act.ExcusedUntil) _acts[^1] = act with { BackAt = endedAt };
        }
    }

    public void OnFailed(Failure failure)
    {
        lock (_gate)
        {
            if (_failures.Count < MaxFailures) _failures.Add(failure);
            else _excess++;
        }
    }

    public ImmutableArray<ActResult> Results()
    {
        lock (_gate)
        {
            long[] excused = new long[_acts.Count], lost = new long[_acts.Count];
            foreach (Failure failure in _failures)
            {
                if (ActToBlame(_acts, failure) is { } blamed) excused[blamed]++;
                else if (_acts.Count > 0) lost[ActAt(_acts, failure.SentAt)]++;
            }

            if (_acts.Count > 0) lost[^1] += _excess;
            return [.. _acts.Select((act, i) => new ActResult(act, _counts[i].Answered, excused[i], lost[i], _counts[i].Retried))];
        }
    }

    /// <summary>The commonest reasons for which requests failed.</summary>
    public ImmutableArray<(string Reason, int Count)> Reasons()
    {
        lock (_gate) return [.. _failures.GroupBy(f => f.Reason).Select(g => (g.Key, g.Count())).OrderByDescending(r => r.Item2).Take(3)];
    }

    /// <summary>The act whose fault came before the request's end, and whose request was sent before the fault could be known.</summary>
    public static int? ActToBlame(IReadOnlyList<Act> acts, Failure failure)
    {
        for (int i = acts.Count - 1; i >= 0; i--)
        {
            bool isHit = failure.EndedAt >= acts[i].BeganAt && failure.SentAt < acts[i].ExcusedUntil;
            if (isHit && Detection.Limit(acts[i].Scene.Fault) > TimeSpan.Zero) return i;
        }

        return null;
    }

    private static int ActAt(List<Act> acts, TimeSpan time) => Math.Max(0, acts.FindLastIndex(act => act.BeganAt <= time));
}
