using System.Runtime.CompilerServices;

namespace Mainstay.Core.Http2;

/// <summary>What a peer may do for nothing, and only so often.</summary>
internal enum Flood : byte
{
    Resets,
    ProvokedResets,
    Settings,
    Pings,
    EmptyFrames,
    Priorities,
    WindowUpdates,
    UselessFrames,
    OversizedHeads,
}

/// <summary>
/// Budgets against frames that cost the sender nothing (RFC 9113 section 10.5). Each cause fills a bucket that leaks; when it is
/// over, the connection ends with ENHANCE_YOUR_CALM.
/// </summary>
internal struct FloodBudgets
{
    private const int Kinds = 9;

    /// <summary>Decay is counted in steps of this, in nanoseconds.</summary>
    private const long Step = 100_000_000;

    /// <param name="Burst">At once, in a bucket that is empty.</param>
    /// <param name="PerStep">Forgotten in each tenth of a second.</param>
    private readonly record struct Budget(Flood Flood, int Burst, int PerStep, Http2Reason Reason);

    private static readonly Budget[] s_budgets =
    [
        // CVE-2023-44487. A reader who leaves a page cancels what it was loading: 100 streams at once. Streams that run to their
        // end give back (Credit), so that a busy client may cancel as many as it completes.
        new(Flood.Resets, 200, 2, Http2Reason.ResetFlood),

        // CVE-2025-8671: the peer makes us send the RST_STREAM. No sound client has one after another.
        new(Flood.ProvokedResets, 100, 1, Http2Reason.ProvokedResetFlood),

        // CVE-2019-9515. Each is answered; a client sends a few in its life.
        new(Flood.Settings, 50, 1, Http2Reason.SettingsFlood),

        // CVE-2019-9512. gRPC measures its bandwidth with a PING a round trip while content comes: what we send gives back (Credit).
        new(Flood.Pings, 200, 10, Http2Reason.PingFlood),

        // CVE-2019-9518: DATA without content that ends nothing.
        new(Flood.EmptyFrames, 100, 2, Http2Reason.EmptyFrameFlood),

        // CVE-2019-9513. Old browsers send one or two a request.
        new(Flood.Priorities, 1000, 50, Http2Reason.PriorityFlood),

        // CVE-2019-9511 with small increments. What we send gives back (Credit): clients answer DATA with one or two.
        new(Flood.WindowUpdates, 1000, 50, Http2Reason.WindowUpdateFlood),

        // GREASE and extensions are few; so are heads that come after their stream was reset.
        new(Flood.UselessFrames, 200, 5, Http2Reason.UselessFrameFlood),

        // Heads over the limit are answered 431, and cost a decoding each.
        new(Flood.OversizedHeads, 50, 1, Http2Reason.OversizedHeadFlood),
    ];

    private Levels _levels;
    private Instant _decayed;

    /// <summary>Charges one. Returns the reason to end the connection for, or None.</summary>
    public Http2Reason Charge(Flood flood, Instant now, int cost = 1)
    {
        Decay(now);
        ref readonly Budget budget = ref s_budgets[(int)flood];
        int level = Math.Max(0, _levels[(int)flood]) + cost;
        _levels[(int)flood] = level;
        return level > budget.Burst ? budget.Reason : Http2Reason.None;
    }

    /// <summary>The connection was of use: takes back what was charged.</summary>
    public void Credit(Flood flood, int amount) => _levels[(int)flood] = Math.Max(0, _levels[(int)flood] - amount);

    private void Decay(Instant now)
    {
        long steps = (now.Nanoseconds - _decayed.Nanoseconds) / Step;
        if (steps <= 0) return;
        _decayed = new Instant(_decayed.Nanoseconds + steps * Step);
        foreach (Budget budget in s_budgets)
        {
            int level = _levels[(int)budget.Flood];
            if (level > 0) _levels[(int)budget.Flood] = (int)Math.Max(0, level - Math.Min(steps, int.MaxValue / 64) * budget.PerStep);
        }
    }

    [InlineArray(Kinds)]
    private struct Levels
    {
        private int _first;
    }
}
