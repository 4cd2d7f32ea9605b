using System.Globalization;

namespace Mainstay.Core.Health;

/// <summary>What is known of one server's requests at a moment. Counts only grow.</summary>
/// <param name="Slot">The server, over reloads.</param>
/// <param name="TakesWork">By its checks and orders it is up.</param>
/// <param name="FailuresInARow">Since the last success.</param>
/// <param name="ResponseTime">Moving average in nanoseconds; 0: not known.</param>
public readonly record struct OutlierSample(int Slot, bool TakesWork, long Successes, long Failures, int FailuresInARow, long ResponseTime);

/// <summary>A server is left out from now on, or (no reason) takes work again.</summary>
public readonly record struct OutlierEffect(int Slot, string? Reason);

/// <summary>
/// Leaves out servers of one pool that fail real requests although their checks pass, for a time that grows with repetition. Never the
/// last server, never more than the policy allows. Pure: the caller looks once an interval.
/// </summary>
public sealed class OutlierMachine(OutlierPolicy policy)
{
    private readonly Dictionary<int, Server> _servers = [];

    public OutlierPolicy Policy { get; private set; } = policy;

    /// <summary>Servers left out now.</summary>
    public int Ejected => _servers.Values.Count(server => server.IsEjected);

    /// <summary>Another policy from now on; who is left out stays so for his time.</summary>
    public void Reconfigure(OutlierPolicy next) => Policy = next;

    /// <param name="samples">All servers of the pool; those that are missing are forgotten.</param>
    public void Step(ReadOnlySpan<OutlierSample> samples, Instant now, List<OutlierEffect> effects)
    {
        Forget(samples);
        foreach (ref readonly OutlierSample sample in samples)
        {
            Server server = Of(sample);
            server.Take(sample);
            if (!server.IsEjected || now < server.Until) continue;
            server.Return(sample, now);
            effects.Add(new OutlierEffect(sample.Slot, null));
        }

        double mean = MeanErrorRate(samples);
        foreach (ref readonly OutlierSample sample in samples)
        {
            Server server = _servers[sample.Slot];
            if (!sample.TakesWork || server.IsEjected || Judge(sample, server, samples, mean) is not { } reason || !MayEject(samples)) continue;
            TimeSpan span = server.Eject(Policy, now);
            effects.Add(new OutlierEffect(sample.Slot, $"left out for {Seconds(span)}: {reason}"));
        }
    }

    private string? Judge(in OutlierSample sample, Server server, ReadOnlySpan<OutlierSample> samples, double mean)
    {
        int inARow = server.InARow(sample);
        if (Policy.ErrorsInARow > 0 && inARow >= Policy.ErrorsInARow) return $"{inARow} failed requests in a row";
        if (server.Requests < Policy.LeastRequests) return null;
        double rate = server.ErrorRate;
        if (Policy.ErrorRate > 0 && rate - mean > Policy.ErrorRate / 100.0)
            return string.Create(CultureInfo.InvariantCulture, $"{rate * 100:0} % of its requests failed, {mean * 100:0} % on average");
        long median = Policy.SlowFactor == 0 ? 0 : MedianTimeOfOthers(sample.Slot, samples);
        if (median > 0 && sample.ResponseTime > median * Policy.SlowFactor)
            return string.Create(CultureInfo.InvariantCulture, $"takes {sample.ResponseTime / 1e6:0.#} ms, the others {median / 1e6:0.#} ms");
        return null;
    }

    private bool MayEject(ReadOnlySpan<OutlierSample> samples)
    {
        int left = 0;
        foreach (ref readonly OutlierSample sample in samples)
            if (sample.TakesWork && !_servers[sample.Slot].IsEjected) left++;

        // One of two may go at 50 %, one of three at 34 %: the share is of all servers, rounded down, but at least one.
        int most = Math.Max(1, samples.Length * Policy.MostEjected / 100);
        return left > 1 && Ejected < most && Policy.MostEjected > 0;
    }

    /// <summary>Of the servers that had enough requests, each with the same weight.</summary>
    private double MeanErrorRate(ReadOnlySpan<OutlierSample> samples)
    {
        double sum = 0;
        int count = 0;
        foreach (ref readonly OutlierSample sample in samples)
        {
            Server server = _servers[sample.Slot];
            if (server.Requests < Policy.LeastRequests) continue;
            sum += server.ErrorRate;
            count++;
        }

        return count == 0 ? 0 : sum / count;
    }

    private long MedianTimeOfOthers(int slot, ReadOnlySpan<OutlierSample> samples)
    {
        var times = new List<long>();
        foreach (ref readonly OutlierSample sample in samples)
        {
            bool counts = sample.Slot != slot && sample.ResponseTime > 0 && _servers[sample.Slot].Requests >= Policy.LeastRequests;
            if (counts) times.Add(sample.ResponseTime);
        }

        times.Sort();
        return times.Count == 0 ? 0 : times[times.Count / 2];
    }

    private Server Of(in OutlierSample sample)
    {
        if (_servers.TryGetValue(sample.Slot, out Server? known)) return known;
        return _servers[sample.Slot] = new Server(sample);
    }

    private void Forget(ReadOnlySpan<OutlierSample> samples)
    {
        if (_servers.Count == 0) return;
        var slots = new HashSet<int>();
        foreach (ref readonly OutlierSample sample in samples) slots.Add(sample.Slot);
        foreach (int gone in _servers.Keys.Where(slot => !slots.Contains(slot)).ToList()) _servers.Remove(gone);
    }

    private static string Seconds(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###} s");

    /// <summary>One server between two looks.</summary>
    private sealed class Server(in OutlierSample first)
    {
        private long _successesBefore = first.Successes;
        private long _failuresBefore = first.Failures;
        private long _failures;

        /// <summary>Times it was left out, one after the other.</summary>
        private int _strikes;
        private Instant _returnedAt;
        private TimeSpan _lastSpan;

        /// <summary>Failures in a row when it came back: of before, and no evidence any more.</summary>
        private int _excused;

        public bool IsEjected { get; private set; }
        public Instant Until { get; private set; }
        public long Requests { get; private set; }
        public double ErrorRate => Requests == 0 ? 0 : (double)_failures / Requests;

        public void Take(in OutlierSample sample)
        {
            _failures = sample.Failures - _failuresBefore;
            Requests = sample.Successes - _successesBefore + _failures;
            (_successesBefore, _failuresBefore) = (sample.Successes, sample.Failures);
            if (sample.FailuresInARow < _excused) _excused = 0;
        }

        public int InARow(in OutlierSample sample) => sample.FailuresInARow - _excused;

        public TimeSpan Eject(OutlierPolicy policy, Instant now)
        {
            // Well behaved for as long as it was left out last: that is forgotten.
            if (_strikes > 0 && now - _returnedAt > _lastSpan) _strikes = 0;
            _strikes++;
            _lastSpan = TimeSpan.FromTicks(Math.Min(policy.EjectFor.Ticks * _strikes, policy.Longest.Ticks));
            IsEjected = true;
            Until = now + _lastSpan;
            return _lastSpan;
        }

        public void Return(in OutlierSample sample, Instant now)
        {
            IsEjected = false;
            _returnedAt = now;
            _excused = sample.FailuresInARow;

            // What failed while it was left out (late answers) is of before too.
            _failures = Requests = 0;
        }
    }
}
